"""Buckets of workspaces."""

import msgspec

from armarium.adapters.catalog.records.base import Records
from armarium.adapters.catalog.rows import bucket_of
from armarium.adapters.catalog.statements import buckets as sql
from armarium.domain.bucket import Bucket


class BucketReader(Records):
    async def find_bucket(self, workspace: str, bucket_id: str) -> Bucket | None:
        row = await self._one(sql.find_bucket, workspace=workspace, bucket_id=bucket_id)
        return bucket_of(row) if row is not None else None

    async def list_buckets(self, workspace: str) -> list[Bucket]:
        return [bucket_of(row) for row in await self._all(sql.list_buckets, workspace=workspace)]


class BucketWriter(BucketReader):
    async def put_bucket(self, bucket: Bucket) -> bool:
        named = {"workspace": bucket.workspace, "endpoint": bucket.endpoint, "name": bucket.name}
        if await self._one(sql.namesake, id=bucket.id, **named) is not None:
            return False
        await self._change(
            sql.put_bucket,
            id=bucket.id,
            **named,
            settings=msgspec.json.encode(bucket.settings).decode(),
            ciphertext=bucket.sealed,
            created_at=bucket.created_at,
            updated_at=bucket.updated_at,
        )
        return True

    async def delete_bucket(self, bucket_id: str) -> None:
        await self._change(sql.delete_bucket, bucket_id=bucket_id)
