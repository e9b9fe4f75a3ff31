"""Aspects."""

from typing import Any

from armarium.adapters.catalog.records.base import Records
from armarium.adapters.catalog.rows import aspect_of, json_list, json_text
from armarium.adapters.catalog.statements import aspects as sql
from armarium.domain.aspect import Aspect, AspectQuery


class AspectReader(Records):
    async def find_aspect(self, aspect_id: str) -> Aspect | None:
        row = await self._one(sql.find_aspect, aspect_id=aspect_id)
        return aspect_of(row) if row is not None else None

    async def list_aspects(self, query: AspectQuery) -> list[Aspect]:
        schema = None if query.schema is None else "like" if "%" in query.schema else "is"
        shape = (
            query.shared is not None,
            query.with_open,
            query.entity is not None,
            schema,
            query.at is not None,
            query.text is not None,
            query.order,
            query.descending,
            query.after is not None,
        )
        place: dict[str, Any] = {f"after{n}": key for n, key in enumerate(query.after.keys)} if query.after else {}
        rows = await self._all(
            sql.list_aspects,
            *shape,
            workspaces=json_list(query.workspaces),
            shared=query.shared,
            entity=query.entity,
            schema=query.schema,
            at=query.at,
            text=query.text,
            limit=query.limit,
            **place,
        )
        return [aspect_of(row) for row in rows]


class AspectWriter(AspectReader):
    async def insert_aspect(self, aspect: Aspect) -> None:
        values = {name: getattr(aspect, name) for name in sql.COLUMNS}
        await self._change(
            sql.insert_aspect, **values | {"content": json_text(aspect.content), "reach": int(aspect.reach)}
        )

    async def active_aspects(self, workspace: str, entity: str, schema: str) -> list[Aspect]:
        rows = await self._all(sql.active_aspects, workspace=workspace, entity=entity, schema=schema)
        return [aspect_of(row) for row in rows]

    async def end_aspect(self, aspect_id: str, *, ended_at: int, ended_by: str) -> bool:
        row = await self._one(sql.end_aspect, aspect_id=aspect_id, ended_at=ended_at, ended_by=ended_by)
        return row is not None

    async def take_turn(self, entity: str, schema: str) -> None:
        await self._change(sql.take_turn, entity=entity, schema=schema, turns=0)
