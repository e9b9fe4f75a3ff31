"""The schema of a PostgreSQL catalog: made from the tables when fresh, recognised by one read, brought up to date."""

from typing import Any

from sqlalchemy.dialects.postgresql import asyncpg as dialects
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateIndex, CreateTable

from armarium.adapters.catalog.child_marks import POSTGRES_CHILD_MARKS
from armarium.adapters.catalog.migrations import HEAD, REVISIONS
from armarium.adapters.catalog.postgres_functions import TEXT_INDEX_DDL, functions
from armarium.adapters.catalog.schema import REVISION_DDL, newer, run_steps
from armarium.adapters.catalog.tables import metadata, tables_of
from armarium.adapters.catalog.triggers import POSTGRES_TRIGGERS
from armarium.domain.errors import Unavailable

_TURN = 7_261_409_356_140_285_113
"""Whoever changes the schema holds this advisory lock."""


async def bring_up_to_date(connection: Any) -> str | None:
    """Leave the schema at the newest revision; returns the one it was at, None where there was no schema.

    Raises Unavailable for one that is newer, or not ours.
    connection: for this alone, to be closed afterwards; it may have to wait as long as a step takes.
    """
    if await connection.fetchval("SHOW server_encoding") != "UTF8":
        raise Unavailable("The catalog's database must have the encoding UTF8.")
    if await _revision(connection) == HEAD:
        return HEAD
    await connection.execute("SELECT pg_advisory_lock($1)", _TURN)
    revision = await _revision(connection)  # another process may have been first
    if revision is None:
        async with connection.transaction():
            await create(connection)
    elif revision not in REVISIONS:
        raise newer()
    elif revision != HEAD:
        await migrate(connection)
    return revision


async def _revision(connection: Any) -> str | None:
    """The revision the schema is at, None where there is no schema."""
    names = {row[0] for row in await connection.fetch(_TABLES)}
    if "alembic_version" in names:
        return str(await connection.fetchval("SELECT version_num FROM alembic_version"))
    if names & set(metadata.tables):
        raise Unavailable("The catalog's database has tables of some other program.")
    return None


_TABLES = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()"


async def create(connection: Any) -> None:
    """Make the newest schema in an empty database."""
    for statement in ddl():
        await connection.execute(statement)
    await connection.execute(REVISION_DDL)
    await connection.execute("INSERT INTO alembic_version VALUES ($1)", HEAD)


def ddl() -> list[str]:
    """The statements that make the schema."""
    dialect: Any = dialects.dialect()  # type: ignore[no-untyped-call, unused-ignore]
    statements: list[str] = functions()
    for table in tables_of("postgresql"):
        statements.append(str(CreateTable(table).compile(dialect=dialect)))
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        statements += [str(CreateIndex(index).compile(dialect=dialect)) for index in indexes]
    return [*statements, TEXT_INDEX_DDL, *POSTGRES_TRIGGERS, *POSTGRES_CHILD_MARKS]


async def migrate(connection: Any, to: str = "head") -> None:
    """Run the steps that are missing, all or none of them, and close the connection."""

    async def lend() -> Any:
        return connection

    engine = create_async_engine("postgresql+asyncpg://", async_creator=lend, poolclass=NullPool)
    async with engine.begin() as alchemy:
        await alchemy.run_sync(run_steps, to)
