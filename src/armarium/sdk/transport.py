"""Requests of an SDK: credentials, JSON, timeouts, retries, and failures as values.

Each SDK has its own exceptions, so a `Transport` is given the function that turns a `Failure` into one of them.
"""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec

from armarium._version import __version__
from armarium.sdk.connections import session

if TYPE_CHECKING:
    from aiohttp import ClientResponse

T = TypeVar("T")

READ_AHEAD_BYTES = 1024 * 1024


class Body(Protocol):
    """Bytes to send. `pieces` starts from the beginning each time, if `repeatable`.

    length: in bytes; None when nobody knows it before the end.
    """

    @property
    def length(self) -> int | None: ...
    @property
    def repeatable(self) -> bool: ...
    def pieces(self) -> AsyncIterator[bytes]: ...


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A request that did not succeed.

    url: without its query; of a signed URL only the host. status: None when no answer came.
    body: the decoded JSON of the answer, or its text. reason: one sentence.
    """

    method: str
    url: str
    status: int | None = None
    body: Any = None
    headers: Mapping[str, str] = {}
    reason: str = ""
    retry_after_seconds: float | None = None


class TransportError(Exception):
    """Carries a failure to where it is decided what to do about it."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A successful answer, read to its end. headers: names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The decoded body; None if there is none."""
        return msgspec.json.decode(self.body) if self.body else None

    def into(self, kind: type[T]) -> T:
        """The body as a value; raises msgspec.ValidationError if it is none."""
        return msgspec.json.decode(self.body, type=kind)


Retry = Callable[[int, Failure], float | None]
"""Given how often it failed so far (from 1) and how: seconds until the next try, None to give up."""


def never(_times: int, _failure: Failure) -> None:
    """Do not try again."""


def patiently(times: int, failure: Failure) -> float | None:
    """Try what changes nothing twice, three times when the server is busy or out of reach; at most 30 s apart."""
    again = failure.method in ("GET", "HEAD", "PUT") and failure.status in (None, 429, 502, 503, 504)
    if not again or times > 3:
        return None
    if failure.retry_after_seconds is not None:
        return min(failure.retry_after_seconds, 30.0)
    return 0.2 * 2.0 ** (times - 1) * random.uniform(0.8, 1.2)  # noqa: S311 - spreads the load


