"""Requests to one archive: its own address and no other, retried, and silent about the token."""

import asyncio
import contextlib
import hashlib
import logging
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, Self
from urllib.parse import quote

import msgspec

from armarium.adapters.archive.zenodo_words import md5_in, reasons_in
from armarium.domain.errors import Refused, Unavailable

log = logging.getLogger(__name__)

_MAX_ANSWER_BYTES = 64 << 20


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long one waits. stall_seconds: for a transfer that does not move. The pause grows with every attempt."""

    attempts: int = 5
    pause_seconds: float = 1.0
    longest_pause_seconds: float = 30.0
    request_seconds: float = 30.0
    stall_seconds: float = 300.0


class Answer(msgspec.Struct, frozen=True):
    """What the archive answered; body: decoded JSON, None where there is none."""

    status: int
    body: Any


class Passing(Exception):  # noqa: N818 - it passes, or becomes Unavailable
    """Something that may go better next time."""


class Conversation:
    """A series of requests with one token. Use as an asynchronous context manager."""

    def __init__(self, base_url: str, token: str, patience: Patience) -> None:
        self._base_url = base_url
        self._token = token
        self._patience = patience

    async def __aenter__(self) -> Self:
        import aiohttp  # noqa: PLC0415 - 100 ms at start, for what many servers never do

        self._session = aiohttp.ClientSession(
            # In a header, the token is in no URL and so in no log of ours or of a proxy.
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=aiohttp.ClientTimeout(total=None, connect=self._patience.request_seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def ask(self, method: str, target: str, *, json: Any = None) -> Answer:
        """Send a request and return its answer below 500; target: a path, or a link the archive gave us.

        Raises Unavailable when it does not come, Refused for a link that leads elsewhere.
        """
        body = None if json is None else msgspec.json.encode(json)

        async def once() -> Answer:
            async with asyncio.timeout(self._patience.request_seconds):
                return await self._send(method, target, body, {"Content-Type": "application/json"} if body else {})

        return await self._persist(once, f"{method} {_shown(target)}")

    async def demand(self, method: str, target: str, *, json: Any = None, what: str) -> dict[str, Any]:
        """The same for an answer that must be a JSON object; what: begins the message of Refused."""
        answer = await self.ask(method, target, json=json)
        if answer.status >= 300 or not isinstance(answer.body, dict):
            raise self.refusal(what, answer)
        return answer.body

    async def put_file(
        self, bucket: str, path: str, size_bytes: int, read: Callable[[], AsyncGenerator[bytes, None]]
    ) -> None:
        """Send a file into a bucket, from its start at every attempt, and hold what arrived against what was sent."""
        target = f"{bucket}/{quote(path, safe='/')}"
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size_bytes)}

        async def once() -> Answer:
            digest = hashlib.md5(usedforsecurity=False)
            async with asyncio.timeout(self._patience.stall_seconds) as watch:
                answer = await self._send("PUT", target, self._watched(read, digest, watch), headers)
            if answer.status < 300 and not _arrived(answer.body, size_bytes, digest.hexdigest()):
                raise Passing("the file did not arrive as it was sent")
            return answer

        answer = await self._persist(once, f"upload of '{path}'")
        if answer.status >= 300:
            raise self.refusal(f"Zenodo refused the file '{path}'", answer)

    async def _watched(
        self, read: Callable[[], AsyncGenerator[bytes, None]], digest: Any, watch: asyncio.Timeout
    ) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of a file; every chunk that leaves moves the end of our patience."""
        loop = asyncio.get_running_loop()
        async with aclosing(read()) as chunks:
            async for chunk in chunks:
                await asyncio.to_thread(digest.update, chunk)
                _extend(watch, loop.time() + self._patience.stall_seconds)
                yield chunk
        _extend(watch, loop.time() + self._patience.stall_seconds)

    async def _send(self, method: str, target: str, data: Any, headers: dict[str, str]) -> Answer:
        import yarl  # noqa: PLC0415 - comes with aiohttp

        url = yarl.URL(self._on_base(target), encoded=True)
        async with self._session.request(method, url, data=data, headers=headers, allow_redirects=False) as response:
            raw = await response.content.read(_MAX_ANSWER_BYTES)
            while chunk := await response.content.read(_MAX_ANSWER_BYTES):
                raw += chunk
                if len(raw) > _MAX_ANSWER_BYTES:
                    raise Refused("Zenodo sent an answer that is too large.")
            if response.status >= 500 or response.status == 429:
                raise Passing(f"status {response.status}")
            # Should the archive repeat the token to us, it ends here.
            return Answer(response.status, _decoded(self._without_token(raw)))

    def _without_token(self, raw: bytes) -> bytes:
        for spelling in {self._token, quote(self._token, safe="")}:
            raw = raw.replace(spelling.encode(), b"***")
        return raw

    def _on_base(self, target: str) -> str:
        """The URL of a path, or a link, provided it leads to the archive we were told to use."""
        url = f"{self._base_url}{target}" if target.startswith("/") else target
        if not url.startswith(f"{self._base_url}/") or "/../" in url or "\\" in url:
            raise Refused("Zenodo named a link that leads to another server.")
        return url

    async def _persist(self, once: Callable[[], Any], what: str) -> Answer:
        import aiohttp  # noqa: PLC0415

        for attempt in range(self._patience.attempts):
            try:
                answer: Answer = await once()
            except (aiohttp.ClientError, ConnectionError, TimeoutError, Passing) as error:
                reason = _reason(error)
                log.info("zenodo: %s failed (%s), attempt %d", what, reason, attempt + 1)
            else:
                return answer
            if attempt + 1 < self._patience.attempts:
                await asyncio.sleep(self._pause(attempt))
        raise Unavailable(f"Zenodo could not be reached: {what} failed ({reason}).", retry_after_seconds=60)

    def _pause(self, attempt: int) -> float:
        longest: float = min(self._patience.pause_seconds * 2**attempt, self._patience.longest_pause_seconds)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - only spreads the load

    def refusal(self, what: str, answer: Answer) -> Refused:
        return Refused(f"{what}: {reasons_in(answer.body, answer.status)}.")


def _extend(watch: asyncio.Timeout, until: float) -> None:
    # The archive may answer before it has read all; then the watch has ended, and somebody still reads the file.
    with contextlib.suppress(RuntimeError):
        watch.reschedule(until)


def _decoded(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw) if raw else None
    except ValueError:
        return None


def _arrived(answer: Any, size_bytes: int, md5: str) -> bool:
    """Whether the archive has what we sent, as far as it says."""
    if not isinstance(answer, dict):
        return False
    stored = md5_in(answer.get("checksum"))
    return answer.get("size", answer.get("filesize")) in (None, size_bytes) and stored in (None, md5)


def _reason(error: BaseException) -> str:
    """Say what happened without the words of libraries, which like to repeat URLs."""
    if isinstance(error, Passing):
        return str(error)
    return "it took too long" if isinstance(error, TimeoutError) else "the connection failed"


def _shown(target: str) -> str:
    return target.partition("?")[0] if target.startswith("/") else "a request"
