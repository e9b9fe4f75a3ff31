"""Which index a collection is searched by."""

import pytest

from armarium.adapters.catalog.postgres import PostgresCatalog
from armarium.adapters.vector_index.exact import ExactIndex
from armarium.adapters.vector_index.located import vector_index_at
from armarium.domain.query import EVERYTHING
from armarium.domain.vector import Engine, VectorQuery, VectorSpace
from armarium.testing.contracts.catalog_fixtures import an_artifact
from armarium.testing.contracts.vectors import an_item


@pytest.fixture
async def catalog(postgres_url):
    catalog = PostgresCatalog(postgres_url)
    await catalog.open()
    yield catalog
    await catalog.close()


@pytest.mark.parametrize(
    ("engine", "count", "is_in_database"),
    [(Engine.EXACT, 2, False), (Engine.EXACT, 3, True), (Engine.PGVECTOR, 1, True), (Engine.S3VECTOR, 1, False)],
)
async def test_large_ones_and_those_that_ask_are_searched_in_the_database(
    catalog, postgres_url, engine, count, is_in_database
):
    index = vector_index_at(postgres_url, catalog, memory_bytes=1 << 20, exact_up_to=2)
    name = await an_artifact(catalog)
    async with catalog.transaction() as tx:
        await tx.put_vectors(name, [an_item(f"v{n}") for n in range(count)], update=False)
    query = VectorQuery(where=EVERYTHING, vector=an_item("x").vector)
    hits = await index.search(name, VectorSpace(dimension=2, engine=engine), query)
    assert (hits.total, len(hits.hits)) == (count, count)
    assert (name in index._graph._followed) == is_in_database
    await index.close()


async def test_a_catalog_in_a_file_has_the_exact_index(catalog):
    index = vector_index_at(None, catalog, memory_bytes=1 << 20, exact_up_to=0)
    assert isinstance(index, ExactIndex)
    await index.close()
