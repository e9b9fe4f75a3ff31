"""What a transaction does on PostgreSQL beyond the statements: it locks, since others run at the same time.

    an artifact that is found     no other transaction finds it before this one ends; nobody sees one that is made here
    ... shared                    nobody removes it; many may do so at once, as those who put children into it
    a workspace that is found     the same
    a slot that is filled         its draft is neither committed nor discarded meanwhile
    blobs that are condemned      nobody begins to refer to one meanwhile

Each statement sees what is committed when it begins (READ COMMITTED), so what is read behind a lock is current.
Two transactions that wait for each other end with Interrupted for one of them.
"""

from collections.abc import Sequence
from typing import Any

from armarium.adapters.catalog.compiled import Compiler
from armarium.adapters.catalog.executor import Executor
from armarium.adapters.catalog.records import SqlTransaction
from armarium.adapters.catalog.rows import json_list
from armarium.adapters.catalog.statements import artifacts as artifact_sql
from armarium.adapters.catalog.statements import locks as sql
from armarium.adapters.catalog.statements import tables as table_sql
from armarium.adapters.catalog.text_search import fold
from armarium.domain.account import User, Workspace
from armarium.domain.artifact import Found
from armarium.domain.file import BlobId, FileEntry
from armarium.domain.identifiers import ArtifactId, ArtifactRef, ByAlias


class PostgresTransaction(SqlTransaction):
    """The `Transaction` port on PostgreSQL."""

    def __init__(self, executor: Executor, compiler: Compiler) -> None:
        super().__init__(executor, compiler)
        self._own: set[ArtifactId] = set()

    async def insert_artifact(self, *, id: ArtifactId, **values: Any) -> bool:
        is_new = await super().insert_artifact(id=id, **values)
        if is_new:
            self._own.add(id)
        return is_new

    async def find_artifact(
        self, ref: ArtifactRef, *, viewer: str | None = None, count_children: bool = False, shared: bool = False
    ) -> Found | None:
        if not isinstance(ref, ByAlias) and ref.id in self._own:
            return await super().find_artifact(ref, viewer=viewer, count_children=count_children)
        if isinstance(ref, ByAlias):
            locked = await self._one(sql.lock_artifact, True, shared, workspace=ref.workspace, alias=ref.alias)
        else:
            locked = await self._one(sql.lock_artifact, False, shared, id=ref.id)
        if locked is None:
            return None
        return await super().find_artifact(ref, viewer=viewer, count_children=count_children)

    async def find_workspace(self, name: str, *, viewer: str | None = None, shared: bool = False) -> Workspace | None:
        await self._one(sql.lock_workspace, shared, name=name)
        return await super().find_workspace(name, viewer=viewer)

    async def find_user(self, user_id: str) -> User | None:
        await self._one(sql.lock_user, user_id=user_id)
        return await super().find_user(user_id)

    async def fill_slot(self, slot: str, entry: FileEntry, *, crc32: int | None = None) -> bool:
        if await self._one(sql.lock_slot, slot=slot) is None:
            return False
        return await super().fill_slot(slot, entry, crc32=crc32)

    async def condemn_blobs(self, ids: Sequence[BlobId]) -> list[BlobId]:
        await self._all(sql.lock_blobs, ids=json_list(ids))
        return await super().condemn_blobs(ids)

    async def _orphan(self, parents: Sequence[ArtifactId]) -> None:
        await self._all(sql.lock_for_removal, ids=json_list(parents))
        await super()._orphan(parents)

    async def _note_text(self, artifact_id: ArtifactId, manifest: str, *, is_new: bool) -> None:
        await self._change(artifact_sql.put_body, artifact_id=artifact_id, body=fold(manifest))

    async def finish_tables(self) -> None:
        for table in self.table_names():
            await self._one(table_sql.follow_numbers, table)
