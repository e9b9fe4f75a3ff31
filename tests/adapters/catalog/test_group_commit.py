"""Batches on one connection, and what happens to them when SQLite cannot go on."""

import asyncio
import sqlite3

import pytest

from armarium.adapters.catalog.sqlite import SqliteCatalog
from armarium.domain.errors import Unavailable
from armarium.domain.identifiers import ByAlias
from armarium.domain.query import Query, Stage
from armarium.testing.contracts.catalog_fixtures import an_artifact, insert

EVERYTHING = Query(stage=Stage.ANY)


@pytest.fixture
async def catalog(tmp_path):
    catalog = SqliteCatalog(tmp_path / "catalog.db", busy_seconds=0.2)
    await catalog.open()
    yield catalog
    await catalog.close()


@pytest.fixture
def other_process(tmp_path, catalog):
    """A connection that another process might have."""
    connection = sqlite3.connect(tmp_path / "catalog.db", isolation_level=None)
    yield connection
    connection.close()


async def test_who_wait_together_commit_together(catalog):
    commits = []
    catalog._writer.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
    await asyncio.gather(*(an_artifact(catalog, f"a{number}") for number in range(100)))
    catalog._writer.set_trace_callback(None)
    assert len(commits) < 10
    assert await catalog.count_artifacts(EVERYTHING) == 100


async def test_a_batch_has_an_end_however_many_come(catalog):
    await asyncio.gather(*(an_artifact(catalog, f"a{number}") for number in range(600)))
    assert await catalog.count_artifacts(EVERYTHING) == 600


async def test_a_database_that_stays_locked_is_unavailable(catalog, other_process):
    other_process.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="busy"):
        await an_artifact(catalog, "a")
    other_process.execute("ROLLBACK")
    await an_artifact(catalog, "a")


async def test_a_lock_that_is_let_go_is_waited_for(catalog, other_process):
    other_process.execute("BEGIN IMMEDIATE")
    writing = asyncio.create_task(an_artifact(catalog, "a"))
    await asyncio.sleep(0.02)
    assert not writing.done()
    assert await catalog.count_artifacts(EVERYTHING) == 0
    other_process.execute("COMMIT")
    await writing


async def test_a_full_disk_is_unavailable_and_leaves_no_half(catalog):
    await an_artifact(catalog, "before")
    pages = catalog._writer.execute("PRAGMA page_count").fetchone()[0]
    catalog._writer.execute(f"PRAGMA max_page_count={pages + 20}")
    big = {"text": "x" * 30_000}
    outcomes = await asyncio.gather(
        *(an_artifact(catalog, f"a{number}", manifest=big) for number in range(20)), return_exceptions=True
    )
    failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert failed
    assert all(isinstance(error, Unavailable) for error in failed)
    assert await catalog.count_artifacts(EVERYTHING) == 1 + len(outcomes) - len(failed)
    catalog._writer.execute("PRAGMA max_page_count=1000000")
    await an_artifact(catalog, "after")


async def test_what_goes_on_after_its_batch_was_lost_changes_nothing(catalog):
    async def stubborn():
        async with catalog.transaction() as tx:
            await insert(tx, "a")
            catalog._writer.execute("ROLLBACK")  # as SQLite does by itself when it must
            with pytest.raises(Unavailable):
                await insert(tx, "b")

    with pytest.raises(Unavailable):
        await stubborn()
    assert await catalog.count_artifacts(EVERYTHING) == 0
    await an_artifact(catalog, "after")


async def test_a_failed_commit_fails_every_member(catalog):
    def write(number):
        return an_artifact(catalog, f"a{number}")

    catalog._writer.set_authorizer(
        lambda action, what, *_: (
            sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_TRANSACTION and what == "COMMIT" else sqlite3.SQLITE_OK
        )
    )
    outcomes = await asyncio.gather(*(write(number) for number in range(5)), return_exceptions=True)
    catalog._writer.set_authorizer(None)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 5
    assert await catalog.find_artifact(ByAlias("ws", "a0")) is None
    await write(0)


async def test_a_transaction_that_is_over_takes_nothing_more(catalog):
    async with catalog.transaction() as tx:
        await insert(tx, "a")
    with pytest.raises(RuntimeError, match="over"):
        await insert(tx, "b")


async def test_a_cancelled_long_read_does_not_leave_its_connection_in_use(catalog):
    await asyncio.gather(*(an_artifact(catalog, f"a{number}", manifest={"n": number}) for number in range(500)))

    async def scan():
        async with catalog.transaction() as tx:
            for _ in range(100):
                await tx.unreferenced_blobs(released_before=1e12, limit=10)

    for _ in range(20):
        task = asyncio.create_task(scan())
        await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await an_artifact(catalog, "after")
