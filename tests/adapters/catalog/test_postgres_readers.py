"""What was read before is answered from memory, and never when anybody has committed since."""

import asyncio

import asyncpg
import pytest

from armarium.adapters.catalog import postgres_readers, remembered
from armarium.adapters.catalog.postgres import PostgresCatalog
from armarium.domain.account import User
from armarium.domain.identifiers import ById
from armarium.testing.contracts.catalog_fixtures import an_artifact

SPAN = 60


@pytest.fixture
async def catalog(postgres_url):
    catalog = PostgresCatalog(postgres_url)
    await catalog.open()
    async with catalog.transaction() as tx:
        await tx.insert_user(User(id="ada", email="0"))
    yield catalog
    await catalog.close()


@pytest.fixture
async def other(postgres_url):
    """A connection of somebody else."""
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


async def email(catalog):
    user = await asyncio.create_task(catalog.find_user("ada"))
    return user.email


async def test_what_was_read_is_not_asked_again(catalog):
    ref = ById(await an_artifact(catalog, "tide"))
    for _ in range(100):  # whoever commits in any database of the server counts as somebody
        found = await catalog.find_artifact(ref)
        if await catalog.find_artifact(ref) is found:
            return
    pytest.fail("It was asked again each time.")


async def test_a_change_of_ours_is_seen_at_once(catalog):
    for text in ("first", "second", "third"):
        async with catalog.transaction() as tx:
            await tx.update_user(User(id="ada", email=text))
        assert await email(catalog) == await email(catalog) == text


async def test_a_change_by_somebody_else_is_seen_at_once(catalog, other):
    for text in ("first", "second", "third"):
        await email(catalog)
        await other.execute("UPDATE \"user\" SET email = $1 WHERE id = 'ada'", text)
        assert await email(catalog) == await email(catalog) == text


async def test_a_change_that_is_not_committed_is_not_seen(catalog, other):
    async with other.transaction():
        await other.execute("UPDATE \"user\" SET email = 'half' WHERE id = 'ada'")
        assert await email(catalog) == await email(catalog) == "0"
    assert await email(catalog) == "half"


async def test_what_was_not_there_is_found_once_it_is(catalog, other):
    for _ in range(3):
        assert await catalog.find_user("bob") is None
    await other.execute("INSERT INTO \"user\" (id, roles, created_at) VALUES ('bob', '[]', 0)")
    assert (await catalog.find_user("bob")).id == "bob"


async def test_among_many_nobody_reads_less_than_was_committed_before_they_asked(catalog, postgres_url):
    """Two processes write in turn as fast as they can; many read meanwhile, some of them in the same task."""
    second = PostgresCatalog(postgres_url)
    await second.open()
    committed = 0

    async def write():
        nonlocal committed
        for number in range(1, SPAN):
            async with (catalog, second)[number % 2].transaction() as tx:
                await tx.update_user(User(id="ada", email=str(number)))
            committed = number
            await asyncio.sleep(0.002)

    async def read(reader):
        while committed < SPAN - 1:
            least = committed
            assert int((await reader.find_user("ada")).email) >= least
            await asyncio.sleep(0)

    await asyncio.gather(write(), *(read(reader) for reader in (catalog, second) for _ in range(8)))
    await second.close()


async def test_when_every_connection_is_cut_reading_goes_on(catalog, other):
    for number in range(3):
        await asyncio.gather(*(email(catalog) for _ in range(4)))
        await other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid()"
        )
        await other.execute("UPDATE \"user\" SET email = $1 WHERE id = 'ada'", str(number))
        assert await email(catalog) == await email(catalog) == str(number)


async def test_a_watcher_that_cannot_watch_leaves_reading_as_it_is(catalog, monkeypatch):
    async def broken(url):
        raise asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is in progress")

    monkeypatch.setattr(postgres_readers, "connect", broken)
    catalog._executor._snapshots._disconnect()
    assert await email(catalog) == await email(catalog) == "0"
    await catalog.close()


async def test_a_reader_who_gives_up_leaves_the_others_theirs(catalog):
    for _ in range(20):
        tasks = [asyncio.create_task(catalog.find_user("ada")) for _ in range(8)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [user.email for user in done[1:]] == ["0"] * 7


async def test_what_is_remembered_is_bounded(catalog, monkeypatch):
    monkeypatch.setattr(remembered, "MOST_ROWS", 3)
    for number in range(20):
        await catalog.find_user(f"nobody-{number}")
    assert await email(catalog) == "0"
    assert len(catalog._executor._remembered) <= 3
