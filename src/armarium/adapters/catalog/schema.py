"""The schema of a SQLite catalog: made from the tables when fresh, recognised by one read, brought up to date.

Alembic is imported only when an older schema is met: it takes half a second, which no ordinary start should pay.
"""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine
from sqlalchemy.dialects import sqlite
from sqlalchemy.pool import StaticPool
from sqlalchemy.schema import CreateIndex, CreateTable

from armarium.adapters.catalog.child_marks import CHILD_MARKS
from armarium.adapters.catalog.migrations import HEAD, REVISIONS
from armarium.adapters.catalog.tables import tables_of
from armarium.adapters.catalog.text_search import TEXT_INDEX_DDL
from armarium.adapters.catalog.triggers import TRIGGERS
from armarium.domain.errors import Unavailable

REVISION_DDL = (
    "CREATE TABLE alembic_version "
    "(version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)
_MIGRATIONS = Path(__file__).parent / "migrations"


def bring_up_to_date(connection: sqlite3.Connection) -> str | None:
    """Leave the schema at the newest revision; returns the one it was at, None where there was no schema.

    Raises Unavailable for one that is newer, or not ours.
    """
    if _revision(connection) == HEAD:
        return HEAD
    connection.execute("BEGIN IMMEDIATE")
    try:
        revision = _revision(connection)  # another process may have been first
        if revision is None:
            create(connection)
        elif revision != HEAD:
            _upgrade(connection, revision)
        if connection.in_transaction:
            connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return revision


def _revision(connection: sqlite3.Connection) -> str | None:
    """The revision the schema is at, None where there is no schema."""
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError as error:
        if "no such table" not in str(error):
            raise
        row = None
    if row is None and connection.execute("SELECT name FROM sqlite_master LIMIT 1").fetchone() is not None:
        raise Unavailable("The catalog's file is a database of some other program.")
    return row[0] if row is not None else None


def create(connection: sqlite3.Connection) -> None:
    """Make the newest schema in an empty database."""
    for statement in ddl():
        connection.execute(statement)
    connection.execute(REVISION_DDL)
    connection.execute("INSERT INTO alembic_version VALUES (?)", (HEAD,))


def ddl() -> list[str]:
    """The statements that make the schema."""
    dialect: Any = sqlite.dialect()
    statements: list[str] = []
    for table in tables_of("sqlite"):
        statements.append(str(CreateTable(table).compile(dialect=dialect)))
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        statements += [str(CreateIndex(index).compile(dialect=dialect)) for index in indexes]
    return [*statements, TEXT_INDEX_DDL, *TRIGGERS, *CHILD_MARKS]


def _upgrade(connection: sqlite3.Connection, revision: str) -> None:
    if revision not in REVISIONS:
        raise newer()
    migrate(connection)


def newer() -> Unavailable:
    return Unavailable("The catalog was written by a newer armarium: install that version or a later one.")


def migrate(connection: sqlite3.Connection, to: str = "head") -> None:
    """Run the steps that are missing, inside the transaction under way."""
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    with engine.connect() as alchemy:
        run_steps(alchemy, to)


def run_steps(connection: Connection, to: str = "head") -> None:
    """Run what is missing up to a revision, on a connection of any database."""
    import alembic.command  # noqa: PLC0415 - half a second that only an upgrade needs
    import alembic.config  # noqa: PLC0415

    config = alembic.config.Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    alembic.command.upgrade(config, to)
