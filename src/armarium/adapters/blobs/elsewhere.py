"""Stores beside the server's own: buckets that artifacts brought with them, opened when first needed."""

from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Protocol

from armarium.adapters.blobs.located import s3_blobs
from armarium.adapters.blobs.s3_bucket import S3Bucket
from armarium.domain.file import ByteRange
from armarium.domain.storage_keys import part_key
from armarium.ports.blobs import Blobs, BlobStat, PartStat, UploadsParts

MOST_OPEN = 64


class BlobsAndParts(Blobs, UploadsParts, Protocol):
    """A store with both abilities."""


class Elsewhere:
    """Opens stores by the id of their record; the ones not used for longest are closed."""

    def __init__(self, find: Callable[[str], Awaitable[S3Bucket]]) -> None:
        self._find = find
        self._open: OrderedDict[str, Blobs] = OrderedDict()

    async def at(self, store_id: str) -> Blobs:
        """Raises NotFound for a store nobody recorded."""
        store = self._open.get(store_id)
        if store is None:
            store = s3_blobs(await self._find(store_id))
            store = self._open.setdefault(store_id, store)
        self._open.move_to_end(store_id)
        while len(self._open) > MOST_OPEN:
            _, oldest = self._open.popitem(last=False)
            await oldest.close()
        return store

    async def close(self) -> None:
        while self._open:
            await self._open.popitem()[1].close()


async def join_into(
    target: Blobs, key: str, source: BlobsAndParts, upload_id: str, parts: Sequence[PartStat]
) -> BlobStat:
    """Make parts that one store has received a blob of another."""

    async def content() -> AsyncGenerator[bytes, None]:
        for part in parts:
            if part.size_bytes:
                span = ByteRange(0, part.size_bytes - 1)
                async with aclosing(source.open(part_key(upload_id, part.number), span)) as chunks:
                    async for chunk in chunks:
                        yield chunk

    stat = await target.put(key, content(), size_bytes=sum(part.size_bytes for part in parts))
    await source.drop_parts(upload_id)
    return stat
