"""Resumable uploads."""

from collections.abc import Sequence

from armarium.adapters.catalog.records.base import Records
from armarium.adapters.catalog.records.files import BlobRecords
from armarium.adapters.catalog.rows import json_list, resumable_of, segment_of
from armarium.adapters.catalog.statements import resumable as sql
from armarium.domain.identifiers import ArtifactId
from armarium.domain.upload import Resumable, Segment


class ResumableReader(Records):
    async def find_resumable(self, upload_id: str) -> Resumable | None:
        row = await self._one(sql.find_resumable, upload_id=upload_id)
        return resumable_of(row) if row is not None else None

    async def resumables_of(self, artifact_ids: Sequence[ArtifactId]) -> dict[ArtifactId, Resumable]:
        rows = await self._all(sql.resumables_of, artifact_ids=json_list(artifact_ids))
        return {upload.artifact_id: upload for upload in map(resumable_of, rows)}

    async def list_segments(self, upload_id: str) -> list[Segment]:
        return [segment_of(row) for row in await self._all(sql.list_segments, upload_id=upload_id)]

    async def unsettled_resumables(self, *, touched_before: float, limit: int) -> list[Resumable]:
        rows = await self._all(sql.unsettled_resumables, touched_before=touched_before, limit=limit)
        return [resumable_of(row) for row in rows]

    async def expired_resumables(self, *, expired_before: float, limit: int) -> list[str]:
        return [row[0] for row in await self._all(sql.expired_resumables, expired_before=expired_before, limit=limit)]


class ResumableWriter(ResumableReader, BlobRecords):
    async def insert_resumable(self, upload: Resumable) -> None:
        await self._change(sql.insert_resumable, **_columns(upload, sql.COLUMNS))

    async def advance_resumable(self, upload: Resumable, *, from_offset: int, segment: Segment | None) -> bool:
        columns = _columns(upload, sql.CHANGEABLE)
        row = await self._one(sql.advance_resumable, upload_id=upload.id, from_offset=from_offset, **columns)
        if row is not None and segment is not None:
            await self._keep_segment(upload.id, segment, upload.touched_at)
        return row is not None

    async def replace_segments(self, upload_id: str, segment: Segment | None, *, now: float) -> None:
        await self._change(sql.release_segments, upload_id=upload_id, now=now)
        await self._change(sql.delete_segments, upload_id=upload_id)
        if segment is not None:
            await self._keep_segment(upload_id, segment, now)

    async def _keep_segment(self, upload_id: str, segment: Segment, now: float) -> None:
        await self._record_blob(
            segment.blob_id,
            size_bytes=segment.size_bytes,
            sha256=segment.sha256,
            crc32=segment.crc32,
            created_at=now,
        )
        await self._change(sql.insert_segment, upload_id=upload_id, start=segment.start, blob_id=segment.blob_id)

    async def delete_resumable(self, upload_id: str, *, now: float) -> None:
        await self.replace_segments(upload_id, None, now=now)
        await self._change(sql.delete_resumable, upload_id=upload_id)


def _columns(upload: Resumable, names: Sequence[str]) -> dict[str, object]:
    return {name: getattr(upload, name) for name in names} | {
        "ending": str(upload.ending),
        "commits": int(upload.commits),
    }
