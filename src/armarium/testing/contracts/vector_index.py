"""Answers of any vector index, held against a plain reading of the same questions."""

import math
import re
from array import array
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from armarium.domain.identifiers import ArtifactId
from armarium.domain.query import (
    EVERYTHING,
    AllOf,
    AnyOf,
    Between,
    Condition,
    ContainsAll,
    ContainsAny,
    Equals,
    Field,
    Lacks,
    Matches,
    MatchesRegex,
    Not,
)
from armarium.domain.vector import Hits, Metric, VectorQuery, VectorSpace
from armarium.ports.catalog import Catalog
from armarium.ports.vectors import VectorIndex
from armarium.testing.contracts.catalog_fixtures import an_artifact, clock
from armarium.testing.contracts.vectors import an_item

DIMENSION = 3
_ALL = 10**6
MARKS = 1500
"""More removed vectors than a catalog remembers."""
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
    | st.builds(MatchesRegex, fields, st.sampled_from(["^a", "b$", "^.$", "[0-9]", "a|1", "", "rue"]))
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


def at(payload: Any, path: str) -> Any:
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
    return _is_so(condition, at(payload, condition.field.path))


def _is_so(condition: Any, value: Any) -> bool:
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
        case MatchesRegex(pattern=pattern):
            return not isinstance(value, list) and re.search(pattern, text(value)) is not None
    held = {text(item) for item in value} if isinstance(value, list) else {text(value)}
    every = {text(item) for item in condition.values}
    return every <= held if isinstance(condition, ContainsAll) else bool(every & held)


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


class Reading:
    """What a collection holds, by id: numbers and payload."""

    def __init__(self) -> None:
        self.items: dict[str, tuple[tuple[float, ...], dict[str, Any]]] = {}

    def put(self, given: list[Any], *, update: bool) -> None:
        batch = {key: (vector, payload) for key, vector, payload in given}
        self.items |= {key: item for key, item in batch.items() if update or key not in self.items}

    def remove(self, ids: list[str]) -> None:
        self.items = {key: item for key, item in self.items.items() if key not in ids}

    def check(self, query: VectorQuery, metric: Metric, hits: Hits, arrival: list[str]) -> None:
        """arrival: ids in that order."""
        matching = {key: item for key, item in self.items.items() if holds(query.where, item[1])}
        found = [hit.id for hit in hits.hits]
        assert hits.total == len(matching)
        assert len(found) == max(0, min(query.limit, len(matching) - query.offset))
        assert set(found) <= set(matching)
        if query.vector is not None:
            self._check_scores(query, metric, hits, matching)
        if query.order_by is not None:
            lacking = [at(matching[key][1], query.order_by) is None for key in found]
            assert lacking == sorted(lacking)
        elif query.vector is None:
            assert found == [key for key in arrival if key in matching][query.offset : query.offset + query.limit]

    def _check_scores(self, query: VectorQuery, metric: Metric, hits: Hits, matching: dict[str, Any]) -> None:
        wanted = tuple(array("f", query.vector or b""))
        scores = {key: score(metric, wanted, item[0]) for key, item in matching.items()}
        told = [hit.score for hit in hits.hits]
        assert told == pytest.approx([scores[hit.id] for hit in hits.hits], abs=2e-3)
        if query.order_by is None:
            best = sorted(scores.values(), reverse=True)[query.offset : query.offset + query.limit]
            assert told == pytest.approx(best, abs=2e-3)


_DRAWN = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,  # each example has a collection of its own
        HealthCheck.differing_executors,  # the suite is there to be subclassed
        HealthCheck.too_slow,
    ],
)


class VectorIndexContract:
    """Needs fixtures `catalog` and `index`, an index of the vectors in it."""

    @_DRAWN
    @given(steps, st.lists(questions, min_size=1, max_size=3), st.sampled_from(Metric))
    async def test_answers_are_those_of_a_plain_reading(
        self, catalog: Catalog, index: VectorIndex, history: list[Any], asked: list[Any], metric: Metric
    ) -> None:
        artifact_id = await an_artifact(catalog, f"a{clock.new_id()}")
        reading = Reading()
        for kind, given_items, update in history:
            async with catalog.transaction() as tx:
                if kind == "put":
                    items = [an_item(key, *vector, **payload) for key, vector, payload in given_items]
                    await tx.put_vectors(artifact_id, items, update=update)
                    reading.put(given_items, update=update)
                else:
                    await tx.remove_vectors(artifact_id, given_items)
                    reading.remove(given_items)
            arrival = [item.id for item in await catalog.list_vectors(artifact_id, offset=0, limit=_ALL)]
            for question in asked:
                query = _query(*question)
                hits = await index.search(artifact_id, VectorSpace(dimension=DIMENSION, metric=metric), query)
                reading.check(query, metric, hits, arrival)

    async def test_what_is_committed_is_found_at_once(self, catalog: Catalog, index: VectorIndex) -> None:
        artifact_id = await an_artifact(catalog)
        assert await self._found(index, artifact_id) == []
        for number in range(3):
            async with catalog.transaction() as tx:
                await tx.put_vectors(artifact_id, [an_item(f"v{number}", 1, number)], update=False)
            assert await self._found(index, artifact_id) == [f"v{n}" for n in range(number + 1)]
        async with catalog.transaction() as tx:
            await tx.put_vectors(artifact_id, [an_item("v0", -1, 0)], update=True)
            await tx.remove_vectors(artifact_id, ["v1"])
        assert await self._found(index, artifact_id) == ["v2", "v0"]

    async def test_many_removed_ones_are_gone_and_may_come_back(self, catalog: Catalog, index: VectorIndex) -> None:
        artifact_id = await an_artifact(catalog)
        items = [an_item(f"v{n}", 1, n) for n in range(MARKS)]
        for _ in range(2):
            async with catalog.transaction() as tx:
                await tx.put_vectors(artifact_id, items, update=False)
            assert await self._found(index, artifact_id) == ["v0", "v1", "v2"]
            async with catalog.transaction() as tx:
                await tx.remove_vectors(artifact_id, [item.id for item in items[1:]])
            assert await self._found(index, artifact_id) == ["v0"]

    async def test_a_long_way_into_the_answer_nothing_is_missing(self, catalog: Catalog, index: VectorIndex) -> None:
        artifact_id = await an_artifact(catalog)
        async with catalog.transaction() as tx:
            items = [an_item(f"v{n}", 1, n, even=n % 2 == 0) for n in range(3000)]
            await tx.put_vectors(artifact_id, items, update=False)
        where = Equals(Field("payload", "even"), True)
        assert await self._found(index, artifact_id, where=where, offset=1200, limit=2) == ["v2400", "v2402"]

    async def _found(self, index: VectorIndex, artifact_id: ArtifactId, **more: Any) -> list[str]:
        """The three nearest to (1, 0), or as asked."""
        query = VectorQuery(**{"vector": floats((1.0, 0.0)), "where": EVERYTHING, "limit": 3, **more})
        hits = await index.search(artifact_id, VectorSpace(dimension=2), query)
        return [hit.id for hit in hits.hits]


def _query(
    vector: tuple[float, ...] | None, where: Condition, order_by: str | None, descending: bool, offset: int, limit: int
) -> VectorQuery:
    return VectorQuery(
        vector=floats(vector), where=where, order_by=order_by, descending=descending, offset=offset, limit=limit
    )
