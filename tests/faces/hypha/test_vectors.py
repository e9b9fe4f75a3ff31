"""Vector collections through the unmodified Hypha client."""

import asyncio
from typing import Any

import numpy as np
import pytest

from tests.faces.hypha.wire import refusal

SPACE = {"dimension": 4, "distance_metric": "cosine"}
POINTS = [
    {"id": 1, "vector": [1.0, 0.0, 0.0, 0.0], "manifest": {"title": "tide", "year": 1999, "tags": ["sea", "table"]}},
    {"id": "two", "vector": [0.9, 0.1, 0.0, 0.0], "manifest": {"title": "wave", "year": 2005, "tags": ["sea"]}},
    {"id": "three", "vector": [0.0, 0.0, 1.0, 0.0], "manifest": {"title": "rock", "year": 2010, "in": {"era": "old"}}},
]

FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({"title": "wave"}, ["two"]),
    ({"title": "%A%"}, ["two"]),
    ({"year": 1999}, ["1"]),
    ({"year": "1999"}, ["1"]),
    ({"year": [1999, 2005]}, ["1", "two"]),
    ({"year": {"$gt": 1999}}, ["two", "three"]),
    ({"year": {"$gte": 1999, "$lt": 2005}}, ["1"]),
    ({"year": {"$ne": 1999}}, ["two", "three"]),
    ({"title": {"$in": ["rock", "tide"]}}, ["1", "three"]),
    ({"tags": {"$in": ["table", "x"]}}, ["1"]),
    ({"tags": {"$all": ["sea", "table"]}}, ["1"]),
    ({"tags": ["sea"]}, ["1", "two"]),
    ({"title": {"$like": "%ck"}}, ["three"]),
    ({"title": {"$regex": "^(ti|ro)"}}, ["1", "three"]),
    ({"title": {"$regex": "(?i)AVE$"}}, ["two"]),
    ({"year": {"$regex": "^20"}}, ["two", "three"]),
    ({"tags": {"$regex": "sea"}}, []),
    ({"in": {"era": {"$regex": "l"}}}, ["three"]),
    ({"in": {"era": "old"}}, ["three"]),
    ({"in.era": "old"}, ["three"]),
    ({"title": "wave", "year": 1999}, []),
    ({"missing": 1}, []),
    ({}, ["1", "two", "three"]),
]
"""Which points each of them finds."""


async def a_collection(store: Any, alias: str = "points", *, config: Any = SPACE, **options: Any) -> str:
    made = await store.create(
        alias=alias, type="vector-collection", manifest={"name": "Points"}, config=config, **options
    )
    return made["id"]


@pytest.fixture
async def points(store: Any) -> str:
    name = await a_collection(store)
    assert await store.add_vectors(artifact_id=name, vectors=POINTS) == ["1", "two", "three"]
    return name


async def ids(store: Any, name: str, **asked: Any) -> list[str]:
    return [hit["id"] for hit in await store.search_vectors(artifact_id=name, **asked)]


async def test_the_printed_example_works(store):
    await a_collection(store, "example-id", config={"dimension": 2})
    await store.add_vectors(artifact_id="example-id", vectors=[{"id": 1, "vector": [0.1, 0.2]}])
    results = await store.search_vectors(artifact_id="example-id", query={"vector": [0.1, 0.2]}, limit=10)
    assert [(hit["id"], hit["_score"]) for hit in results] == [("1", pytest.approx(1))]
    assert (await store.get_vector(artifact_id="example-id", id=1))["vector"] == pytest.approx([0.1, 0.2])
    assert [item["id"] for item in await store.list_vectors(artifact_id="example-id", limit=20)] == ["1"]
    await store.remove_vectors(artifact_id="example-id", ids=[1, 2, 3])
    assert await store.list_vectors(artifact_id="example-id", limit=20) == []


