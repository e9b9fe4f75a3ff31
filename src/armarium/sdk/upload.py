"""Sending files: from disk or from any iterable, whole or as parts in parallel, in constant memory."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from armarium.sdk.progress import Progress, Tally
from armarium.sdk.transport import Answer, Transport

PIECE_BYTES = 1024 * 1024
PARALLEL_PARTS = 5


class FileSlice:
    """The bytes `start` to `stop` (exclusive; None is the end) of a file, read while they are sent.

    told: called with the bytes handed over so far.
    """

    repeatable = True

    def __init__(
        self, path: Path, start: int = 0, stop: int | None = None, told: Callable[[int], None] | None = None
    ) -> None:
        self._path = path
        self._start = start
        self.length = (path.stat().st_size if stop is None else stop) - start
        self._told = told

    async def pieces(self) -> AsyncIterator[bytes]:
        file = await asyncio.to_thread(self._path.open, "rb", buffering=0)
        with file:
            await asyncio.to_thread(file.seek, self._start)
            done = 0
            while done < self.length:
                piece = await asyncio.to_thread(_read_exactly, file, min(PIECE_BYTES, self.length - done))
                yield piece
                done += len(piece)
                if self._told is not None:
                    self._told(done)


class Stream:
    """Bytes that come from an open file or an iterable, sync or async, once; nothing of it is kept.

    length: in bytes, if known. A blocking source is asked in a thread.
    """

    repeatable = False

    def __init__(
        self,
        source: BinaryIO | Iterable[bytes] | AsyncIterable[bytes],
        length: int | None = None,
        told: Callable[[int], None] | None = None,
    ) -> None:
        self.length = length
        self._source = source
        self._told = told

    async def pieces(self) -> AsyncIterator[bytes]:
        done = 0
        async for piece in _pieces_of(self._source):
            yield piece
            done += len(piece)
            if self._told is not None:
                self._told(done)


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a large upload: the bytes `start` to `stop` (exclusive) go to `url`."""

    number: int
    url: str
    start: int
    stop: int


async def put_file(transport: Transport, url: str, path: Path, size: int, progress: Progress | None = None) -> Answer:
    """PUT the first `size` bytes of a file to a URL; the file must not be shorter."""
    return await transport.call("PUT", url, body=FileSlice(path, 0, size, Tally(size, progress).of(0)))


async def put_parts(
    transport: Transport, parts: Sequence[Part], path: Path, progress: Progress | None = None
) -> dict[int, str]:
    """PUT the parts of a file, a few at a time, each tried again by itself; returns number -> ETag without quotes.

    The first part that fails for good ends the others.
    """
    tally = Tally(sum(part.stop - part.start for part in parts), progress)
    few = asyncio.Semaphore(PARALLEL_PARTS)

    async def put(part: Part) -> tuple[int, str]:
        async with few:
            body = FileSlice(path, part.start, part.stop, tally.of(part.number))
            answer = await transport.call("PUT", part.url, body=body)
            return part.number, answer.headers.get("etag", "").strip('"')

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(put(part)) for part in parts]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return dict(task.result() for task in tasks)


def _read_exactly(file: BinaryIO, size: int) -> bytes:
    piece = file.read(size)
    if not piece:
        raise OSError("The file became shorter while it was sent.")
    return piece


async def _pieces_of(source: BinaryIO | Iterable[bytes] | AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    if isinstance(source, AsyncIterable):
        async for piece in source:
            yield piece
    else:
        read = getattr(source, "read", None)
        step = iter(lambda: read(PIECE_BYTES), b"") if read is not None else iter(source)
        while piece := await asyncio.to_thread(next, step, b""):
            yield piece
