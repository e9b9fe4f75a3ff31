"""A wrapper around any store: looks at every key before the store does, and counts what passes."""

import builtins
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import cast

import msgspec

from armarium.adapters.blobs.elsewhere import BlobsAndParts, Elsewhere, join_into
from armarium.domain.errors import Invalid
from armarium.domain.file import ByteRange
from armarium.domain.storage_keys import STORES, is_key, is_prefix, part_key, parts_prefix, place_of
from armarium.ports.blobs import Blobs, BlobStat, PartStat, SignsUrls, UploadsParts


@dataclass(slots=True)
class Count:
    """What became of one kind of operation.

    seconds: from its first step to its last, so for put and open the other side's time counts too.
    """

    calls: int = 0
    failures: int = 0
    seconds: float = 0.0
    size_bytes: int = 0


@dataclass(slots=True)
class Counters:
    """Counts by the name of the operation; whoever publishes them reads them."""

    operations: defaultdict[str, Count] = field(default_factory=lambda: defaultdict(Count))

    def timed(self, operation: str) -> "_Timed":
        return _Timed(self.operations[operation])


class _Timed:
    """Counts one operation from entering to leaving; a class, since every small read passes through it."""

    __slots__ = ("_count", "_started")

    def __init__(self, count: Count) -> None:
        self._count = count

    def __enter__(self) -> Count:
        self._count.calls += 1
        self._started = time.perf_counter()
        return self._count

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._count.seconds += time.perf_counter() - self._started
        if isinstance(error, Exception):
            self._count.failures += 1


def checked(blobs: Blobs, counters: Counters | None = None, elsewhere: Elsewhere | None = None) -> "CheckedBlobs":
    """Wrap a store; the wrapper has exactly the abilities that the store has.

    elsewhere: where keys below `stores/` lead; without it they are refused.
    """
    counters = counters or Counters()
    parts, urls = isinstance(blobs, UploadsParts), isinstance(blobs, SignsUrls)
    if parts and urls:
        return CheckedPartsAndUrls(blobs, counters, elsewhere)
    if parts:
        return CheckedParts(blobs, counters, elsewhere)
    return CheckedUrls(blobs, counters, elsewhere) if urls else CheckedBlobs(blobs, counters, elsewhere)


class CheckedBlobs:
    """`Blobs` that take only keys of `domain/storage_keys.py`, and count. A key of another store is looked up there."""

    def __init__(self, blobs: Blobs, counters: Counters, elsewhere: Elsewhere | None = None) -> None:
        self._blobs = blobs
        self._elsewhere = elsewhere
        self.counters = counters

    async def put(
        self,
        key: str,
        chunks: AsyncIterator[bytes],
        *,
        size_bytes: int | None = None,
        sha256: str | None = None,
        limit_bytes: int | None = None,
    ) -> BlobStat:
        with self.counters.timed("put") as count:
            blobs, place = await self._at(key)
            stat = await blobs.put(place, chunks, size_bytes=size_bytes, sha256=sha256, limit_bytes=limit_bytes)
            count.size_bytes += stat.size_bytes
        return _named(key, stat)

    async def _at(self, key: str) -> tuple[Blobs, str]:
        """The store that a key leads to, and the key there."""
        _key(key)
        store, own_key = place_of(key)
        if store is None:
            return self._blobs, key
        if self._elsewhere is None:
            raise Invalid("key", "There are no other stores.")
        return await self._elsewhere.at(store), own_key

    async def open(self, key: str, span: ByteRange | None = None) -> AsyncGenerator[bytes, None]:
        with self.counters.timed("open") as count:
            blobs, place = await self._at(key)
            async with contextlib.aclosing(blobs.open(place, span)) as chunks:
                async for chunk in chunks:
                    count.size_bytes += len(chunk)
                    yield chunk

    async def read(self, key: str, span: ByteRange | None = None) -> bytes:
        with self.counters.timed("read") as count:
            blobs, place = await self._at(key)
            content = await blobs.read(place, span)
            count.size_bytes += len(content)
        return content

    async def read_many(self, wanted: Sequence[tuple[str, int]]) -> builtins.list[bytes]:
        with self.counters.timed("read_many") as count:
            if any(key.startswith(STORES) for key, _ in wanted):
                contents = [await self.read(key, _first(size_bytes)) for key, size_bytes in wanted]
            else:
                contents = await self._blobs.read_many([(_key(key), size_bytes) for key, size_bytes in wanted])
            count.size_bytes += sum(map(len, contents))
        return contents

    async def stat(self, key: str) -> BlobStat | None:
        with self.counters.timed("stat"):
            blobs, place = await self._at(key)
            stat = await blobs.stat(place)
        return _named(key, stat) if stat is not None else None

    async def list(self, prefix: str, *, older_than: datetime) -> AsyncGenerator[BlobStat, None]:
        if not is_prefix(prefix):
            raise Invalid("prefix", "That is not a prefix of the store.")
        with self.counters.timed("list"):
            async with contextlib.aclosing(self._blobs.list(prefix, older_than=older_than)) as found:
                async for stat in found:
                    if is_key(stat.key):  # what others put into the folder is not ours to sweep
                        yield stat

    async def delete(self, key: str) -> None:
        with self.counters.timed("delete"):
            blobs, place = await self._at(key)
            await blobs.delete(place)

    async def close(self) -> None:
        await self._blobs.close()
        if self._elsewhere is not None:
            await self._elsewhere.close()


