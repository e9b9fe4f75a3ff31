"""The exact index against a plain reading of the same questions."""

import math
from array import array
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from armarium.adapters.catalog.sqlite import SqliteCatalog
from armarium.adapters.vector_index.exact import ExactIndex
from armarium.domain.errors import Unsupported
from armarium.domain.query import (
    EVERYTHING,
    AllOf,
    AnyOf,
    Between,
    ContainsAll,
    ContainsAny,
    Equals,
    Field,
    Lacks,
    Matches,
    Not,
)  # fmt: skip
from armarium.domain.vector import Metric, VectorItem, VectorQuery, VectorSpace
from armarium.testing.contracts.catalog_fixtures import an_artifact
from armarium.testing.contracts.vectors import an_item

DIMENSION = 3
numbers = st.integers(-3, 3).map(float)
vectors = st.tuples(numbers, numbers, numbers)
values = st.sampled_from(["a", "b", "ab", "1", 1, 2.5, -1, True, ["a", "b"], ["b", 2]])
payloads = st.dictionaries(st.sampled_from(["x", "y"]), values, max_size=2) | st.fixed_dictionaries(
    {"in": st.dictionaries(st.sampled_from(["x", "y"]), values, max_size=2)}
)
ids = st.sampled_from([f"v{n}" for n in range(12)])
steps = st.lists(
    st.tuples(st.just("put"), st.lists(st.tuples(ids, vectors, payloads), min_size=1, max_size=6), st.booleans())
    | st.tuples(st.just("remove"), st.lists(ids, min_size=1, max_size=3), st.none()),
    min_size=1,
    max_size=6,
)
fields = st.sampled_from(["x", "y", "in.x", "missing"]).map(lambda path: Field("payload", path))
plain = st.sampled_from(["a", "b", "1", 1, 2.5, True])
leaves = (
    st.builds(Equals, fields, plain)
    | st.builds(Between, fields, st.none() | numbers, st.none() | numbers)
    | st.builds(ContainsAny, fields, st.lists(plain, max_size=2).map(tuple))
    | st.builds(ContainsAll, fields, st.lists(plain, max_size=2).map(tuple))
    | st.builds(Matches, fields, st.sampled_from(["a*", "*b", "A", "*", "a*b"]))
    | st.builds(Lacks, fields)
)
conditions = st.recursive(
    leaves,
    lambda inner: (
        st.builds(AllOf, st.lists(inner, max_size=2).map(tuple))
        | st.builds(AnyOf, st.lists(inner, max_size=2).map(tuple))
        | st.builds(Not, inner)
    ),
    max_leaves=4,
)
questions = st.tuples(
    st.none() | vectors, conditions, st.none() | st.sampled_from(["x", "in.x"]), st.booleans(), st.integers(0, 4),
    st.integers(0, 6),
)  # fmt: skip


def at(payload: dict[str, Any], path: str) -> Any:
    for key in path.split("."):
        payload = payload.get(key) if isinstance(payload, dict) else None
    return payload


def text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def holds(condition: Any, payload: dict[str, Any]) -> bool:
    match condition:
        case AllOf(parts):
            return all(holds(part, payload) for part in parts)
        case AnyOf(parts):
            return any(holds(part, payload) for part in parts)
        case Not(inner):
            return not holds(inner, payload)
    value = at(payload, condition.field.path)
    match condition:
        case Lacks():
            return value is None
        case _ if value is None:
            return False
        case Equals(value=wanted):
            return text(value) == text(wanted)
        case Between(low=low, high=high):
            number = isinstance(value, int | float) and not isinstance(value, bool)
            return number and (low is None or value >= low) and (high is None or value <= high)
        case Matches(pattern=pattern):
            return isinstance(value, str) and _like(value.lower(), pattern.lower())
    held = {text(item) for item in value} if isinstance(value, list) else {text(value)}
    wanted = {text(item) for item in condition.values}
    return wanted <= held if isinstance(condition, ContainsAll) else bool(wanted & held)


def _like(value: str, pattern: str) -> bool:
    if not pattern:
        return not value
    if pattern[0] == "*":
        return any(_like(value[n:], pattern[1:]) for n in range(len(value) + 1))
    return value[:1] == pattern[0] and _like(value[1:], pattern[1:])


def score(metric: Metric, a: tuple[float, ...], b: tuple[float, ...]) -> float:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    if metric is Metric.L2:
        return 1 / (1 + math.dist(a, b))
    if metric is Metric.INNER_PRODUCT:
        return dot
    lengths = [math.hypot(*a) or 1.0, math.hypot(*b) or 1.0]
    return dot / lengths[0] / lengths[1]


def floats(vector: tuple[float, ...] | None) -> bytes | None:
    return None if vector is None else array("f", vector).tobytes()


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps, st.lists(questions, min_size=1, max_size=3), st.sampled_from(Metric))
async def test_answers_are_those_of_a_plain_reading(history, asked, metric):
    catalog = SqliteCatalog(None)
    await catalog.open()
    index = ExactIndex(catalog, memory_bytes=1 << 20)
    space = VectorSpace(dimension=DIMENSION, metric=metric)
    try:
        artifact_id = await an_artifact(catalog)
        model: dict[str, tuple[tuple[float, ...], dict[str, Any]]] = {}
        for kind, given_items, update in history:
            async with catalog.transaction() as tx:
                if kind == "put":
                    items = [an_item(key, *vector, **payload) for key, vector, payload in given_items]
                    await tx.put_vectors(artifact_id, items, update=update)
                    batch = {key: (vector, payload) for key, vector, payload in given_items}
                    model |= {key: item for key, item in batch.items() if update or key not in model}
                else:
                    await tx.remove_vectors(artifact_id, given_items)
                    model = {key: item for key, item in model.items() if key not in given_items}
            for vector, where, order_by, descending, offset, limit in asked:
                query = VectorQuery(
                    vector=floats(vector), where=where, order_by=order_by, descending=descending, offset=offset,
                    limit=limit,
                )  # fmt: skip
                hits = await index.search(artifact_id, space, query)
                matching = {key: item for key, item in model.items() if holds(where, item[1])}
                assert hits.total == len(matching)
                assert len(hits.hits) == max(0, min(limit, len(matching) - offset))
                assert {hit.id for hit in hits.hits} <= set(matching)
                if vector is not None:
                    scores = {key: score(metric, vector, item[0]) for key, item in matching.items()}
                    assert [hit.score for hit in hits.hits] == pytest.approx(
                        [scores[hit.id] for hit in hits.hits], abs=2e-3
                    )
                    if order_by is None:
                        best = sorted(scores.values(), reverse=True)[offset : offset + limit]
                        assert [hit.score for hit in hits.hits] == pytest.approx(best, abs=2e-3)
                if order_by is not None:
                    kept = [at(matching[hit.id][1], order_by) is None for hit in hits.hits]
                    assert kept == sorted(kept)
    finally:
        await index.close()
        await catalog.close()


@pytest.fixture
async def catalog():
    catalog = SqliteCatalog(None)
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