class Transport:
    """Requests to one service.

    headers: sent to `base_url` only, so that a token never reaches the host of a signed URL.
    failed: makes the exception to raise. retry: when to try again.
    timeout_seconds: how long the service may stay silent, not how long a transfer takes.
    """

    def __init__(
        self,
        base_url: str,
        *,
        failed: Callable[[Failure], Exception],
        headers: Mapping[str, str] | None = None,
        retry: Retry = patiently,
        timeout_seconds: float = 30.0,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.headers = {"User-Agent": f"armarium/{__version__}"} | dict(headers or {})
        self.failed = failed
        self._retry = retry
        self._timeout_seconds = timeout_seconds

    async def call(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, Any] | None = None,
        json: Any = msgspec.UNSET,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> Answer:
        """Send one request and read the answer; anything but a 2xx raises.

        url: a path below `base_url`, or a whole URL, which is sent as it is and without credentials.
        query: lists become repeated keys, None is left out.
        """
        if json is not msgspec.UNSET:
            body = Bytes(msgspec.json.encode(json))
            headers = {"Content-Type": "application/json"} | dict(headers or {})
        times = 0
        while True:
            try:
                async with self._sent(method, url, query, body, headers, timeout_seconds) as response:
                    content = await response.read()
                    return Answer(status=response.status, headers=_lowered(response), body=content)
            except TransportError as error:
                times += 1
                await self._wait_or_raise(times, error.failure, body)

    @asynccontextmanager
    async def open(
        self,
        url: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> AsyncIterator["ClientResponse"]:
        """GET something long, as an open answer with status 2xx whose body comes as it was stored.

        A connection that breaks while the body is read raises TransportError: what to do then is the caller's to say.
        """
        headers = {"Accept-Encoding": "identity"} | dict(headers or {})
        times = 0
        opened = False
        while not opened:
            try:
                async with self._sent("GET", url, query, None, headers, timeout_seconds) as response:
                    opened = True
                    yield response
            except TransportError as error:
                times += 1
                if opened:
                    raise
                await self._wait_or_raise(times, error.failure, None)

    async def _wait_or_raise(self, times: int, failure: Failure, body: Body | None) -> None:
        delay = self._retry(times, failure) if body is None or body.repeatable else None
        if delay is None:
            raise self.failed(failure)
        await asyncio.sleep(delay)

    @asynccontextmanager
    async def _sent(
        self,
        method: str,
        url: str,
        query: Mapping[str, Any] | None,
        body: Body | None,
        headers: Mapping[str, str] | None,
        timeout_seconds: float | None,
    ) -> AsyncIterator["ClientResponse"]:
        """One try. Raises TransportError for what happens between here and the end of the `with` block."""
        from aiohttp import ClientError, ClientTimeout  # noqa: PLC0415 - takes a tenth of a second
        from yarl import URL  # noqa: PLC0415 - comes with aiohttp

        silence = timeout_seconds or self._timeout_seconds
        target, sent = self._addressed(url, query, headers)
        shown = _origin(url) if target is url else target.partition("?")[0]
        try:
            if body is not None and body.length is not None:
                sent["Content-Length"] = str(body.length)
            async with (await session()).request(
                method,
                URL(target, encoded=True),  # signatures cover the URL to the letter
                data=None if body is None else body.pieces(),
                headers=sent,
                allow_redirects=target is url,
                timeout=ClientTimeout(total=None, sock_connect=min(silence, 30.0), sock_read=silence),
                read_bufsize=READ_AHEAD_BYTES,
            ) as response:
                if not 200 <= response.status < 300:
                    raise TransportError(await _refusal(method, shown, response))
                yield response
        except (ClientError, ConnectionError, TimeoutError) as error:  # other OSErrors are the caller's own files
            raise TransportError(Failure(method=method, url=shown, reason=_sentence(shown, error))) from error

    def _addressed(
        self, url: str, query: Mapping[str, Any] | None, headers: Mapping[str, str] | None
    ) -> tuple[str, dict[str, str]]:
        """The whole URL and all headers; those of the service stay with the service."""
        if url.startswith(("http://", "https://")):
            return url, dict(headers or {})
        given = {name: value for name, value in (query or {}).items() if value is not None}
        tail = f"?{urlencode(given, doseq=True)}" if given else ""
        return self.base_url + url + tail, self.headers | dict(headers or {})


class Bytes:
    """A short body that is there already."""

    repeatable = True

    def __init__(self, content: bytes) -> None:
        self.length = len(content)
        self._content = content

    async def pieces(self) -> AsyncIterator[bytes]:
        if self._content:
            yield self._content


async def _refusal(method: str, shown: str, response: "ClientResponse") -> Failure:
    content = await response.read()
    try:
        body = msgspec.json.decode(content) if content else None
    except msgspec.DecodeError:
        body = content.decode("utf-8", "replace")
    said = f": {_said(body)}" if _said(body) else "."
    return Failure(
        method=method,
        url=shown,
        status=response.status,
        body=body,
        headers=_lowered(response),
        reason=f"{method} {shown} was answered with {response.status} {response.reason or ''}".rstrip() + said,
        retry_after_seconds=_seconds(response.headers.get("Retry-After")),
    )


def _said(body: Any) -> str:
    """What a service says of its refusal, in the places where services say it."""
    if isinstance(body, dict):
        return next((body[key] for key in ("detail", "message", "error") if isinstance(body.get(key), str)), "")
    match = re.search(r"<Message>([^<]{1,300})</Message>", body) if isinstance(body, str) else None
    return match[1] if match else ""


def _lowered(response: "ClientResponse") -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isascii() and text.isdigit() else None


def _origin(url: str) -> str:
    """Where a signed URL leads; its path and query may be all a stranger needs."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")


def _sentence(shown: str, error: Exception) -> str:
    reason = "it took too long" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
    return f"No complete answer from {shown}: {reason}."
