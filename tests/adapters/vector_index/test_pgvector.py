"""The index in PostgreSQL, held to what the exact one is held to; with a graph from the first vectors, and without."""

import random

import asyncpg
import pytest

from armarium.adapters.catalog.postgres import PostgresCatalog
from armarium.adapters.vector_index.pgvector import PgvectorIndex
from armarium.domain.query import EVERYTHING, Equals, Field
from armarium.domain.vector import VectorQuery, VectorSpace
from armarium.testing.contracts.catalog_fixtures import an_artifact
from armarium.testing.contracts.vector_index import VectorIndexContract, floats
from armarium.testing.contracts.vectors import an_item
from armarium.testing.contracts.word_search import WordSearchContract

MANY = 6000
SPACE = VectorSpace(dimension=8)


@pytest.fixture
async def catalog(postgres_url):
    catalog = PostgresCatalog(postgres_url)
    await catalog.open()
    yield catalog
    await catalog.close()


@pytest.fixture
async def index(catalog, postgres_url):
    index = PgvectorIndex(catalog, postgres_url)
    yield index
    await index.close()


class TestWithoutGraph(VectorIndexContract, WordSearchContract):
    pass


class TestWithGraph(VectorIndexContract, WordSearchContract):
    @pytest.fixture
    async def index(self, catalog, postgres_url):
        index = PgvectorIndex(catalog, postgres_url, graph_from=1)
        yield index
        await index.close()


@pytest.fixture
async def collection(catalog):
    """Many random vectors."""
    name, numbers = await an_artifact(catalog), random.Random(1)
    items = [an_item(f"v{n}", *(numbers.gauss() for _ in range(8)), half=n % 2) for n in range(MANY)]
    async with catalog.transaction() as tx:
        await tx.put_vectors(name, items, update=False)
    return name


def nearest(*wanted: float, **more: object) -> VectorQuery:
    vector = floats((*wanted, *[0.0] * (8 - len(wanted))))
    return VectorQuery(**{"vector": vector, "where": EVERYTHING, "limit": 10, **more})


async def names(index, collection, query):
    return [hit.id for hit in (await index.search(collection, SPACE, query)).hits]


async def test_a_graph_is_made_and_finds_what_comparing_finds(index, collection, postgres_url):
    questions = [nearest(1, n) for n in range(4)]
    questions += [nearest(n, 1, where=Equals(Field("payload", "half"), 1)) for n in range(4)]
    compared = [await names(index, collection, question) for question in questions]
    await index.settle()
    assert await _graphs(postgres_url) == 1
    by_graph = [await names(index, collection, question) for question in questions]
    missed = sum(len(set(a) - set(b)) for a, b in zip(compared, by_graph, strict=True))
    assert missed <= 0.05 * 10 * len(questions)


async def test_what_comes_after_the_graph_is_found_at_once_and_linked_later(index, catalog, collection, postgres_url):
    await names(index, collection, nearest(1))
    await index.settle()
    async with catalog.transaction() as tx:
        await tx.put_vectors(collection, [an_item("late", *[9.0] * 8), an_item("v1", *[8.0] * 8)], update=True)
        await tx.remove_vectors(collection, ["v2"])
    assert set(await names(index, collection, nearest(*[1.0] * 8, limit=2))) == {"late", "v1"}
    await index.settle()
    assert set(await names(index, collection, nearest(*[1.0] * 8, limit=2))) == {"late", "v1"}
    assert (await index.search(collection, SPACE, nearest(1))).total == MANY


async def test_another_process_goes_on_with_the_same_points(index, catalog, collection, postgres_url):
    await names(index, collection, nearest(1))
    await index.settle()
    other = PgvectorIndex(catalog, postgres_url)
    assert await names(other, collection, nearest(1)) == await names(index, collection, nearest(1))
    async with catalog.transaction() as tx:
        await tx.put_vectors(collection, [an_item("late", *[9.0] * 8)], update=True)
    for asked in (other, index):
        assert (await names(asked, collection, nearest(*[1.0] * 8)))[0] == "late"
    await other.close()


async def test_the_points_of_a_collection_that_is_gone_are_dropped(index, catalog, collection, postgres_url):
    await names(index, collection, nearest(1))
    await index.settle()
    async with catalog.transaction() as tx:
        await tx.delete_artifacts([collection])
    following = await an_artifact(catalog, "following")
    await index.search(following, SPACE, nearest(1))
    await index.settle()
    assert await _graphs(postgres_url) == 0


async def test_vectors_too_long_for_a_graph_are_left_to_another_index(index):
    assert await index.can_search(VectorSpace(dimension=4000))
    assert not await index.can_search(VectorSpace(dimension=4001))


async def _graphs(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(
            "SELECT count(*) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
            " WHERE relname LIKE 'vector_points_%_graph' AND indisvalid"
        )
    finally:
        await connection.close()
