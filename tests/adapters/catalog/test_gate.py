"""Turns at writing, between processes that share a file."""

import pytest

from armarium.adapters.catalog.gate import Gate
from armarium.adapters.catalog.sqlite import SqliteCatalog
from armarium.domain.errors import Unavailable
from armarium.testing.contracts.catalog_fixtures import an_artifact


@pytest.fixture
def database(tmp_path):
    return tmp_path / "catalog.db"


@pytest.fixture
def gate(database):
    gate = Gate(database)
    yield gate
    gate.close()


def test_only_one_is_behind_the_gate(database, gate):
    other = Gate(database)
    assert gate.try_enter()
    assert not other.try_enter()
    gate.leave()
    assert other.try_enter()
    other.close()


def test_who_ends_leaves_the_gate_open(database, gate):
    other = Gate(database)
    assert other.try_enter()
    other.close()
    assert gate.try_enter()


def test_a_database_that_nobody_shares_has_no_gate(tmp_path):
    assert Gate(None).try_enter()
    assert Gate(None).try_enter()
    assert list(tmp_path.iterdir()) == []


async def test_nobody_asks_to_write_before_who_waits_at_the_gate(database, gate):
    catalog = SqliteCatalog(database, busy_seconds=0.2)
    await catalog.open()
    try:
        assert gate.try_enter()
        with pytest.raises(Unavailable, match="busy"):
            await an_artifact(catalog, "a")
        gate.leave()
        await an_artifact(catalog, "a")
    finally:
        await catalog.close()
