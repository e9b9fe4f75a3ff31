"""Blobs in memory: for tests and for trying things out; gone with the process."""

import builtins
import hashlib
import time
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import datetime

from armarium.adapters.blobs.tally import Tally
from armarium.domain.errors import AlreadyExists, Invalid, NotFound, Unavailable
from armarium.domain.file import ByteRange
from armarium.domain.storage_keys import part_key, part_of, parts_prefix
from armarium.ports.blobs import BlobStat, PartStat

_CHUNK_BYTES = 1 << 20


class MemoryBlobs:
    """Implements `Blobs` and `UploadsParts` over two dicts; parts are objects like any other."""

    def __init__(self) -> None:
        self._stats: dict[str, BlobStat] = {}
        self._bytes: dict[str, bytes] = {}

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
        content = b"".join([chunk async for chunk in tally.admitted(chunks)])
        tally.hash([content])
        tally.check(sha256=sha256)
        if key in self._stats:
            raise AlreadyExists("blob", key.rpartition("/")[2])
        return self._keep(key, content, tally.sha256)

    def _keep(self, key: str, content: bytes, sha256: str) -> BlobStat:
        self._bytes[key] = content
        self._stats[key] = BlobStat(
            key=key, size_bytes=len(content), modified_at=time.time(), sha256=sha256, crc32=zlib.crc32(content)
        )
        return self._stats[key]

    async def open(self, key: str, span: ByteRange | None = None) -> AsyncGenerator[bytes, None]:
        content = self._bytes.get(key)
        if content is None:
            raise NotFound("blob", key.rpartition("/")[2])
        at, end = (span.first, span.last + 1) if span else (0, len(content))
        while at < end:
            chunk = content[at : min(at + _CHUNK_BYTES, end)]
            if not chunk:
                raise Unavailable("The stored bytes end too early.")
            at += len(chunk)
            yield chunk

    async def read(self, key: str, span: ByteRange | None = None) -> bytes:
        return b"".join([chunk async for chunk in self.open(key, span)])

    async def read_many(self, wanted: Sequence[tuple[str, int]]) -> builtins.list[bytes]:
        return [await self.read(key, ByteRange(0, size_bytes - 1)) for key, size_bytes in wanted]

    async def stat(self, key: str) -> BlobStat | None:
        return self._stats.get(key)

    async def list(self, prefix: str, *, older_than: datetime) -> AsyncGenerator[BlobStat, None]:
        before = older_than.timestamp()
        for stat in [*self._stats.values()]:
            if stat.key.startswith(prefix) and stat.modified_at < before:
                yield stat

    async def delete(self, key: str) -> None:
        self._stats.pop(key, None)
        self._bytes.pop(key, None)

    async def close(self) -> None:
        """There is nothing to let go of."""

    async def put_part(
        self, upload_id: str, number: int, chunks: AsyncIterator[bytes], *, limit_bytes: int | None = None
    ) -> PartStat:
        key = part_key(upload_id, number)
        content = b"".join([chunk async for chunk in Tally(limit_bytes=limit_bytes).admitted(chunks)])
        etag = hashlib.sha256(content).hexdigest()
        self._keep(key, content, etag)
        return PartStat(number, etag, len(content))

    async def list_parts(self, upload_id: str) -> builtins.list[PartStat]:
        keys = sorted(key for key in self._stats if key.startswith(parts_prefix(upload_id)))
        return [part for part in map(self._part, keys) if part is not None]

    def _part(self, key: str) -> PartStat | None:
        named, stat = part_of(key), self._stats.get(key)
        if named is None or stat is None or stat.sha256 is None:
            return None
        return PartStat(named[1], stat.sha256, stat.size_bytes)

    async def join_parts(self, upload_id: str, parts: builtins.list[PartStat], key: str) -> BlobStat:
        if not parts:
            raise Invalid("parts", "An upload needs at least one part.")
        content = b"".join([self._bytes_of(upload_id, part) for part in parts])
        if key in self._stats:
            raise AlreadyExists("blob", key.rpartition("/")[2])
        stat = self._keep(key, content, hashlib.sha256(content).hexdigest())
        await self.drop_parts(upload_id)
        return stat

    def _bytes_of(self, upload_id: str, wanted: PartStat) -> bytes:
        part = self._part(part_key(upload_id, wanted.number))
        if part is None:
            raise Invalid("parts", f"Part {wanted.number} has not been uploaded.")
        if part.etag != wanted.etag:
            raise Invalid("parts", f"Part {part.number} has ETag {part.etag}, not {wanted.etag}.")
        return self._bytes[part_key(upload_id, wanted.number)]

    async def drop_parts(self, upload_id: str) -> None:
        for key in [key for key in self._stats if key.startswith(parts_prefix(upload_id))]:
            await self.delete(key)
