"""What vector collections hold."""

from collections.abc import Sequence
from typing import Any

import msgspec

from armarium.adapters.catalog.records.base import Records
from armarium.adapters.catalog.rows import json_list
from armarium.adapters.catalog.statements import vectors as sql
from armarium.domain.identifiers import ArtifactId
from armarium.domain.vector import PLACES, VectorChange, VectorItem, VectorState

MARKS_KEPT = 1000
"""Marks of removed vectors that are kept at least, so that a reader can catch up without starting again."""


class VectorReader(Records):
    async def vector_state(self, artifact_id: ArtifactId) -> VectorState:
        return await self._make(_state_of, sql.vector_state, artifact_id=artifact_id) or VectorState()

    async def find_vectors(self, artifact_id: ArtifactId, ids: Sequence[str]) -> dict[str, VectorItem]:
        rows = await self._all(sql.find_vectors, artifact_id=artifact_id, ids=json_list(ids))
        return {row[0]: _item_of(row) for row in rows}

    async def list_vectors(self, artifact_id: ArtifactId, *, offset: int, limit: int) -> list[VectorItem]:
        rows = await self._all(sql.list_vectors, artifact_id=artifact_id, offset=offset, limit=limit)
        return [_item_of(row) for row in rows]

    async def vectors_behind(
        self, artifact_id: ArtifactId, position: int, *, limit: int
    ) -> list[tuple[int, VectorItem]]:
        rows = await self._all(sql.vectors_behind, long=True, artifact_id=artifact_id, position=position, limit=limit)
        return [(row[0], _item_of(row[1:])) for row in rows]

    async def vector_ids(self, artifact_id: ArtifactId, prefixes: Sequence[str]) -> list[str]:
        rows = await self._all(sql.vector_ids, artifact_id=artifact_id, prefixes=json_list(prefixes))
        return [row[0] for row in rows]

    async def vector_changes(
        self, artifact_id: ArtifactId, *, after: tuple[int, str], limit: int
    ) -> list[VectorChange]:
        revision, last_id = after
        rows = await self._all(
            sql.vector_changes, long=True, artifact_id=artifact_id, revision=revision, id=last_id, limit=limit
        )
        return [
            VectorChange(
                id=row[2], revision=row[0], position=row[1], item=_item_of(row[2:]) if row[3] is not None else None
            )
            for row in rows
        ]


class VectorWriter(VectorReader):
    async def put_vectors(self, artifact_id: ArtifactId, items: Sequence[VectorItem], *, update: bool) -> int:
        latest = {item.id: item for item in items}
        known = {row[0]: bool(row[1]) for row in await self._known(artifact_id, list(latest))}
        chosen = [item for item in latest.values() if update or not known.get(item.id)]
        added = sum(not known.get(item.id) for item in chosen)
        marks = sum(item.id in known and not known[item.id] for item in chosen)
        if not chosen:
            return 0
        revision, _, _ = await self._count(artifact_id, item_count=added, removed_count=-marks)
        await self._change_many(
            sql.put_vector,
            [
                {
                    "artifact_id": artifact_id,
                    "id": item.id,
                    "revision": revision,
                    "position": revision * PLACES + place,
                    "vector": item.vector,
                    "payload": bytes(item.payload).decode(),
                }
                for place, item in enumerate(chosen)
            ],
        )
        return added

    async def remove_vectors(self, artifact_id: ArtifactId, ids: Sequence[str]) -> int:
        doomed = [row[0] for row in await self._known(artifact_id, ids) if row[1]]
        if not doomed:
            return 0
        revision, left, marks = await self._count(artifact_id, item_count=-len(doomed), removed_count=len(doomed))
        await self._change(sql.mark_removed, artifact_id=artifact_id, ids=json_list(doomed), new_revision=revision)
        if marks > max(MARKS_KEPT, left):
            await self._change(sql.forget_removed, artifact_id=artifact_id)
            await self._change(sql.next_epoch, artifact_id=artifact_id)
        return len(doomed)

    async def clear_vectors(self, artifact_id: ArtifactId) -> None:
        await self._change(sql.clear_vectors, artifact_id=artifact_id)
        await self._change(sql.clear_space, artifact_id=artifact_id)

    async def _known(self, artifact_id: ArtifactId, ids: Sequence[str]) -> list[Any]:
        return await self._all(sql.known_ids, artifact_id=artifact_id, ids=json_list(ids))

    async def _count(self, artifact_id: ArtifactId, **counted: int) -> tuple[int, int, int]:
        row = await self._one(sql.next_revision, artifact_id=artifact_id, **counted)
        if row is None:
            raise RuntimeError("A change was not counted.")
        return row[0], row[1], row[2]


def _state_of(row: Any) -> VectorState:
    return VectorState(item_count=row[0], revision=row[1], epoch=row[2])


def _item_of(row: Any) -> VectorItem:
    return VectorItem(id=row[0], vector=row[1], payload=msgspec.Raw(row[2]))
