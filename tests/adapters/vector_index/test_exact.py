"""The exact index on both catalogs."""

from typing import Any

import pytest

from armarium.adapters.catalog.postgres import PostgresCatalog
from armarium.adapters.catalog.sqlite import SqliteCatalog
from armarium.adapters.vector_index.exact import ExactIndex
from armarium.domain.errors import Unsupported
from armarium.domain.query import EVERYTHING
from armarium.domain.vector import VectorItem, VectorQuery, VectorSpace
from armarium.testing.contracts.catalog_fixtures import an_artifact
from armarium.testing.contracts.vector_index import VectorIndexContract, floats
from armarium.testing.contracts.vectors import an_item
from armarium.testing.contracts.word_search import WordSearchContract


@pytest.fixture
async def catalog():
    catalog = SqliteCatalog(None)
    await catalog.open()
    yield catalog
    await catalog.close()


@pytest.fixture
async def index(catalog):
    index = ExactIndex(catalog, memory_bytes=1 << 24)
    yield index
    await index.close()


class TestOnSqlite(VectorIndexContract, WordSearchContract):
    pass


class TestOnPostgres(VectorIndexContract, WordSearchContract):
    @pytest.fixture
    async def catalog(self, postgres_url):
        catalog = PostgresCatalog(postgres_url)
        await catalog.open()
        yield catalog
        await catalog.close()


def everything(limit: int = 10, vector: tuple[float, ...] | None = None) -> VectorQuery:
    return VectorQuery(where=EVERYTHING, limit=limit, vector=floats(vector))


async def put(catalog: SqliteCatalog, artifact_id: Any, *items: VectorItem) -> None:
    async with catalog.transaction() as tx:
        await tx.put_vectors(artifact_id, items, update=True)


async def test_collections_that_were_not_asked_for_longest_make_room(catalog):
    index = ExactIndex(catalog, memory_bytes=20_000)
    space = VectorSpace(dimension=2)
    names = [await an_artifact(catalog, alias) for alias in "abc"]
    for name in names:
        await put(catalog, name, an_item("one", 1, 2))
        assert [hit.id for hit in (await index.search(name, space, everything())).hits] == ["one"]
    assert len(index._loaded) == 2
    await put(catalog, names[0], an_item("two", 2, 1))
    assert (await index.search(names[0], space, everything())).total == 2
    await index.close()


async def test_a_collection_larger_than_the_memory_allowed_is_refused(catalog):
    index = ExactIndex(catalog, memory_bytes=10)
    name = await an_artifact(catalog)
    await put(catalog, name, an_item("a"), an_item("b"))
    with pytest.raises(Unsupported, match="larger"):
        await index.search(name, VectorSpace(dimension=2), everything())
    await index.close()
