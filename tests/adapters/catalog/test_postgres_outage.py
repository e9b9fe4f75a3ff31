"""A PostgreSQL that stops, is killed, comes back or comes late."""

import asyncio
import threading
import time

import asyncpg
import pytest

from armarium.adapters.catalog.postgres import PostgresCatalog
from armarium.domain.errors import Unavailable
from armarium.domain.identifiers import ByAlias
from armarium.ports.catalog import Interrupted
from armarium.testing.contracts.catalog_fixtures import an_artifact, insert
from armarium.testing.postgres import RunningPostgres


@pytest.fixture(scope="module")
def server():
    with RunningPostgres(durable=True) as running:  # what was committed outlives a crash
        yield running


@pytest.fixture
async def catalog(server):
    admin = await asyncpg.connect(server.url())
    name = f"outage_{time.monotonic_ns()}"
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    catalog = PostgresCatalog(server.url(name), connections=8)
    await catalog.open()
    yield catalog
    await catalog.close()


async def _works(catalog, alias):
    artifact_id = await an_artifact(catalog, alias)
    found = await catalog.find_artifact(ByAlias("ws", alias))
    return found is not None and found.artifact.id == artifact_id


async def test_while_the_server_is_away_everybody_is_told_to_come_again(server, catalog):
    assert await _works(catalog, "before")
    server.stop()
    for _ in range(3):
        with pytest.raises(Unavailable) as caught:
            await catalog.find_artifact(ByAlias("ws", "before"))
        assert caught.value.retry_after_seconds >= 1
        with pytest.raises(Unavailable):
            await an_artifact(catalog, "meanwhile")
    server.start()
    assert await catalog.find_artifact(ByAlias("ws", "meanwhile")) is None
    assert await _works(catalog, "after")


async def test_a_restart_between_two_reads_is_not_noticed(server, catalog):
    await asyncio.gather(*(_works(catalog, f"a{number}") for number in range(8)))
    server.stop()
    server.start()
    found = await asyncio.gather(*(catalog.find_artifact(ByAlias("ws", f"a{number}")) for number in range(8)))
    assert all(found)


async def test_what_a_crash_interrupts_leaves_nothing(server, catalog):
    async def begin():
        async with catalog.transaction() as tx:
            await insert(tx, "half")
            server.kill()
            await insert(tx, "other half")

    with pytest.raises(Unavailable) as caught:
        await begin()
    assert not isinstance(caught.value, Interrupted)
    server.start()
    assert await catalog.find_artifact(ByAlias("ws", "half")) is None
    assert await _works(catalog, "half")


async def test_a_commit_the_server_does_not_confirm_is_no_success(server, catalog):
    async def change():
        async with catalog.transaction() as tx:
            await insert(tx, "doubtful")
            server.kill()

    with pytest.raises(Unavailable):
        await change()
    server.start()
    assert await _works(catalog, "after the doubt")


async def test_a_catalog_waits_for_a_server_that_starts_late(server):
    server.stop()
    late = threading.Timer(0.5, server.start)
    late.start()
    catalog = PostgresCatalog(server.url())
    await catalog.open()
    late.join()
    await catalog.close()


async def test_a_catalog_whose_server_never_answers_is_not_opened(server):
    server.stop()
    with pytest.raises(Unavailable, match="cannot be reached"):
        await PostgresCatalog(server.url(), start_seconds=0).open()
    server.start()


async def test_more_work_than_connections_waits_its_turn(catalog):
    await asyncio.gather(*(an_artifact(catalog, f"many-{number}") for number in range(60)))
    found = await asyncio.gather(*(catalog.find_artifact(ByAlias("ws", f"many-{number}")) for number in range(60)))
    assert all(found)


async def test_a_transaction_the_database_gave_up_is_no_success_though_the_error_was_swallowed(catalog):
    async def swallow():
        async with catalog.transaction() as tx:
            await insert(tx, "lost")
            with pytest.raises(Exception, match="foreign"):
                await tx.put_member("nowhere", "ada", 1)

    with pytest.raises(Unavailable, match="could not keep"):
        await swallow()
    assert await catalog.find_artifact(ByAlias("ws", "lost")) is None