async def test_the_config_says_what_the_vectors_are(store, points):
    config = (await store.read(points))["config"]
    assert (config["dimension"], config["distance_metric"], config["vector_count"]) == (4, "cosine", 3)
    made = await store.create(
        type="vector-collection", manifest={"name": "x", "vector_config": {"dimension": 7, "distance_metric": "l2"}}
    )
    assert (made["config"]["dimension"], made["config"]["distance_metric"]) == (7, "l2")
    assert "vector_config" not in made["manifest"]
    plain = await store.create(type="vector-collection", manifest={"name": "y"})
    assert plain["config"]["dimension"] == 384


@pytest.mark.parametrize(
    "config",
    [{"dimension": 0}, {"dimension": 5000}, {"dimension": "4"}, {"distance_metric": "inner_product"},
     {"vector_engine": "oracle"}, {"vector_fields": [{}]}, {"embedding_model": 3}],
)  # fmt: skip
async def test_a_config_that_makes_no_sense_is_refused(store, config):
    with refusal("ValueError"):
        await a_collection(store, config=config)


async def test_the_nearest_come_first(store, points):
    found = await store.search_vectors(artifact_id=points, query={"vector": [1.0, 0.05, 0.0, 0.0]}, limit=2)
    assert [(hit["id"], hit["title"]) for hit in found] == [("1", "tide"), ("two", "wave")]
    assert "vector" not in found[0]
    assert await ids(store, points, query=[0.0, 0.0, 1.0, 0.0], limit=1) == ["three"]
    assert await ids(store, points, query={"cell_vector": np.array([0, 0, 1, 0], np.float32)}, limit=1) == ["three"]
    assert await ids(store, points, query={"vector": np.array([0, 0, 1, 0], np.float32).tobytes()}, limit=1) == [
        "three"
    ]


@pytest.mark.parametrize(("filters", "expected"), FILTERS)
async def test_filters_alone_and_with_a_vector(store, points, filters, expected):
    assert await ids(store, points, filters=filters) == expected
    assert sorted(await ids(store, points, filters=filters, query={"vector": [1, 1, 1, 1]})) == sorted(expected)


@pytest.mark.parametrize(
    "filters",
    [{"title": {"$where": "1=1"}}, {"year": {"$gt": "x"}}, {"tags": {"$in": "x"}}, {"title": {"$like": 3}},
     {"x') OR 1=1 --": {"$regex2": "x"}}, {"title": {"$regex": 3}}, {"title": {"$regex": "("}},
     {"title": {"$regex": "(?=a)b"}}, {"title": {"$regex": "x" * 513}}, {"title": {"$regex": "a{1000}{1000}"}}],
)  # fmt: skip
async def test_a_filter_nobody_knows_is_refused(store, points, filters):
    with refusal("ValueError"):
        await store.search_vectors(artifact_id=points, filters=filters)


@pytest.mark.parametrize("name", ["x') OR 1=1 --", '"; DROP TABLE vector; --', "a'b", "%", "$", ""])
async def test_field_names_are_only_ever_names(store, points, name):
    assert await ids(store, points, filters={name: "x"}) == []
    assert len(await ids(store, points, order_by=name)) == 3


async def test_pages_and_orders(store, points):
    page = await store.search_vectors(
        artifact_id=points, filters={"tags": ["sea"]}, order_by="year>", limit=1, offset=1, pagination=True,
        return_fields=["vector"],
    )  # fmt: skip
    assert (page["total"], page["offset"], page["limit"]) == (2, 1, 1)
    assert (page["items"][0]["id"], page["items"][0]["vector"]) == ("1", [1.0, 0.0, 0.0, 0.0])
    listed = await store.list_vectors(artifact_id=points, order_by="title", pagination=True, limit=2)
    assert ([item["title"] for item in listed["items"]], listed["total"]) == (["rock", "tide"], 3)
    assert [item["id"] for item in await store.list_vectors(artifact_id=points, offset=1)] == ["two", "three"]


