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


async def test_the_points_of_a_collection_that_is_gone_are_swept(index, catalog, collection, postgres_url):
    kept = await an_artifact(catalog, "kept")
    await index.search(kept, SPACE, nearest(1))
    await names(index, collection, nearest(1))
    await index.settle()
    assert await _tables(postgres_url) == 2
    async with catalog.transaction() as tx:
        await tx.delete_artifacts([collection])
    await index.sweep()
    assert (await _tables(postgres_url), await _graphs(postgres_url)) == (1, 0)
    await index.sweep()
    assert (await index.search(kept, SPACE, nearest(1))).total == 0


async def test_nothing_is_swept_where_nothing_was_searched(index, postgres_url):
    await index.sweep()
    assert await _tables(postgres_url) == 0


BROKEN = {
    "the points are gone": "DROP TABLE vector_points_1",
    "the points are laid out otherwise": "ALTER TABLE vector_points_1 DROP COLUMN is_linked",
    "the points have a column more": "ALTER TABLE vector_points_1 ADD COLUMN older text",
    "the graph is gone": "DROP INDEX vector_points_1_graph",
    "the table of all is gone": "DROP TABLE vector_points",
    "the table of all is laid out otherwise": "ALTER TABLE vector_points DROP COLUMN epoch",
    "all is gone": "DROP TABLE vector_points, vector_points_1",
}


@pytest.mark.parametrize("statement", BROKEN.values(), ids=BROKEN)
async def test_what_is_broken_is_made_anew(index, catalog, collection, postgres_url, statement):
    before = await names(index, collection, nearest(1))
    await index.settle()
    await _execute(postgres_url, statement)
    following = PgvectorIndex(catalog, postgres_url)
    assert await names(following, collection, nearest(1)) == before
    await following.settle()
    assert await names(index, collection, nearest(1)) == before  # the process that was there before goes on, too
    await following.sweep()
    assert (await _tables(postgres_url), await _graphs(postgres_url)) == (1, 1)
    await following.close()


@pytest.mark.parametrize("name", ["the points are gone", "all is gone"])
async def test_what_vanishes_under_a_process_is_made_anew_by_it(index, collection, postgres_url, name):
    before = await names(index, collection, nearest(1))
    await index.settle()
    await _execute(postgres_url, BROKEN[name])
    assert await names(index, collection, nearest(1)) == before


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


async def _tables(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(
            "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname ~ '^vector_points_[0-9]+$'"
        )
    finally:
        await connection.close()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