class CheckedParts(CheckedBlobs):
    """The same for a store that takes parts."""

    @property
    def _parts(self) -> UploadsParts:
        return cast("UploadsParts", self._blobs)

    async def put_part(
        self, upload_id: str, number: int, chunks: AsyncIterator[bytes], *, limit_bytes: int | None = None
    ) -> PartStat:
        part_key(upload_id, number)
        with self.counters.timed("put_part") as count:
            part = await self._parts.put_part(upload_id, number, chunks, limit_bytes=limit_bytes)
            count.size_bytes += part.size_bytes
        return part

    async def list_parts(self, upload_id: str) -> builtins.list[PartStat]:
        parts_prefix(upload_id)
        with self.counters.timed("list_parts"):
            return await self._parts.list_parts(upload_id)

    async def join_parts(self, upload_id: str, parts: builtins.list[PartStat], key: str) -> BlobStat:
        parts_prefix(upload_id)
        with self.counters.timed("join_parts") as count:
            blobs, place = await self._at(key)
            if blobs is self._blobs:
                stat = await self._parts.join_parts(upload_id, parts, place)
            else:
                stat = await join_into(blobs, place, cast("BlobsAndParts", self._blobs), upload_id, parts)
            count.size_bytes += stat.size_bytes
        return _named(key, stat)

    async def drop_parts(self, upload_id: str) -> None:
        parts_prefix(upload_id)
        with self.counters.timed("drop_parts"):
            await self._parts.drop_parts(upload_id)


class CheckedUrls(CheckedBlobs):
    """The same for a store that signs URLs."""

    @property
    def _urls(self) -> SignsUrls:
        return cast("SignsUrls", self._blobs)

    async def sign_get(self, key: str, *, expires_in: timedelta, filename: str, content_type: str) -> str:
        with self.counters.timed("sign_get"):
            return await self._urls.sign_get(
                _key(key), expires_in=expires_in, filename=filename, content_type=content_type
            )

    async def begin_upload(self, key: str) -> str:
        with self.counters.timed("begin_upload"):
            return await self._urls.begin_upload(_key(key))

    async def sign_part(self, key: str, upload: str, number: int, *, expires_in: timedelta) -> str:
        with self.counters.timed("sign_part"):
            return await self._urls.sign_part(_key(key), upload, number, expires_in=expires_in)

    async def arrived_parts(self, key: str, upload: str) -> builtins.list[PartStat]:
        with self.counters.timed("arrived_parts"):
            return await self._urls.arrived_parts(_key(key), upload)

    async def finish_upload(self, key: str, upload: str, parts: builtins.list[PartStat]) -> BlobStat:
        with self.counters.timed("finish_upload") as count:
            stat = await self._urls.finish_upload(_key(key), upload, parts)
            count.size_bytes += stat.size_bytes
        return stat

    async def drop_upload(self, key: str, upload: str) -> None:
        with self.counters.timed("drop_upload"):
            await self._urls.drop_upload(_key(key), upload)

    async def open_uploads(self, *, older_than: datetime) -> AsyncGenerator[tuple[str, str], None]:
        with self.counters.timed("open_uploads"):
            async with contextlib.aclosing(self._urls.open_uploads(older_than=older_than)) as found:
                async for key, upload in found:
                    if is_key(key):
                        yield key, upload


class CheckedPartsAndUrls(CheckedParts, CheckedUrls):
    """The same for a store that does both."""


def _named(key: str, stat: BlobStat) -> BlobStat:
    """The stat with the key it was asked for by."""
    return stat if stat.key == key else msgspec.structs.replace(stat, key=key)


def _first(size_bytes: int) -> ByteRange | None:
    return ByteRange(0, size_bytes - 1) if size_bytes else None


def _key(key: str) -> str:
    if not is_key(key):
        raise Invalid("key", "That is not a key of the store.")
    return key
