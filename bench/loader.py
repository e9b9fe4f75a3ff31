"""Many children at once: the same use case as one `create` each, but the rows it inserts go in by thousands."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from typing import Any

import asyncpg
import msgspec
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.dialects.postgresql import asyncpg as postgres_dialect
from sqlalchemy.schema import CreateIndex

from armarium.adapters.catalog import tables as t
from armarium.adapters.catalog.compiled import Compiler
from armarium.adapters.catalog.executor import Executor
from armarium.adapters.catalog.postgres_functions import TEXT_INDEX_DDL
from armarium.adapters.catalog.postgres_transaction import PostgresTransaction
from armarium.adapters.catalog.records import SqlTransaction
from armarium.adapters.catalog.sqlite_connection import connect
from armarium.adapters.cipher import AesGcmCipher
from armarium.assembly import Parts, assemble, running
from armarium.core.artifacts import Artifacts
from armarium.domain.artifact import Found
from armarium.domain.identifiers import ArtifactRef, ByAlias
from armarium.domain.principal import Principal
from armarium.settings import Settings

BATCH = 10_000

LABELS = tuple(f"label-{n}" for n in range(10))

Rows = dict[str, list[Sequence[Any]]]
"""Values by the statement that inserts them, in the order the statements first came."""
Insert = Callable[[Rows], Awaitable[None]]

_TARGET = re.compile(r"INSERT INTO (\w+) \(([^)]*)\)")


def child_manifest(number: int) -> dict[str, Any]:
    """A dataset's worth of words; label cuts the children in ten, score orders them in no obvious way."""
    return {
        "name": f"Sample {number}",
        "description": f"Recording {number} of the series seen at station {number % 97}",
        "label": LABELS[number % len(LABELS)],
        "score": (number * 7919 % 100_003) / 100_003,
        "tags": [f"tag-{number % 7}", f"tag-{number % 11}"],
        "year": 1990 + number % 35,
    }


class _Children(msgspec.Struct, frozen=True):
    """What is to be made."""

    creator: Principal
    parent: Found
    prefix: str
    count: int


class _Noting(Executor):
    """Takes down inserts, and makes them together."""

    def __init__(self, insert: Insert) -> None:
        self._insert = insert
        self._rows: Rows = {}

    async def make_noted(self) -> None:
        rows, self._rows = self._rows, {}
        await self._insert(rows)

    async def fetch_one(
        self, sql: str, values: Sequence[Any], make: Callable[[Any], Any], *, long: bool = False
    ) -> Any:
        await self.execute(sql, values)
        return make(values)  # as if there had been no such row yet

    async def execute(self, sql: str, values: Sequence[Any]) -> int:
        self._rows.setdefault(sql, []).append(values)
        return 1

    async def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self._rows.setdefault(sql, []).extend(rows)


class _Noted:
    """A catalog whose transactions only take down what they insert, below one parent."""

    def __init__(self, tx: SqlTransaction, parent: Found) -> None:
        self._tx = tx
        self._parent = parent

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["_Noted"]:
        yield self

    async def find_artifact(self, ref: ArtifactRef, **_: Any) -> Found:
        """The parent by its alias, and what was just inserted by its id."""
        if isinstance(ref, ByAlias):
            return self._parent
        artifact = msgspec.structs.replace(self._parent.artifact, id=ref.id)
        return msgspec.structs.replace(self._parent, artifact=artifact)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)


async def load_children(settings: Settings, token: str, parent: str, count: int, *, prefix: str = "child") -> None:
    """Create children where nobody serves, as whoever holds the token."""
    parts = assemble(settings, "http://127.0.0.1")
    async with running(parts) as core:
        principal = await parts.identify(token)
        workspace, _, alias = parent.partition("/")
        found = await core.catalog.find_artifact(ByAlias(workspace, alias), viewer=principal.effective_id)
    assert found is not None
    children = _Children(principal, found, prefix, count)
    if settings.database is None:
        await _load_into_sqlite(parts, children)
    else:
        await _load_into_postgres(parts, settings.database, children)


async def _load_into_sqlite(parts: Parts, children: _Children) -> None:
    file = parts.settings.data / "catalog.sqlite"
    with closing(connect(file, durable=False)) as connection:

        async def insert(rows: Rows) -> None:
            connection.execute("BEGIN")
            for sql, values in rows.items():
                connection.executemany(sql, values)
            connection.execute("COMMIT")

        compiler = Compiler(sqlite_dialect.dialect(paramstyle="qmark"))
        await _create(parts, children, SqlTransaction, _Noting(insert), compiler)
        async with running(assemble(parts.settings, "http://127.0.0.1")):  # feeds the text index
            while connection.execute("SELECT 1 FROM text_pending LIMIT 1").fetchone():
                await asyncio.sleep(0.1)


async def _load_into_postgres(parts: Parts, url: str, children: _Children) -> None:
    connection = await asyncpg.connect(url)

    async def insert(rows: Rows) -> None:
        async with connection.transaction():
            for sql, values in rows.items():
                table, columns = _target(sql)
                await connection.copy_records_to_table(table, columns=columns, records=values)

    dialect: Any = postgres_dialect.dialect()
    try:
        async with _prepared(connection, dialect):
            await _create(parts, children, PostgresTransaction, _Noting(insert), Compiler(dialect))
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


@asynccontextmanager
async def _prepared(connection: Any, dialect: Any) -> AsyncIterator[None]:
    """Without what a database does for every row: references are not looked up, indexes are made in the end."""
    indexes = [*t.artifact.indexes, *t.version.indexes, *t.field.indexes, *t.event.indexes]
    for setting in ("synchronous_commit = off", "session_replication_role = replica", "maintenance_work_mem = '1GB'"):
        await connection.execute(f"SET {setting}")
    for name in [str(index.name) for index in indexes] + ["ix_text_body_trigrams"]:
        await connection.execute(f"DROP INDEX {name}")
    yield
    for ddl in [str(CreateIndex(index).compile(dialect=dialect)) for index in indexes] + [TEXT_INDEX_DDL]:
        await connection.execute(ddl)


def _target(sql: str) -> tuple[str, list[str]]:
    """The table and the columns an INSERT fills."""
    match = _TARGET.match(sql)
    assert match is not None, sql
    return match[1], [name.strip(' "') for name in match[2].split(",")]


async def _create(
    parts: Parts, children: _Children, kind: type[SqlTransaction], noting: _Noting, compiler: Compiler
) -> None:
    core = parts.core
    cipher = AesGcmCipher(parts.keys.secrets, parts.keys.former_secrets)
    noted: Any = _Noted(kind(noting, compiler), children.parent)
    artifacts = Artifacts(noted, core.clock, core.counters, cipher, core.publication)
    for number in range(children.count):
        await artifacts.create(
            children.creator,
            manifest=child_manifest(number),
            alias=f"{children.prefix}-{number}",
            parent=children.parent.artifact.name,
            type="dataset",
        )
        if number % BATCH == BATCH - 1:
            await noting.make_noted()
    await noting.make_noted()
