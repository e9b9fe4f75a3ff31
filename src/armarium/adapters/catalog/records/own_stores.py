"""The stores that artifacts brought with them."""

from collections.abc import Sequence

from armarium.adapters.catalog.records.base import Records
from armarium.adapters.catalog.rows import json_list, store_of
from armarium.adapters.catalog.statements import own_stores as sql
from armarium.domain.identifiers import ArtifactId
from armarium.domain.own_store import SealedStore


class OwnStoreReader(Records):
    async def secrets_named(self, artifact_id: ArtifactId, keys: Sequence[str]) -> list[tuple[str, str, bytes]]:
        rows = await self._all(sql.secrets_named, artifact_id=artifact_id, keys=json_list(keys))
        return [(owner, key, bytes(ciphertext)) for owner, key, ciphertext in rows]

    async def stores_of(self, artifact_id: ArtifactId) -> list[SealedStore]:
        return [store_of(row) for row in await self._all(sql.stores_of, artifact_id=artifact_id)]

    async def find_store(self, store_id: str) -> SealedStore | None:
        row = await self._one(sql.find_store, store_id=store_id)
        return store_of(row) if row is not None else None


class OwnStoreWriter(OwnStoreReader):
    async def insert_store(self, store: SealedStore) -> None:
        await self._change(
            sql.insert_store,
            id=store.id,
            artifact_id=store.artifact_id,
            ciphertext=store.sealed,
            created_at=store.created_at,
        )

    async def forget_stores(self) -> int:
        return len(await self._all(sql.forget_stores))
