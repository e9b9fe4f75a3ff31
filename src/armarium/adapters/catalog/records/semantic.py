"""Collections that are searched by meaning."""

from collections.abc import Mapping

from armarium.adapters.catalog.records.base import Records
from armarium.adapters.catalog.rows import found_of, json_list
from armarium.adapters.catalog.statements import artifacts as artifact_sql
from armarium.adapters.catalog.statements import semantic as sql
from armarium.domain.artifact import Found
from armarium.domain.identifiers import ArtifactId
from armarium.ports.semantic import SemanticIndex


class SemanticReader(Records):
    async def find_semantic_index(self, collection_id: ArtifactId, *, most_marks: int) -> SemanticIndex | None:
        row = await self._one(sql.find_index, collection_id=collection_id)
        if row is None:
            return None
        marks = await self._all(sql.find_marks, collection_id=collection_id, limit=most_marks)
        return SemanticIndex(scanned=row[0], marks={child_id: int(stamp) for child_id, stamp in marks})

    async def semantic_collections(self, workspace: str, *, viewer: str | None, limit: int) -> list[Found]:
        rows = await self._all(artifact_sql.semantic_collections, workspace=workspace, viewer=viewer, limit=limit)
        return [found_of(row) for row in rows]

    async def waiting_indexes(self, *, failed_before: float, limit: int) -> list[tuple[ArtifactId, str | None]]:
        rows = await self._all(sql.waiting_indexes, failed_before=failed_before, limit=limit)
        return [(row[0], row[1]) for row in rows]


class SemanticWriter(SemanticReader):
    async def open_semantic_index(self, collection_id: ArtifactId) -> None:
        await self._change(sql.open_index, collection_id=collection_id)

    async def close_semantic_index(self, collection_id: ArtifactId) -> None:
        await self._change(sql.close_index, collection_id=collection_id)

    async def assign_job(self, collection_id: ArtifactId, job_id: str) -> bool:
        return bool(await self._change(sql.assign_job, collection_id=collection_id, assigned=job_id))

    async def take_marks(self, collection_id: ArtifactId, marks: Mapping[ArtifactId, int]) -> set[ArtifactId]:
        if not marks:
            return set()
        stamped = json_list(f"{child_id}:{stamp}" for child_id, stamp in marks.items())
        rows = await self._all(sql.take_marks, collection_id=collection_id, children=json_list(marks), stamped=stamped)
        return {row[0] for row in rows}

    async def set_scanned(self, collection_id: ArtifactId, scanned: str | None, *, before: str) -> bool:
        row = await self._one(sql.set_scanned, collection_id=collection_id, reached=scanned, before=before)
        return row is not None
