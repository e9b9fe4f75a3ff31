"""The SQLite catalog, held to the contracts: on a file and on its private one."""

import pytest

from armarium.adapters.catalog import listing
from armarium.adapters.catalog.sqlite import SqliteCatalog
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
