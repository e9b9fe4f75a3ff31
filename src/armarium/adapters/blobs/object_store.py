"""Blobs in an object store, through obstore: S3 and its like, Google Cloud Storage, Azure.

A key appears with its last byte or not at all, since object stores show an object when it is complete; a key that is
taken stays what it is, since small objects are put on condition that there is none and long ones asked for first.
Parts of an upload are objects of their own, joined by reading them once more.
"""

import asyncio
import builtins
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from armarium.adapters.blobs.tally import Tally, batches
from armarium.domain.errors import AlreadyExists, Invalid, NotFound, Unavailable
from armarium.domain.file import ByteRange
from armarium.domain.storage_keys import part_key, part_of, parts_prefix
from armarium.ports.blobs import BlobStat, PartStat

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ObjectStore

log = logging.getLogger(__name__)

MiB = 1 << 20
BATCH_BYTES = 8 * MiB
READ_BYTES = 1 * MiB
MOST_AT_ONCE = 4 * MiB
AT_ONCE = 32
"""Requests of one operation that are under way at a time."""


class ObjectBlobs:
    """Implements `Blobs` and `UploadsParts` over any store of obstore."""

    def __init__(self, store: "ObjectStore") -> None:
        import obstore  # noqa: PLC0415 - part of an extra

        self._obstore = obstore
        self._store = store

    async def put(
        self,
        key: str,
        chunks: AsyncIterator[bytes],
        *,
        size_bytes: int | None = None,
        sha256: str | None = None,
        limit_bytes: int | None = None,
    ) -> BlobStat:
        tally = Tally(size_bytes=size_bytes, limit_bytes=limit_bytes)
        await self._write(key, chunks, tally, sha256=sha256)
        return await self._stat_of(key, tally)

    async def _stat_of(self, key: str, tally: Tally) -> BlobStat:
        stat = await self.stat(key)
        if stat is None or stat.size_bytes != tally.size_bytes:
            raise _lost()
        return BlobStat(
            key=key,
            size_bytes=stat.size_bytes,
            modified_at=stat.modified_at,
            sha256=tally.sha256,
            crc32=tally.crc32,
        )

    async def _write(
        self, key: str, chunks: AsyncIterator[bytes], tally: Tally, *, sha256: str | None = None, replace: bool = False
    ) -> str:
        """Store what passes the tally; return its etag. What fits into one batch goes in one request."""
        pieces = batches(tally.admitted(chunks), lambda: BATCH_BYTES)
        first, is_last = await anext(pieces)
        if not is_last:
            return await self._write_long(key, _behind(first, pieces), tally, sha256=sha256, replace=replace)
        content = b"".join(first)
        await absorb(tally, [content])
        tally.check(sha256=sha256)
        return await self._put_at_once(key, content, replace=replace)

    async def _put_at_once(self, key: str, content: bytes, *, replace: bool) -> str:
        mode = "overwrite" if replace else "create"
        with told(key):
            result = await self._obstore.put_async(self._store, key, content, mode=mode, use_multipart=False)  # type: ignore[arg-type]
        return plain_etag(result["e_tag"])

    async def _write_long(
        self,
        key: str,
        pieces: AsyncIterator[list[bytes]],
        tally: Tally,
        *,
        sha256: str | None,
        replace: bool,
    ) -> str:
        """Store batches as they come; if the last does not fit the tally, the store has nothing of it."""
        if not replace and await self.stat(key) is not None:
            raise AlreadyExists("blob", key.rpartition("/")[2])

        refusal: builtins.list[Exception] = []

        async def counted() -> AsyncIterator[bytes]:
            try:
                async for batch in pieces:
                    await absorb(tally, batch)
                    yield b"".join(batch)
                tally.check(sha256=sha256)
            except Exception as error:
                refusal.append(error)
                raise

        with told(key):
            try:
                result = await self._obstore.put_async(
                    self._store, key, counted(), chunk_size=BATCH_BYTES, max_concurrency=3
                )
            except Exception:
                if not refusal:
                    raise
        if refusal:  # the source's own error, which is none of the store's
            raise refusal[0]
        return plain_etag(result["e_tag"])

    async def open(self, key: str, span: ByteRange | None = None) -> AsyncGenerator[bytes, None]:
        with told(key):
            options = {"range": (span.first, span.last + 1)} if span else {}
            result = await self._obstore.get_async(self._store, key, options=options)  # type: ignore[arg-type]
            missing = span.length if span else result.meta["size"]
            if missing == 0:
                return
            async for chunk in result.stream(READ_BYTES):
                missing -= len(chunk)
                for at in range(0, len(chunk), MOST_AT_ONCE):
                    yield chunk[at : at + MOST_AT_ONCE]
        if missing > 0:
            raise _short()

    async def read(self, key: str, span: ByteRange | None = None) -> bytes:
        if span is not None:
            return await self._read_span(key, span.first, span.length)
        with told(key):
            result = await self._obstore.get_async(self._store, key)
            return bytes(await result.bytes_async())

    async def _read_span(self, key: str, first: int, length: int) -> bytes:
        with told(key):
            content = bytes(await self._obstore.get_range_async(self._store, key, start=first, length=length))
        if len(content) < length:
            raise _short()
        return content

    async def read_many(self, wanted: Sequence[tuple[str, int]]) -> builtins.list[bytes]:
        room = asyncio.Semaphore(AT_ONCE)

        async def one(key: str, size_bytes: int) -> bytes:
            async with room:
                return await (self._read_span(key, 0, size_bytes) if size_bytes else self.read(key))

        async with whole_group() as group:
            tasks = [group.create_task(one(key, size_bytes)) for key, size_bytes in wanted]
        return [task.result() for task in tasks]

    async def stat(self, key: str) -> BlobStat | None:
        with told(key):
            try:
                return _stat(await self._obstore.head_async(self._store, key))
            except FileNotFoundError:
                return None

    async def list(self, prefix: str, *, older_than: datetime) -> AsyncGenerator[BlobStat, None]:
        before = older_than.timestamp()
        async for found in self._objects(prefix):
            if found["last_modified"].timestamp() < before:
                yield _stat(found)

    async def _objects(self, prefix: str) -> AsyncGenerator["ObjectMeta", None]:
        with told(prefix):
            async for page in self._obstore.list(self._store, prefix, chunk_size=1000):
                for found in page:
                    yield found

    async def delete(self, key: str) -> None:
        await self._delete([key])

    async def _delete(self, keys: builtins.list[str]) -> None:
        with told("", missing_is_fine=True):
            await self._obstore.delete_async(self._store, keys)

    async def close(self) -> None:
        """There is nothing to let go of: obstore closes its connections itself."""

    async def put_part(
        self, upload_id: str, number: int, chunks: AsyncIterator[bytes], *, limit_bytes: int | None = None
    ) -> PartStat:
        tally = Tally(limit_bytes=limit_bytes)
        etag = await self._write(part_key(upload_id, number), chunks, tally, replace=True)
        return PartStat(number, etag, tally.size_bytes)

    async def list_parts(self, upload_id: str) -> builtins.list[PartStat]:
        found = [_part(meta) async for meta in self._objects(parts_prefix(upload_id))]
        return sorted((part for part in found if part is not None), key=lambda part: part.number)

    async def join_parts(self, upload_id: str, parts: builtins.list[PartStat], key: str) -> BlobStat:
        if not parts:
            raise Invalid("parts", "An upload needs at least one part.")
        known = {part.number: part for part in await self.list_parts(upload_id)}
        for part in parts:
            require_same(known.get(part.number), part)
        tally = Tally()
        await self._join(
            key, [(part_key(upload_id, part.number), known[part.number].size_bytes) for part in parts], tally
        )
        stat = await self._stat_of(key, tally)
        await self.drop_parts(upload_id)
        return stat

    async def _join(self, key: str, sources: builtins.list[tuple[str, int]], tally: Tally) -> None:
        """Make objects, given as (key, size in bytes), one under a fresh key."""
        await self._write(key, self._whole(sources), tally)

    async def _whole(self, sources: Sequence[tuple[str, int]]) -> AsyncGenerator[bytes, None]:
        for key, size_bytes in sources:
            if size_bytes:
                async with contextlib.aclosing(self.open(key, ByteRange(0, size_bytes - 1))) as chunks:
                    async for chunk in chunks:
                        yield chunk

    async def drop_parts(self, upload_id: str) -> None:
        keys = [meta["path"] async for meta in self._objects(parts_prefix(upload_id))]
        if keys:
            await self._delete(keys)


