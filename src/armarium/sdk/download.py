"""Fetching a file: resumed where an earlier try ended, checked, and only then given its name."""

import asyncio
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from armarium.sdk.partial import Partial
from armarium.sdk.progress import Progress, Tally
from armarium.sdk.transport import Failure, Transport, TransportError

if TYPE_CHECKING:
    from aiohttp import ClientResponse

BATCH_BYTES = 4 * 1024 * 1024
BREAKS = 4
PAUSE_SECONDS = 0.1

_CHANGED = "The bytes that came are not the ones that were stored: their SHA-256 differs."
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/")


async def download(
    transport: Transport,
    url: str,
    target: Path,
    *,
    headers: Mapping[str, str] | None = None,
    sha256: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Fetch a URL into a file, which appears, or is replaced, when all of it is there.

    A connection that breaks is taken up again, and given up after `BREAKS` breaks in a row without a new byte; what
    has come then waits beside the target for the next call. sha256: hex digest the bytes must have.
    """
    with await asyncio.to_thread(Partial, target) as part:
        breaks = 0
        while True:
            before = part.size
            try:
                await _fetch(transport, url, part, headers or {}, progress)
                break
            except TransportError as broken:
                breaks = 1 if part.size > before else breaks + 1
                if breaks >= BREAKS:
                    raise transport.failed(broken.failure) from broken.__cause__
                await asyncio.sleep(PAUSE_SECONDS * 2.0**breaks)
        if sha256 is not None and part.sha256() != sha256:
            part.discard()
            raise transport.failed(Failure(method="GET", url=str(target), reason=_CHANGED))
        part.finish()


async def _fetch(
    transport: Transport, url: str, part: Partial, headers: Mapping[str, str], progress: Progress | None
) -> None:
    """Ask for what is missing and write what comes."""
    missing = {"Range": f"bytes={part.size}-", "If-Range": part.etag} if part.size and part.etag else {}
    async with transport.open(url, headers=dict(headers) | missing) as response:
        if not _continues(response, part.size):
            await asyncio.to_thread(part.restart, response.headers.get("ETag"))
        coming = response.content_length
        told = Tally(None if coming is None else part.size + coming, progress).of(0)
        writer = _Writer(part, told)
        try:
            async for piece in response.content.iter_any():
                await writer.add(piece)
        finally:
            await writer.flush()


class _Writer:
    """Gathers what comes and writes it in threads, one batch while the next one is coming."""

    def __init__(self, part: Partial, told: Callable[[int], None]) -> None:
        self._part = part
        self._told = told
        self._batch: list[bytes] = []
        self._held = 0
        self._writing: asyncio.Future[tuple[None, None]] | None = None

    async def add(self, piece: bytes) -> None:
        self._batch.append(piece)
        self._held += len(piece)
        if self._held >= BATCH_BYTES:
            await self._written()
            self._start()

    async def flush(self) -> None:
        """Write what is held; nothing is under way afterwards."""
        await self._written()
        self._start()
        await self._written()

    def _start(self) -> None:
        batch, self._batch, self._held = self._batch, [], 0
        self._writing = asyncio.gather(
            asyncio.to_thread(self._part.write, batch), asyncio.to_thread(self._part.digest, batch)
        )

    async def _written(self) -> None:
        if self._writing is not None:
            await asyncio.wait([self._writing])  # a cancelled download must not leave a thread at the file
            self._writing.result()
            self._writing = None
            self._told(self._part.size)


def _continues(response: "ClientResponse", size: int) -> bool:
    match = _CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
    return response.status == 206 and match is not None and int(match[1]) == size
