"""A file on its way in: written, hashed and counted, seen by nobody before it is published.

    incoming/<id>  --write-->  hash, count  --publish-->  fsync, link to its key, fsync the folder, unlink

A hard link is the one rename of POSIX that refuses to replace, so of two writers of a key exactly one wins.
"""

import asyncio
import contextlib
import errno
import itertools
import mmap
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from armarium.adapters.blobs.long_file import LongFile
from armarium.adapters.blobs.tally import Tally, batches
from armarium.domain.errors import AlreadyExists, Unavailable
from armarium.ports.blobs import FillsMemory

BATCH_BYTES = 8 << 20
LEAST_BATCH_BYTES = 1 << 20
# A file object takes chunks of at least this size straight to the disk and gathers smaller ones.
_GATHERED_BYTES = 1 << 18
_ATTEMPTS = 20

Batch = tuple[Sequence[bytes | memoryview], bool]
"""Some bytes in order, and whether they are the last."""

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def unavailable(error: OSError) -> Unavailable:
    """Say what an error of the operating system means to a caller, without its path."""
    if error.errno in _NO_ROOM:
        return Unavailable("The store has no room left for these bytes.", retry_after_seconds=60)
    return Unavailable("The store cannot be read or written at the moment.")


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Turn an error of the operating system into Unavailable."""
    try:
        yield
    except OSError as error:
        raise unavailable(error) from error


class Incoming:
    """A temporary file with the tally of what is in it; belongs to one writer."""

    def __init__(self, folder: Path, *, size_bytes: int | None = None, limit_bytes: int | None = None) -> None:
        """Make the file. size_bytes: what is expected, if known; limit_bytes: what is allowed."""
        self.tally = Tally(size_bytes=size_bytes, limit_bytes=limit_bytes)
        self._path = folder / str(uuid4())
        self._long: LongFile | None = None
        with told():
            self._file = self._path.open("xb", buffering=_GATHERED_BYTES)

    async def receive(self, chunks: AsyncIterator[bytes]) -> None:
        """Take all chunks of an empty file; raises TooLarge or Invalid as soon as there are too many bytes.

        What fits into one batch is hashed and written at once. More goes batch by batch to three threads, which
        hash it, sum it up and write it while the next batch arrives; two batches are the most that is held in memory.
        Batches shrink when many long files arrive at once.
        """
        if isinstance(chunks, FillsMemory):
            await self._absorb_long(self._filled(chunks))
            return
        gathered = batches(self.tally.admitted(chunks), _batch_bytes)
        first, is_last = await anext(gathered)
        if is_last:
            self._absorb(first)
        else:
            await self._absorb_long(_from(first, gathered))

    async def _filled(self, source: FillsMemory) -> AsyncGenerator[Batch, None]:
        """Batches of whole pages from two pieces of memory in turn: one arrives while the other is absorbed."""
        size = _batch_bytes()
        for pages in itertools.cycle([memoryview(mmap.mmap(-1, size)) for _ in range(2)]):
            count = await source.fill(pages)
            self.tally.admit(count)
            yield [pages[:count]], count < size
            if count < size:
                return

    async def _absorb_long(self, gathered: AsyncGenerator[Batch, None]) -> None:
        absorbing: asyncio.Future[Any] | None = None
        _long_ones.add(self)
        try:
            async for batch, is_last in gathered:
                if absorbing is not None:
                    await absorbing
                absorbing = asyncio.gather(
                    asyncio.to_thread(self.tally.hash, batch),
                    asyncio.to_thread(self.tally.sum, batch),
                    asyncio.to_thread(self._write_long, batch, is_last),
                )
            if absorbing is not None:
                await absorbing
        finally:
            _long_ones.discard(self)
            if absorbing is not None:
                await asyncio.gather(absorbing, return_exceptions=True)

    def _absorb(self, chunks: Sequence[bytes | memoryview]) -> None:
        self.tally.hash(chunks)
        self.tally.sum(chunks)
        with told():
            for chunk in chunks:
                self._file.write(chunk)

    def _write_long(self, chunks: Sequence[bytes | memoryview], is_last: bool) -> None:
        with told():
            if self._long is None:
                self._long = LongFile(self._path)
            for chunk in chunks:
                if isinstance(chunk, memoryview):
                    self._long.write_pages(chunk)
                else:
                    self._long.write(chunk)
            if is_last:
                self._long.finish()

    def trail(self, trailer: bytes) -> None:
        """Add bytes at the end that count for neither size nor hash."""
        with told():
            self._file.seek(0, os.SEEK_END)
            self._file.write(trailer)

    def publish(self, target: Path, *, replace: bool = False) -> float:
        """Make the file durable, then visible as target; return its modification time.

        Raises AlreadyExists when the target is taken and may not be replaced. Blocks: call it in a thread.
        """
        with told():
            self._file.flush()
            os.fsync(self._file.fileno())
            modified_at = os.fstat(self._file.fileno()).st_mtime
            self._file.close()
            if self._long is not None:
                self._long.close()
            self._move(target, replace=replace)
            with contextlib.suppress(FileNotFoundError):  # deleted already, with its folder
                sync_folder(target.parent)
        return modified_at

    def _move(self, target: Path, *, replace: bool) -> None:
        for _ in range(_ATTEMPTS):
            # A sweeper may take an empty folder away between its making and its use.
            with contextlib.suppress(FileNotFoundError):
                self._name(target, replace=replace)
                return
            target.parent.mkdir(parents=True, exist_ok=True)
            sync_folder(target.parent.parent)
        self._name(target, replace=replace)

    def _name(self, target: Path, *, replace: bool) -> None:
        if replace:
            self._path.replace(target)
            return
        try:
            target.hardlink_to(self._path)
        except FileExistsError:
            raise AlreadyExists("blob", target.name) from None
        self._path.unlink(missing_ok=True)

    def discard(self) -> None:
        """Let go of the file and remove what was not published; more than once is fine."""
        with contextlib.suppress(OSError):  # a full disk refuses the last gathered bytes once more
            self._file.close()
        if self._long is not None:
            self._long.close()
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def _from(first: Sequence[bytes], rest: AsyncIterator[Batch]) -> AsyncGenerator[Batch, None]:
    yield first, False
    async for batch in rest:
        yield batch


_long_ones: set[Incoming] = set()


def _batch_bytes() -> int:
    return max(LEAST_BATCH_BYTES, BATCH_BYTES // max(1, len(_long_ones)))
