"""Counters, the audit trail, and blobs nobody needs any more."""

from collections.abc import Mapping, Sequence

from armarium.adapters.catalog.records.base import Records
from armarium.adapters.catalog.rows import json_list
from armarium.adapters.catalog.statements import accounts as account_sql
from armarium.adapters.catalog.statements import artifacts as artifact_sql
from armarium.adapters.catalog.statements import files as file_sql
from armarium.domain.file import BlobId
from armarium.domain.identifiers import ArtifactId
from armarium.ports.catalog import BlobRecord, BlobUse, Event, StoredBlob


class HousekeepingReader(Records):
    async def list_events(
        self, *, workspace: str | None = None, artifact_id: str | None = None, limit: int = 100
    ) -> list[Event]:
        rows = await self._all(
            account_sql.list_events,
            workspace is not None,
            artifact_id is not None,
            workspace=workspace,
            artifact_id=artifact_id,
            limit=limit,
        )
        return [
            Event(at=at, workspace=where, actor=actor, action=action, artifact_id=about, detail=detail)
            for at, where, actor, action, about, detail in rows
        ]

    async def unreferenced_blobs(self, *, released_before: float, limit: int) -> list[BlobRecord]:
        rows = await self._all(file_sql.unreferenced_blobs, long=True, released_before=released_before, limit=limit)
        return [BlobRecord(*row) for row in rows]

    async def list_blobs(self, *, after: BlobId, limit: int) -> list[StoredBlob]:
        rows = await self._all(file_sql.list_blobs, long=True, after=after, limit=limit)
        return [
            StoredBlob(blob_id, size_bytes, sha256, crc32, bool(is_needed))
            for blob_id, size_bytes, sha256, crc32, is_needed in rows
        ]

    async def uses_of_blobs(self, ids: Sequence[BlobId], *, limit: int) -> dict[BlobId, list[BlobUse]]:
        rows = await self._all(file_sql.uses_of_blobs, long=True, ids=json_list(ids), limit=limit)
        uses: dict[BlobId, list[BlobUse]] = {}
        for blob_id, *use in rows:
            uses.setdefault(blob_id, []).append(BlobUse(*use))
        return uses


class HousekeepingWriter(HousekeepingReader):
    async def add_counts(self, counts: Mapping[ArtifactId, tuple[float, float]], *, day: str) -> None:
        rows = [
            {"artifact_id": artifact_id, "views": views, "downloads": downloads, "day": day}
            for artifact_id, (views, downloads) in sorted(counts.items())
        ]
        if rows:
            await self._change_many(artifact_sql.add_counts, rows)
            await self._change_many(artifact_sql.add_day, rows)

    async def reset_counts(self, artifact_id: ArtifactId) -> None:
        await self._change(artifact_sql.reset_counts, artifact_id=artifact_id)

    async def add_event(self, event: Event) -> None:
        await self._change(
            account_sql.add_event,
            at=event.at,
            workspace=event.workspace,
            actor=event.actor,
            action=event.action,
            artifact_id=event.artifact_id,
            detail=event.detail,
        )

    async def condemn_blobs(self, ids: Sequence[BlobId]) -> list[BlobId]:
        return [row[0] for row in await self._all(file_sql.condemn_blobs, ids=json_list(ids))]

    async def forget_blobs(self, ids: Sequence[BlobId]) -> None:
        await self._change(file_sql.forget_blobs, ids=json_list(ids))
