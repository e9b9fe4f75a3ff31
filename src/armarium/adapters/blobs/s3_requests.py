"""Requests to S3 that obstore has no call for: signed, retried, their answers in XML.

aiohttp is imported late: it costs 100 ms at start, and many servers have no object store.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import msgspec

from armarium.adapters.blobs.object_store import store_unavailable
from armarium.adapters.blobs.s3_bucket import S3Bucket
from armarium.adapters.blobs.sigv4 import UrlSigner

if TYPE_CHECKING:
    import aiohttp

log = logging.getLogger(__name__)

_GOOD_FOR = timedelta(minutes=15)
_CONNECT_SECONDS = 5
_SILENCE_SECONDS = 60
"""Longer than a store takes to put an object together from ten thousand parts."""
_PAUSES = (0.1, 0.4, 1.6)
_MOST_ANSWER_BYTES = 32 << 20
_AGAIN = {408, 429, 500, 502, 503, 504}
_AT_ONCE = 128


class Answer(msgspec.Struct, frozen=True):
    """What S3 said. code: its own word for a refusal, empty for none."""

    status: int
    code: str
    etag: str
    body: ET.Element | None

    def text(self, name: str, default: str = "") -> str:
        return text_in(self.body, name, default) if self.body is not None else default


class S3Requests:
    """Sends requests to one bucket; connections are kept."""

    def __init__(self, bucket: S3Bucket, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._bucket = bucket
        self._signer = UrlSigner(bucket.url, bucket.access_key, bucket.region)
        self._now = now
        self._session: aiohttp.ClientSession | None = None

    async def send(
        self,
        method: str,
        key: str,
        *,
        query: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer:
        """Send until there is an answer that is no passing failure. key: as the bucket knows it.

        Raises Unavailable when the store stays away.
        """
        import aiohttp  # noqa: PLC0415

        for pause in (*_PAUSES, None):
            try:
                answer = await self._send_once(method, key, query, headers or {}, body)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                log.warning("the object store failed: %s %s", method, type(error).__name__)
            else:
                if answer.status not in _AGAIN and answer.code not in ("InternalError", "SlowDown"):
                    return answer
                log.warning("the object store failed: %s %d %s", method, answer.status, answer.code)
            if pause is not None:
                await asyncio.sleep(pause)
        raise store_unavailable()

    async def _send_once(
        self, method: str, key: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> Answer:
        import yarl  # noqa: PLC0415 - comes with aiohttp

        url = self._signer.sign(method, key, now=self._now(), expires_in=_GOOD_FOR, query=query, headers=headers)
        request = self._opened().request(
            method, yarl.URL(url, encoded=True), headers=headers, data=body, allow_redirects=False
        )
        async with request as response:
            content = await response.content.read(_MOST_ANSWER_BYTES)
            tree = _parsed(content)
            return Answer(response.status, _refusal(response.status, tree), response.headers.get("ETag", ""), tree)

    def _opened(self) -> "aiohttp.ClientSession":
        import aiohttp  # noqa: PLC0415

        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=_SILENCE_SECONDS),
                connector=aiohttp.TCPConnector(limit=_AT_ONCE),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("Content-Type",),
            )
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


def text_in(element: ET.Element, name: str, default: str = "") -> str:
    """The text of a child, whatever its namespace."""
    return element.findtext(f"{{*}}{name}", default)


def children(element: ET.Element | None, name: str) -> list[ET.Element]:
    return element.findall(f"{{*}}{name}") if element is not None else []


def _parsed(content: bytes) -> ET.Element | None:
    with contextlib.suppress(ET.ParseError):
        return ET.fromstring(content) if content else None  # noqa: S314 - expat bounds what entities grow to
    return None


def _refusal(status: int, tree: ET.Element | None) -> str:
    """S3's word for what went wrong; an answer may begin with 200 and turn out an error all the same."""
    if tree is not None and tree.tag.rpartition("}")[2] == "Error":
        return text_in(tree, "Code", "Error")
    return "" if status < 300 else str(status)
