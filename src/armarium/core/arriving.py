"""Bytes on their way into a resumable upload: cut into segments, ended early without a fuss, checked when asked to."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import suppress

import msgspec

from armarium.core.turns import Turn
from armarium.domain.errors import Invalid, TooLarge

SEGMENT_BYTES = 1024 * 1024 * 1024
"""What a server that is killed loses at most of one request."""

ALGORITHMS = ("sha1", "md5", "sha256", "sha512")


class Checksum(msgspec.Struct, frozen=True):
    """What the bytes of one request must hash to."""

    algorithm: str
    digest: bytes


class ChecksumMismatch(Invalid):
    """The bytes of a request are not those that were sent."""

    def __init__(self) -> None:
        super().__init__("checksum", "The checksum does not match: nothing of this request was kept.")


class Arriving:
    """The bytes of one request. They end when the client leaves, or when somebody else wants the upload.

    room: bytes that may come; more is TooLarge. With a checksum they are all or nothing.
    """

    def __init__(
        self, chunks: AsyncIterator[bytes], turn: Turn, *, room: int | None, checksum: Checksum | None = None
    ) -> None:
        self._chunks = chunks
        self._wanted = asyncio.ensure_future(turn.wanted.wait())
        self._room = room
        self._checksum = checksum
        self._hash = hashlib.new(checksum.algorithm) if checksum is not None else None
        self._ahead = b""

    async def has_more(self) -> bool:
        """Wait for bytes; False when there are none any more."""
        if not self._ahead:
            self._ahead = await self._take()
        return bool(self._ahead)

    async def segment(self) -> AsyncIterator[bytes]:
        """Yield the bytes of the next segment. Raises TooLarge, ChecksumMismatch: then none of it may be kept."""
        left = SEGMENT_BYTES
        while left > 0 and await self.has_more():
            chunk, self._ahead = self._ahead, b""
            left -= len(chunk)
            yield chunk
            if self._checksum is not None:
                left = SEGMENT_BYTES  # what is checked as a whole is kept as a whole

    async def _take(self) -> bytes:
        chunk = await self._next()
        if self._room is not None:
            self._room -= len(chunk)
            if self._room < 0:
                raise TooLarge("There are more bytes than were announced.")
        if self._hash is not None and self._checksum is not None:
            self._hash.update(chunk)
            if not chunk and self._hash.digest() != self._checksum.digest:
                raise ChecksumMismatch
        return chunk

    async def _next(self) -> bytes:
        """The next chunk, or nothing at the end."""
        coming = asyncio.ensure_future(anext(self._chunks, b""))
        await asyncio.wait({coming, self._wanted}, return_when=asyncio.FIRST_COMPLETED)
        if coming.done():
            return coming.result()
        coming.cancel()
        with suppress(asyncio.CancelledError):
            await coming
        return b""

    def close(self) -> None:
        self._wanted.cancel()