async def test_text_is_embedded_by_the_model_of_the_collection(store):
    name = await a_collection(store, config={"dimension": 64, "embedding_model": "hashing:"})
    texts = ["the tide is high", "engines need oil", "a bird in the hand"]
    await store.add_vectors(
        artifact_id=name,
        vectors=[{"id": f"t{n}", "vector": text, "manifest": {"text": text}} for n, text in enumerate(texts)],
    )
    for query in ({"text": "high tide"}, {"vector": "high tide"}, "high tide"):
        assert await ids(store, name, query=query, limit=1) == ["t0"]


async def test_a_model_that_is_not_there_is_named(store, points):
    with refusal("embedding model"):
        await store.search_vectors(artifact_id=points, query={"text": "tide"})
    name = await a_collection(store, "other", config={**SPACE, "embedding_model": "fastembed:BAAI/none"})
    with refusal("fastembed"):
        await store.add_vectors(artifact_id=name, vectors=[{"id": 1, "vector": "text"}])


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"id": "x", "vector": [1, 2, 3]}, "3 numbers where the collection has 4"),
        ({"id": "x", "vector": [1, 2, 3, float("nan")]}, "not finite"),
        ({"id": "x", "vector": [1, 2, 3, 1e300]}, "not finite"),
        ({"id": "x", "vector": [1, 2, 3, "4"]}, "not a number"),
        ({"id": "x", "vector": b"abc"}, "float32"),
        ({"id": "x"}, "needs 'vector'"),
        ({"vector": [1, 2, 3, 4]}, "needs 'id'"),
        ({"id": "", "vector": [1, 2, 3, 4]}, "1 to 256"),
        ({"id": True, "vector": [1, 2, 3, 4]}, "whole number"),
        ({"id": "x", "vector": [1, 2, 3, 4], "manifest": "text"}, "object"),
        ("x", "object"),
    ],
)
async def test_a_batch_with_a_bad_vector_is_refused_as_a_whole(store, points, bad, said):
    good = {"id": "good", "vector": [1, 2, 3, 4]}
    with refusal(f"vector 1.*{said}"):
        await store.add_vectors(artifact_id=points, vectors=[good, bad])
    assert len(await store.list_vectors(artifact_id=points)) == 3


async def test_payloads_follow_the_schema_of_the_collection(store):
    schema = {"type": "object", "required": ["title"]}
    name = await a_collection(store, config={**SPACE, "collection_schema": schema})
    with refusal("'title' is a required property"):
        await store.add_vectors(artifact_id=name, vectors=[{**POINTS[0], "manifest": {"n": 1}}])
    assert await store.add_vectors(artifact_id=name, vectors=POINTS) == ["1", "two", "three"]


async def test_update_replaces_and_without_it_what_is_there_stays(store, points):
    moved = {"id": 1, "vector": [0, 0, 0, 1], "manifest": {"title": "moved"}}
    await store.add_vectors(artifact_id=points, vectors=[moved])
    assert (await store.get_vector(points, 1))["title"] == "tide"
    await store.add_vectors(artifact_id=points, vectors=[moved], update=True)
    assert (await store.get_vector(points, 1)) == {"id": "1", "title": "moved", "vector": [0, 0, 0, 1]}
    assert await ids(store, points, query=[0, 0, 0, 1], limit=1) == ["1"]


async def test_what_is_missing_is_told_and_removing_it_is_fine(store, points):
    with refusal("not found"):
        await store.get_vector(artifact_id=points, id="missing")
    await store.remove_vectors(artifact_id=points, ids=["missing", 1])
    assert await ids(store, points, query=[1, 0, 0, 0]) == ["two", "three"]
    assert (await store.read(points))["config"]["vector_count"] == 2
    await store.create(alias="box", manifest={"name": "box"})
    with refusal("not a vector collection"):
        await store.list_vectors(artifact_id="box")


