"""PostgreSQL databases for catalogs under test."""

import asyncio

import pytest

from armarium.adapters.catalog.postgres import PostgresCatalog
from armarium.testing.postgres import Databases


async def _with_schema(url: str) -> None:
    catalog = PostgresCatalog(url)
    await catalog.open()
    await catalog.close()


@pytest.fixture(scope="session")
def postgres_template(postgres: Databases) -> str:
    """A database with the schema and nothing else."""
    url = postgres.fresh()
    asyncio.run(_with_schema(url))
    return url


@pytest.fixture
def postgres_url(postgres: Databases, postgres_template: str) -> str:
    """A database of its own, ready for a catalog."""
    return postgres.fresh(postgres_template)
