"""Blobs in a folder: one plain file per key, shared by as many processes as like to.

Hashing, writing and reading happen in the event loop, in batches of about a millisecond: handing
each batch to a thread costs two to four times as much as the work. What may wait for the disk
(fsync, join, walk, delete) runs in a thread. Needs POSIX and a file system with hard links.

A part is kept as its bytes followed by its etag (64 hex digits of SHA-256), so that both change in
one rename; the sizes of `list` and `stat` include it.
"""

import asyncio
import builtins
import contextlib
import itertools
import os
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from armarium.adapters.blobs.incoming import Incoming, told, unavailable
from armarium.domain.errors import Invalid, NotFound, Unavailable
from armarium.domain.file import ByteRange
from armarium.domain.storage_keys import INCOMING, PARTS, part_key, part_of, parts_prefix
from armarium.ports.blobs import BlobStat, PartStat

_ETAG_BYTES = 64
_LISTED_AT_ONCE = 1000
_JOINED_AT_ONCE = 2 << 20

T = TypeVar("T")

READ_BYTES = 1 << 20


class LocalBlobs:
    """Implements `Blobs` and `UploadsParts` over a folder.

    root: made if missing. Keys are taken as they are; `adapters/blobs/checked.py` looks at them.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = str(root)  # joining paths as text keeps small reads fast
        self._incoming = root / INCOMING
        self._incoming.mkdir(parents=True, exist_ok=True)

    async def put(
        self,
        key: str,
        chunks: AsyncIterator[bytes],
        *,
        size_bytes: int | None = None,
        sha256: str | None = None,
        limit_bytes: int | None = None,
    ) -> BlobStat:
        incoming = Incoming(self._incoming, size_bytes=size_bytes, limit_bytes=limit_bytes)
        try:
            await incoming.receive(chunks)
            incoming.tally.check(sha256=sha256)
            return await self._publish(incoming, key)
        finally:
            incoming.discard()

    async def _publish(self, incoming: Incoming, key: str) -> BlobStat:
        modified_at = await _to_the_end(partial(incoming.publish, self._root / key))
        return BlobStat(
            key=key,
            size_bytes=incoming.tally.size_bytes,
            modified_at=modified_at,
            sha256=incoming.tally.sha256,
            crc32=incoming.tally.crc32,
        )

    async def open(self, key: str, span: ByteRange | None = None) -> AsyncGenerator[bytes, None]:
        descriptor = self._descriptor(key)
        try:
            at, end = (span.first, span.last + 1) if span else (0, os.fstat(descriptor).st_size)
            while at < end:
                chunk = _read(descriptor, min(READ_BYTES, end - at), at)
                at += len(chunk)
                yield chunk
        finally:
            os.close(descriptor)

    async def read(self, key: str, span: ByteRange | None = None) -> bytes:
        with told():
            return self._read(key, span.first, span.length) if span else self._read(key, 0, None)

    async def read_many(self, wanted: Sequence[tuple[str, int]]) -> builtins.list[bytes]:
        with told():
            return [self._read(key, 0, size_bytes) for key, size_bytes in wanted]

    def _read(self, key: str, at: int, length: int | None) -> bytes:
        """Read in one system call, which gives at most 2 GiB: more than anybody may ask for at once."""
        descriptor = self._opened(key)
        try:
            length = os.fstat(descriptor).st_size if length is None else length
            content = os.pread(descriptor, length, at)
        finally:
            os.close(descriptor)
        if len(content) < length:
            raise Unavailable("The stored bytes end too early.")
        return content

    def _descriptor(self, key: str) -> int:
        with told():
            return self._opened(key)

    def _opened(self, key: str) -> int:
        try:
            return os.open(f"{self._root}/{key}", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NotFound("blob", key.rpartition("/")[2]) from None

    async def stat(self, key: str) -> BlobStat | None:
        try:
            found = (self._root / key).stat()
        except FileNotFoundError:
            return None
        return BlobStat(key=key, size_bytes=found.st_size, modified_at=found.st_mtime)

    async def list(self, prefix: str, *, older_than: datetime) -> AsyncGenerator[BlobStat, None]:
        walk = self._walk(prefix.rstrip("/"), older_than.timestamp())
        while batch := await asyncio.to_thread(lambda: [*itertools.islice(walk, _LISTED_AT_ONCE)]):
            for found in batch:
                yield found

    def _walk(self, folder: str, before: float) -> Iterator[BlobStat]:
        """Yield the files below a folder; what vanishes meanwhile is left out."""
        for entry in _entries(self._root / folder):
            key = f"{folder}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                yield from self._walk(key, before)
                continue
            with contextlib.suppress(FileNotFoundError):
                found = entry.stat(follow_symlinks=False)
                if found.st_mtime < before:
                    yield BlobStat(key=key, size_bytes=found.st_size, modified_at=found.st_mtime)

    async def delete(self, key: str) -> None:
        await asyncio.to_thread(self._delete, self._root / key)

    def _delete(self, path: Path) -> None:
        with told():
            path.unlink(missing_ok=True)
        if path.parent.parent == self._root / PARTS:
            with contextlib.suppress(OSError):  # other parts are there, or the folder is gone
                path.parent.rmdir()

    async def close(self) -> None:
        """There is nothing to let go of."""

    async def put_part(
        self, upload_id: str, number: int, chunks: AsyncIterator[bytes], *, limit_bytes: int | None = None
    ) -> PartStat:
        target = self._root / part_key(upload_id, number)
        incoming = Incoming(self._incoming, limit_bytes=limit_bytes)
        try:
            await incoming.receive(chunks)
            incoming.trail(incoming.tally.sha256.encode())
            await _to_the_end(partial(incoming.publish, target, replace=True))
        finally:
            incoming.discard()
        return PartStat(number, incoming.tally.sha256, incoming.tally.size_bytes)

    async def list_parts(self, upload_id: str) -> builtins.list[PartStat]:
        return await asyncio.to_thread(self._list_parts, parts_prefix(upload_id))

    def _list_parts(self, prefix: str) -> builtins.list[PartStat]:
        keys = (part_of(prefix + entry.name) for entry in _entries(self._root / prefix))
        found = (self._part(*key) for key in keys if key is not None)
        return sorted((part for part in found if part is not None), key=lambda part: part.number)

    def _part(self, upload_id: str, number: int) -> PartStat | None:
        try:
            with self._opened_part(upload_id, number) as (_, part):
                return part
        except Invalid:
            return None

    @contextlib.contextmanager
    def _opened_part(self, upload_id: str, number: int) -> Iterator[tuple[int, PartStat]]:
        """Open a part for reading; it stays the same bytes even if it is replaced meanwhile."""
        try:
            descriptor = self._descriptor(part_key(upload_id, number))
        except NotFound:
            raise Invalid("parts", f"Part {number} has not been uploaded.") from None
        try:
            with told():
                size_bytes = os.fstat(descriptor).st_size - _ETAG_BYTES
                etag = os.pread(descriptor, _ETAG_BYTES, size_bytes).decode()
            yield descriptor, PartStat(number, etag, size_bytes)
        finally:
            os.close(descriptor)

    async def join_parts(self, upload_id: str, parts: builtins.list[PartStat], key: str) -> BlobStat:
        if not parts:
            raise Invalid("parts", "An upload needs at least one part.")
        await asyncio.to_thread(lambda: [self._checked_size(upload_id, part) for part in parts])
        incoming = Incoming(self._incoming)
        try:
            async with contextlib.aclosing(self._joined(upload_id, parts)) as chunks:
                await incoming.receive(chunks)
            stat = await self._publish(incoming, key)
        finally:
            incoming.discard()
        await self.drop_parts(upload_id)
        return stat

    def _checked_size(self, upload_id: str, wanted: PartStat) -> int:
        with self._opened_part(upload_id, wanted.number) as (_, part):
            return _same(part, wanted).size_bytes

    async def _joined(self, upload_id: str, parts: builtins.list[PartStat]) -> AsyncGenerator[bytes, None]:
        """The bytes of the parts in order; raises Invalid at one that is not the one that was meant."""
        for wanted in parts:
            with self._opened_part(upload_id, wanted.number) as (descriptor, part):
                left = _same(part, wanted).size_bytes
                while left:
                    at = part.size_bytes - left
                    chunk = await _to_the_end(partial(_read, descriptor, min(_JOINED_AT_ONCE, left), at))
                    yield chunk
                    left -= len(chunk)

    async def drop_parts(self, upload_id: str) -> None:
        await asyncio.to_thread(shutil.rmtree, self._root / parts_prefix(upload_id), ignore_errors=True)


def _same(part: PartStat, wanted: PartStat) -> PartStat:
    """Return the part that is there; raises Invalid if it is not the one that was meant."""
    if part.etag != wanted.etag:
        raise Invalid("parts", f"Part {part.number} has ETag {part.etag}, not {wanted.etag}.")
    return part


def _read(descriptor: int, size_bytes: int, at: int) -> bytes:
    """Read at most so many bytes, and at least one."""
    try:
        chunk = os.pread(descriptor, size_bytes, at)
    except OSError as error:
        raise unavailable(error) from error
    if not chunk:
        raise Unavailable("The stored bytes end too early.")
    return chunk


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield what is in a folder; a folder that is not there is empty."""
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except FileNotFoundError:
        return


async def _to_the_end(work: Callable[[], T]) -> T:
    """Run work in a thread; if cancelled, wait for it first, because it holds an open file."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
