"""The schema of a PostgreSQL catalog: the same from the tables and from the migrations, met at any age."""

import asyncio

import asyncpg
import pytest

from armarium.adapters.catalog import migrations
from armarium.adapters.catalog.postgres import PostgresCatalog
from armarium.adapters.catalog.postgres_functions import functions
from armarium.adapters.catalog.postgres_schema import migrate
from armarium.domain.errors import Unavailable
from armarium.domain.identifiers import workspace_uuid

DESCRIPTIONS = {
    "columns": "SELECT table_name, column_name, data_type, collation_name, is_nullable, column_default "
    "FROM information_schema.columns WHERE table_schema = 'public'",
    "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "constraints": "SELECT conname, conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE connamespace = 'public'::regnamespace",
    "triggers": "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "functions": "SELECT proname, prosrc, provolatile FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    "revision": "SELECT version_num FROM alembic_version",
}


async def _connect(url):
    return await asyncpg.connect(url)


async def _described(url):
    connection = await _connect(url)
    found = {name: sorted(map(tuple, await connection.fetch(sql)), key=repr) for name, sql in DESCRIPTIONS.items()}
    await connection.close()
    # NOT NULL is in the columns; the names PostgreSQL gives these constraints follow the order they were made in.
    found["constraints"] = [row for row in found["constraints"] if not row[2].startswith("NOT NULL")]
    return found


async def _opened(url):
    catalog = PostgresCatalog(url, start_seconds=0)
    await catalog.open()
    return catalog


async def _run(url, *statements):
    connection = await _connect(url)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def test_migrations_make_what_the_tables_say(postgres, postgres_template):
    url = postgres.fresh()
    await migrate(await _connect(url))
    by_migrations, by_tables = await _described(url), await _described(postgres_template)
    for what in DESCRIPTIONS:
        assert by_migrations[what] == by_tables[what], what
    assert by_tables["revision"] == [(migrations.HEAD,)]


async def test_an_older_catalog_is_brought_up_to_date(postgres, postgres_template):
    url = postgres.fresh()
    await migrate(await _connect(url), "0002")
    await _run(
        url,
        "INSERT INTO workspace VALUES ('lab', 'Lab', '', 'ada', 1, 1.5)",
        """INSERT INTO artifact VALUES ('a1', 'lab', 'a', NULL, 'generic', 'ada', 1, 1, 0, 0, 0, '{}', '{"a": 1}')""",
    )
    catalog = await _opened(url)
    found = await catalog.find_workspace_by_uuid(str(workspace_uuid("lab")))
    await catalog.close()
    assert found is not None
    assert (found.name, found.created_at) == ("lab", 1.5)
    upgraded, fresh = await _described(url), await _described(postgres_template)
    assert {name: upgraded[name] for name in ("indexes", "triggers", "functions", "revision")} == {
        name: fresh[name] for name in ("indexes", "triggers", "functions", "revision")
    }


async def test_processes_that_start_together_make_one_schema(postgres):
    url = postgres.fresh()
    catalogs = await asyncio.gather(*(_opened(url) for _ in range(6)))
    for catalog in catalogs:
        await catalog.close()


async def test_a_newer_catalog_is_refused(postgres_url):
    await _run(postgres_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Unavailable, match="newer armarium"):
        await _opened(postgres_url)


async def test_a_database_of_another_program_is_refused(postgres):
    url = postgres.fresh()
    await _run(url, "CREATE TABLE workspace (theirs text)")
    with pytest.raises(Unavailable, match="other program"):
        await _opened(url)


async def test_a_database_that_is_not_there_is_told_without_its_password(postgres_url):
    with pytest.raises(Unavailable) as caught:
        await _opened(postgres_url.replace("/armarium_", "/missing_").replace("postgres@", "postgres:sesame@"))
    assert "does not exist" in str(caught.value)
    assert "sesame" not in str(caught.value)


STARTS = (1, 0x100, 0x200, 0x1E00, 0x1F00, 0xFB00, 0x10400)


async def test_text_is_folded_as_python_folds_it(postgres_url):
    texts = [
        "".join(map(chr, range(start, start + 256))) for start in (1, 0x100, 0x200, 0x1E00, 0x1F00, 0xFB00, 0x10400)
    ]
    texts += ["Straße", "ΣΊΣΥΦΟΣ", "plain ASCII", ""]
    connection = await _connect(postgres_url)
    folded = [await connection.fetchval("SELECT armarium_fold($1)", text) for text in texts]
    await connection.close()
    assert folded == [text.casefold() for text in texts]


def test_the_functions_can_be_part_of_a_migration():
    assert all("\t" not in function and "%(" not in function for function in functions())


async def test_a_database_with_pgvector_is_as_good_as_any(postgres):
    url = postgres.fresh()
    await _run(url, "CREATE EXTENSION vector")
    await (await _opened(url)).close()