@contextlib.contextmanager
def told(key: str, *, missing_is_fine: bool = False) -> Iterator[None]:
    """Turn what obstore raises into our errors; where the store is and what it said goes to the log."""
    from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError  # noqa: PLC0415

    try:
        yield
    except FileNotFoundError:
        if not missing_is_fine:
            raise NotFound("blob", key.rpartition("/")[2]) from None
    except (AlreadyExistsError, PreconditionError):
        raise AlreadyExists("blob", key.rpartition("/")[2]) from None
    except (BaseError, OSError) as error:
        log.warning("the object store failed: %s", str(error).split("\n", 1)[0])
        raise store_unavailable() from None


def store_unavailable() -> Unavailable:
    return Unavailable("The store of files cannot be reached at the moment, or refuses.", retry_after_seconds=5)


@contextlib.asynccontextmanager
async def whole_group() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group that raises the first error itself, not a group around it."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None


def require_same(part: PartStat | None, wanted: PartStat) -> None:
    """Raise Invalid if a part is not there, or is not the one that was meant."""
    if part is None:
        raise Invalid("parts", f"Part {wanted.number} has not been uploaded.")
    if part.etag != wanted.etag:
        raise Invalid("parts", f"Part {part.number} has ETag {part.etag}, not {wanted.etag}.")


def plain_etag(etag: str | None) -> str:
    return (etag or "").strip('"')


async def absorb(tally: Tally, batch: Sequence[bytes]) -> None:
    """Hash in the event loop what is short, else in a thread."""
    if sum(map(len, batch)) <= READ_BYTES:
        _count(tally, batch)
    else:
        await asyncio.to_thread(_count, tally, batch)


def _count(tally: Tally, batch: Sequence[bytes]) -> None:
    tally.hash(batch)
    tally.sum(batch)


async def _behind(first: list[bytes], rest: AsyncIterator[tuple[list[bytes], bool]]) -> AsyncIterator[list[bytes]]:
    yield first
    async for batch, _ in rest:
        if batch:
            yield batch


def _stat(meta: "ObjectMeta") -> BlobStat:
    return BlobStat(key=meta["path"], size_bytes=meta["size"], modified_at=meta["last_modified"].timestamp())


def _part(meta: "ObjectMeta") -> PartStat | None:
    named = part_of(meta["path"])
    return PartStat(named[1], plain_etag(meta["e_tag"]), meta["size"]) if named is not None else None


def _short() -> Unavailable:
    return Unavailable("The stored bytes end too early.")


def _lost() -> Unavailable:
    return Unavailable("The store did not keep what it was given: send it again.")
