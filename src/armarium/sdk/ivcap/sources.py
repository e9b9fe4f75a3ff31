"""Where the bytes of an upload come from: a source that can go back to any offset, or one that cannot.

Both hand out parts. A part is the body of one request; `ends_at` is the size of the whole once it is known.
"""

import asyncio
import io
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO, Protocol

PIECE_BYTES = 1024 * 1024
HELD_BYTES = 4 * 1024 * 1024


class Part(Protocol):
    """A body of known length that can be read once."""

    @property
    def length(self) -> int: ...
    @property
    def ends_at(self) -> int | None: ...
    @property
    def repeatable(self) -> bool: ...
    def pieces(self) -> AsyncIterator[bytes]: ...


class Source(Protocol):
    """size: in bytes; None when only the last byte will tell."""

    @property
    def size(self) -> int | None: ...

    async def part(self, offset: int, most: int | None) -> Part:
        """What follows an offset, `most` bytes of it; ValueError when it cannot be had."""
        ...


def source_of(stream: BinaryIO, size: int | None) -> Source:
    """Read a stream from where it stands. size: what the caller says it is; None measures, if that can be done.

    Raises TypeError for text, ValueError for a size that is not so.
    """
    _refuse_text(stream)
    return Seekable(stream, size) if _is_seekable(stream) else Passing(stream, size)


def opened(path: Path) -> BinaryIO:
    """Open a file that is to be uploaded; anything but a regular file is refused with ValueError."""
    if not path.is_file():
        raise ValueError(f"there is no file '{path}'")
    return path.open("rb")


class Seekable:
    """A file or a buffer: nothing of it is held in memory."""

    def __init__(self, stream: BinaryIO, size: int | None) -> None:
        self._stream = stream
        self._start = stream.tell()
        self.size = stream.seek(0, os.SEEK_END) - self._start
        if size is not None and size != self.size:
            raise ValueError(f"content_size is {size}, the stream has {self.size} bytes")

    async def part(self, offset: int, most: int | None) -> Part:
        rest = self.size - offset
        length = rest if most is None else min(most, rest)
        await asyncio.to_thread(self._stream.seek, self._start + offset)
        return _Streamed(self._stream, length, self.size)


class Passing:
    """A pipe or a socket: what was read last is held until the next part is asked for."""

    def __init__(self, stream: BinaryIO, size: int | None) -> None:
        self._stream = stream
        self.size = size
        self._held = b""
        self._held_from = 0
        self._ahead: bytes | None = None

    async def part(self, offset: int, most: int | None) -> Part:
        within = offset - self._held_from
        if not 0 <= within <= len(self._held):
            raise ValueError(f"the stream cannot go back to byte {offset}; give a seekable one")
        if within == len(self._held):
            await self._advance(most or HELD_BYTES)
            within = 0
        return Held(self._held[within:], self._end())

    async def _advance(self, most: int) -> None:
        """Read on; one part ahead, so that the last one is known to be the last."""
        self._held_from += len(self._held)
        self._held = await self._read(most) if self._ahead is None else self._ahead
        self._ahead = await self._read(most) if self._held else b""

    async def _read(self, most: int) -> bytes:
        if self.size is not None:
            most = min(most, self.size - self._held_from - len(self._held))
        return await asyncio.to_thread(_filled, self._stream, most)

    def _end(self) -> int | None:
        if self._ahead:
            return self.size
        end = self._held_from + len(self._held)
        if self.size is not None and end != self.size:
            raise ValueError(f"content_size is {self.size}, the stream ended after {end} bytes")
        return end


class Held:
    """A part that is in memory."""

    repeatable = False

    def __init__(self, content: bytes, ends_at: int | None) -> None:
        self.length = len(content)
        self.ends_at = ends_at
        self._content = content

    async def pieces(self) -> AsyncIterator[bytes]:
        for start in range(0, self.length, PIECE_BYTES):
            yield self._content[start : start + PIECE_BYTES]


class _Streamed:
    """A part that is read while it is sent."""

    repeatable = False

    def __init__(self, stream: BinaryIO, length: int, ends_at: int) -> None:
        self.length = length
        self.ends_at: int | None = ends_at
        self._stream = stream

    async def pieces(self) -> AsyncIterator[bytes]:
        left = self.length
        while left:
            piece = await asyncio.to_thread(_filled, self._stream, min(PIECE_BYTES, left))
            if not piece:
                raise ValueError("the file became shorter while it was uploaded")
            left -= len(piece)
            yield piece


def _refuse_text(stream: object) -> None:
    if isinstance(stream, io.TextIOBase):
        raise TypeError("the stream must give bytes: open the file with 'rb'")


def _is_seekable(stream: BinaryIO) -> bool:
    try:
        return stream.seekable()
    except (AttributeError, io.UnsupportedOperation):
        return False


def _filled(stream: BinaryIO, most: int) -> bytes:
    """The next bytes, fewer than asked for only at the end."""
    parts: list[bytes] = []
    while most > 0 and (part := stream.read(most)):
        parts.append(part)
        most -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
