"""Whole tables, as `tables.py` describes them: a table that is added there is carried along by itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from armarium.adapters.catalog import tables as t
from armarium.adapters.catalog.records.artifacts import ArtifactWriter
from armarium.adapters.catalog.records.base import Records
from armarium.adapters.catalog.statements import tables as sql
from armarium.domain.identifiers import ArtifactId
from armarium.ports.tables import Row


class TableReader(Records):
    def table_names(self) -> list[str]:
        return [table.name for table in t.lasting_tables()]

    def is_linked(self, table: str) -> bool:
        return bool(sql.links_of(sql.table_of(table)))

    def key_of(self, table: str, row: Row) -> Row:
        named = _named(table, row)
        return tuple(named[key.name] for key in sql.keys_of(sql.table_of(table)))

    async def count_rows(self, table: str) -> int:
        return int((await self._all(sql.count_rows, table, long=True))[0][0])

    async def table_rows(self, table: str, *, after: Row | None, limit: int) -> list[Row]:
        values = _numbered(after or ())
        rows = await self._all(sql.table_rows, table, after is not None, long=True, limit=limit, **values)
        return [tuple(row) for row in rows]


class TableWriter(ArtifactWriter, TableReader):
    async def add_rows(self, table: str, rows: Sequence[Row]) -> None:
        named = [_named(table, row) for row in rows]
        await self._change_many(sql.add_row, [_prefixed(row) for row in named], table)
        if table == t.artifact.name:
            for row in named:
                await self._note_text(ArtifactId(row["id"]), row["manifest"], is_new=True)

    async def link_rows(self, table: str, rows: Sequence[Row]) -> None:
        changes = [_prefixed(_named(table, row)) | _numbered(self.key_of(table, row)) for row in rows]
        await self._change_many(sql.link_row, changes, table)

    async def finish_tables(self) -> None:
        """Numbers that this database gives by itself follow the greatest that is there."""


def _named(table: str, row: Row) -> dict[str, Any]:
    return dict(zip((column.name for column in sql.table_of(table).columns), row, strict=True))


def _prefixed(row: Mapping[str, Any]) -> dict[str, Any]:
    return {f"c_{name}": value for name, value in row.items()}


def _numbered(key: Row) -> dict[str, Any]:
    return {f"key_{n}": value for n, value in enumerate(key)}
