"""The SQLite catalog, held to the contracts: on a file and on its private one."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from armarium.adapters.catalog import listing
from armarium.adapters.catalog.sqlite import SqliteCatalog
from armarium.adapters.catalog.sqlite_connection import connect
from armarium.testing.contracts.catalog import CatalogContract
from armarium.testing.contracts.listing import ListingContract


@pytest.fixture
async def catalog(tmp_path):
    catalog = SqliteCatalog(tmp_path / "catalog.db")
    await catalog.open()
    yield catalog
    await catalog.close()


class TestOnAFile(CatalogContract):
    pass


class TestInPrivate(CatalogContract):
    @pytest.fixture
    async def catalog(self):
        catalog = SqliteCatalog()
        await catalog.open()
        yield catalog
        await catalog.close()


class TestListingWithoutCandidates(ListingContract):
    """Every condition passes for a common one, so that indexes are walked in order."""

    @pytest.fixture(autouse=True)
    def _nothing_is_few(self, monkeypatch):
        monkeypatch.setattr(listing, "FEW", -1)


def test_a_new_file_can_be_opened_by_many_at_once(tmp_path):
    together = threading.Barrier(8)

    def open_and_close(number: int) -> None:
        together.wait()
        connect(tmp_path / f"{number}.db", wait_ms=10_000).close()

    with ThreadPoolExecutor(8) as threads:
        for number in range(40):
            list(threads.map(open_and_close, [number] * 8))