async def test_rights_are_those_of_the_artifact(store, bobs_store, strangers_store, ada):
    name = await a_collection(store, config={**SPACE, "permissions": {"*": "r", "@": "r+"}})
    await store.add_vectors(artifact_id=name, vectors=POINTS)
    assert len(await ids(strangers_store, name)) == 3
    with refusal("PermissionError"):
        await strangers_store.list_vectors(artifact_id=name)
    with refusal("PermissionError"):
        await strangers_store.add_vectors(artifact_id=name, vectors=POINTS)
    assert await bobs_store.add_vectors(artifact_id=name, vectors=[{"id": "bob", "vector": [1, 1, 1, 1]}]) == ["bob"]
    with refusal("PermissionError"):
        await bobs_store.remove_vectors(artifact_id=name, ids=["bob"])


async def test_nobody_loses_a_vector_when_many_write_and_search(store):
    name = await a_collection(store)

    async def write(worker: int) -> None:
        for batch in range(5):
            new = [{"id": f"{worker}-{batch}-{n}", "vector": [worker, batch, n, 1]} for n in range(10)]
            await store.add_vectors(artifact_id=name, vectors=new)
            assert f"{worker}-{batch}-3" in await ids(store, name, query=[worker, batch, 3, 1], limit=400)

    await asyncio.gather(*(write(worker) for worker in range(6)))
    assert (await store.search_vectors(artifact_id=name, pagination=True))["total"] == 300


async def test_keywords_beside_a_vector_make_one_ranking(store, points):
    east = [1.0, 0.0, 0.0, 0.0]
    found = await store.search_vectors(artifact_id=points, query=east, keywords=["ROCK"])
    assert [hit["id"] for hit in found] == ["three", "1", "two"]  # first of one and third of the other wins
    expected = [1 / 61 + 1 / 63, 1 / 61, 1 / 62]
    assert [hit["_score"] for hit in found] == pytest.approx(expected)
    assert await ids(store, points, query=east, keywords=["rock"], filters={"tags": ["sea"]}) == ["1", "two"]


async def test_keywords_alone_find_what_holds_all_of_them(store, points):
    assert await ids(store, points, keywords=["sea"]) == ["two", "1"]  # the shorter text is more about it
    assert await ids(store, points, keywords=["sea", "tab"]) == ["1"]
    assert await ids(store, points, keywords="sea", filters={"year": [2000, 2010]}) == ["two"]
    assert await ids(store, points, keywords=["%' OR 1=1 --"]) == []


@pytest.mark.parametrize("asked", [{}, {"keywords": ["point"]}, {"keywords": ["point"], "query": None}])
async def test_a_cursor_pages_though_vectors_arrive(store, asked):
    name = await a_collection(store, config={"dimension": 2})

    async def add(first: int, behind: int) -> None:
        vectors = [{"id": n, "vector": [1.0, n / 10], "text": f"point {n}"} for n in range(first, behind)]
        await store.add_vectors(artifact_id=name, vectors=vectors)

    await add(0, 10)
    asked = {"artifact_id": name, "query": [1.0, 0.0], "limit": 4, "pagination": True, **asked}
    seen, cursor = [], None
    for late in range(20, 29, 3):
        page = await store.search_vectors(**asked, cursor=cursor)
        assert page["total"] == 10
        seen += [hit["id"] for hit in page["items"]]
        cursor = page["next"]
        await add(late, late + 3)
    assert cursor is None
    assert sorted(seen, key=int) == [str(n) for n in range(10)]
    with refusal("cursor is not valid"):
        await store.search_vectors(**asked, cursor="x" * 40)


async def test_a_cursor_is_good_for_its_own_question_alone(store, points):
    page = await store.search_vectors(artifact_id=points, query=[1.0, 0.0, 0.0, 0.0], limit=1, pagination=True)
    with refusal("another search"):
        await store.search_vectors(artifact_id=points, query=[0.0, 1.0, 0.0, 0.0], limit=1, cursor=page["next"])
