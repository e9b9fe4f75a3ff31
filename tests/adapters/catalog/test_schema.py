"""The schema: the same from the tables and from the migrations, met at any age."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from armarium.adapters.catalog import migrations, schema
from armarium.adapters.catalog.sqlite import SqliteCatalog
from armarium.adapters.catalog.sqlite_connection import connect
from armarium.domain.errors import Unavailable
from armarium.domain.identifiers import workspace_uuid


def _normal(sql):
    """Definitions of a table, whatever their layout and the order of its constraints."""
    head, _, body = " ".join(sql.replace('"', "").split()).partition("(")
    body, _, tail = body.rpartition(")")
    parts, depth, start = [], 0, 0
    for at, sign in enumerate(body + ","):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "," and depth == 0:
            parts.append(body[start:at].strip())
            start = at + 1
    ordered = parts if head.startswith("CREATE INDEX") else sorted(parts)
    return (head.strip(), tuple(ordered), tail.strip())


def _dump(connection):
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    columns = {name: connection.execute(f"PRAGMA table_xinfo({name!r})").fetchall() for _, name, _ in rows}
    return {(type_, name): _normal(sql) for type_, name, sql in rows}, columns


def test_migrations_make_what_the_tables_say(tmp_path):
    by_tables, by_migrations = connect(tmp_path / "a.db"), connect(tmp_path / "b.db")
    schema.bring_up_to_date(by_tables)
    by_migrations.execute("BEGIN IMMEDIATE")
    schema.migrate(by_migrations)
    if by_migrations.in_transaction:
        by_migrations.execute("COMMIT")
    assert _dump(by_migrations) == _dump(by_tables)
    revisions = [c.execute("SELECT version_num FROM alembic_version").fetchall() for c in (by_tables, by_migrations)]
    assert revisions[0] == revisions[1] == [(migrations.HEAD,)]


async def test_workspaces_of_an_older_catalog_are_found_by_uuid(tmp_path):
    path = tmp_path / "catalog.db"
    connection = connect(path)
    connection.execute("BEGIN IMMEDIATE")
    schema.migrate(connection, "0002")
    connection.execute("INSERT INTO workspace VALUES ('lab', 'Lab', '', NULL, 1, 1.5)")
    if connection.in_transaction:
        connection.execute("COMMIT")
    connection.close()
    catalog = SqliteCatalog(path)
    await catalog.open()
    found = await catalog.find_workspace_by_uuid(workspace_uuid("lab"))
    await catalog.close()
    assert found is not None
    assert found.title == "Lab"


def test_the_list_of_revisions_is_what_is_on_disk():
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    on_disk = [script.revision for script in scripts.walk_revisions()][::-1]
    assert tuple(on_disk) == migrations.REVISIONS


async def test_a_catalog_opens_again(tmp_path):
    for _ in range(2):
        catalog = SqliteCatalog(tmp_path / "deep" / "catalog.db")
        await catalog.open()
        await catalog.close()


async def test_a_newer_catalog_is_refused(tmp_path):
    path = tmp_path / "catalog.db"
    catalog = SqliteCatalog(path)
    await catalog.open()
    await catalog.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(Unavailable, match="newer armarium"):
        await SqliteCatalog(path).open()


async def test_a_database_of_another_program_is_refused(tmp_path):
    path = tmp_path / "catalog.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(Unavailable, match="other program"):
        await SqliteCatalog(path).open()


async def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "catalog.db"
    path.write_bytes(b"not a database, " * 1000)
    with pytest.raises(Unavailable, match="not a database"):
        await SqliteCatalog(path).open()


def test_an_ordinary_start_imports_no_migrations():
    code = (
        "import asyncio, sys\n"
        "from armarium.adapters.catalog.sqlite import SqliteCatalog\n"
        "asyncio.run(SqliteCatalog().open())\n"
        "sys.exit('alembic' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
