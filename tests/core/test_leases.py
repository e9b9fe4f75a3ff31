"""One process at a time, whichever it is, and nobody waits for one that died."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from armarium.adapters.catalog.sqlite import SqliteCatalog
from armarium.core.leases import Leases
from armarium.domain.errors import Conflict


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self._ids = 0

    def now(self) -> float:
        return self.seconds

    def new_id(self) -> str:
        self._ids += 1
        return f"id-{self._ids}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def processes(tmp_path: Path, clock: Clock) -> AsyncIterator[list[Leases]]:
    """Two who share nothing but the database."""
    catalogs = [SqliteCatalog(tmp_path / "catalog.sqlite") for _ in range(2)]
    for catalog in catalogs:
        await catalog.open()
    yield [Leases(catalog, clock, lease_seconds=30) for catalog in catalogs]
    for catalog in catalogs:
        await catalog.close()


async def test_a_lease_is_held_by_one(processes: list[Leases]):
    one, other = processes
    async with one.hold("publish a", refusal="It is being published already."):
        with pytest.raises(Conflict, match="already"):
            async with other.hold("publish a", refusal="It is being published already."):
                pytest.fail("both have it")
        async with other.hold("publish b", refusal="no"):
            pass
    async with other.hold("publish a", refusal="no"):
        pass


async def test_a_lease_is_given_back_by_who_fails(processes: list[Leases]):
    one, other = processes
    with pytest.raises(ZeroDivisionError):
        async with one.hold("publish a", refusal="no"):
            raise ZeroDivisionError
    async with other.hold("publish a", refusal="no"):
        pass


async def test_the_lease_of_a_dead_process_ends_by_itself(processes: list[Leases], clock: Clock):
    one, other = processes
    dead = one.hold("publish a", refusal="no")
    await dead.__aenter__()
    clock.seconds += 31
    async with other.hold("publish a", refusal="no"):
        with pytest.raises(Conflict):
            async with one.hold("publish a", refusal="no"):
                pytest.fail("both have it")
        await dead.__aexit__(None, None, None)  # it was not dead after all, and its end is not the other's
        with pytest.raises(Conflict):
            async with one.hold("publish a", refusal="no"):
                pytest.fail("both have it")


async def test_what_is_due_from_time_to_time_is_done_once_for_all(processes: list[Leases], clock: Clock):
    first = await asyncio.gather(*(leases.is_mine("housekeeping", for_seconds=100) for leases in processes * 4))
    assert sorted(first) == [False] * 7 + [True]
    clock.seconds += 99
    assert not await processes[1].is_mine("housekeeping", for_seconds=100)
    clock.seconds += 2
    assert await processes[1].is_mine("housekeeping", for_seconds=100)
