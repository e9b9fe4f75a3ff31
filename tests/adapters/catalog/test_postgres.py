"""The PostgreSQL catalog, held to the contracts that the SQLite one is held to."""

import pytest

from armarium.adapters.catalog import listing
from armarium.adapters.catalog.postgres import PostgresCatalog
from armarium.testing.contracts.catalog import CatalogContract
from armarium.testing.contracts.listing import ListingContract


@pytest.fixture
async def catalog(postgres_url):
    catalog = PostgresCatalog(postgres_url)
    await catalog.open()
    yield catalog
    await catalog.close()


class TestOnPostgres(CatalogContract):
    pass


@pytest.mark.slow
class TestListingWithoutCandidates(ListingContract):
    """Every condition passes for a common one, so that indexes are walked in order."""

    @pytest.fixture(autouse=True)
    def _nothing_is_few(self, monkeypatch):
        monkeypatch.setattr(listing, "FEW", -1)
