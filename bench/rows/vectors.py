"""Vector collections: adding, getting ready, the nearest of all and of those a filter leaves, and whether they are."""

import asyncio
import itertools
import json
import time
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import asyncpg
import msgspec
import numpy as np

from armarium.adapters.vector_index.graphs import GRAPH_FROM
from armarium.adapters.vector_index.leftovers import table_of
from bench.clients import search_vectors
from bench.crew import crew
from bench.embeddings import DATASET, DIMENSION, Floats, embeddings, nearest
from bench.harness import Bench, unique
from bench.http_clients import get, post_request
from bench.measure import Budget, Measure, Timings, measure

NEAREST = 10
BATCH = 1000
QUERIES = 200
READY_SECONDS = 3600.0
SEARCH = Budget("p95_ms", 10.0)
INSERTS = Budget("per_second", 5_000, at_most=False)
RECALL = Budget("recall", 0.95, at_most=False)
FILTERS: Mapping[str, dict[str, Any]] = {
    "of all": {},
    "of 50 %": {"part": [0, 49]},
    "of 10 %": {"part": [0, 9]},
    "of 1 %": {"part": 7},
}
"""`part` is one of a hundred, by lot."""


class _Collection(NamedTuple):
    """parts: the `part` of each vector that is stored."""

    id: str
    uuid: str
    engine: str
    stored: Floats
    asked: Floats
    parts: Any

    @property
    def title(self) -> str:
        return f"{len(self.stored):,} x {DIMENSION}, {self.engine}"

    def rows(self, filters: Mapping[str, Any]) -> Any:
        """Those a filter leaves."""
        part = filters.get("part", [0, 99])
        low, high = part if isinstance(part, list) else (part, part)
        return np.flatnonzero((self.parts >= low) & (self.parts <= high))


def vectors(bench: Bench) -> Iterator[Measure]:
    """Exact search; in PostgreSQL, pgvector as well."""
    sizes = (bench.sizes.vectors // 10, bench.sizes.vectors)
    engines = ("exact", "pgvector") if bench.settings.database else ("exact",)
    for engine, count in itertools.product(engines, sizes):
        yield from _of_size(bench, count, engine)


def million_vectors(bench: Bench) -> Iterator[Measure]:
    """A very large collection; it takes many minutes to make one, and PostgreSQL to search it."""
    engine = "pgvector" if bench.settings.database else "exact"
    for seen in _of_size(bench, bench.sizes.million, engine):
        yield msgspec.structs.replace(seen, row="million-vectors")


def _of_size(bench: Bench, count: int, engine: str) -> Iterator[Measure]:
    made = embeddings(count + QUERIES)
    parts = np.random.default_rng(count).integers(100, size=count)
    with bench.watched() as usage:
        collection, added = bench.call(lambda manager: _filled(manager, made, parts, engine))
    yield _inserts(collection, added, usage.as_fields())
    with bench.watched() as usage:
        ready = _seconds_until_ready(bench, collection)
    name = f"{collection.title}: first search, and the graph where there is one"
    yield Measure(
        row="vectors",
        name=name,
        key="seconds",
        count=1,
        seconds=ready,
        note=_disk(bench, collection),
        **usage.as_fields(),
    )
    yield from _searches(bench, collection)


def _searches(bench: Bench, collection: _Collection) -> Iterator[Measure]:
    recalls = []
    for label, filters in FILTERS.items():
        questions = [_question(collection, query, filters) for query in collection.asked]
        found = [_answer(bench, question) for question in questions]
        recalls.append(_recall(collection, filters, found))
        requests = [post_request(_url(bench), bench.token, question) for question in questions]
        with bench.watched() as usage:
            seen = crew(get, requests=requests, url=bench.server.url, **bench.sizes.pace(1))
        name = f"{collection.title}: HTTP {NEAREST} nearest {label}"
        yield measure("vectors", name, "p95_ms", seen, budget=SEARCH, recall=recalls[-1], **usage.as_fields())
    queries = [query.tobytes() for query in collection.asked]
    seen = crew(
        search_vectors, collection=collection.id, queries=queries, filters=None, **bench.access, **bench.sizes.pace(1)
    )
    yield measure("vectors", f"{collection.title}: RPC {NEAREST} nearest of all", "p95_ms", seen)
    name = f"{collection.title}: least recall@{NEAREST} of these"
    yield Measure(
        row="vectors", name=name, key="recall", count=QUERIES, recall=min(recalls), budget=RECALL, note=DATASET
    ).judged()


async def _filled(manager: Any, made: Floats, parts: Any, engine: str) -> tuple[_Collection, Timings]:
    """Add all vectors but those to be asked for, a thousand in a call."""
    config = {"dimension": DIMENSION, "distance_metric": "cosine", "vector_engine": engine}
    created = await manager.create(
        alias=unique("vectors"), type="vector-collection", manifest={"name": "Bench"}, config=config
    )
    stored, asked = made[:-QUERIES], made[-QUERIES:]
    began, latencies = time.perf_counter(), []
    for first in range(0, len(stored), BATCH):
        batch = [
            {"id": f"v{n}", "vector": stored[n].tobytes(), "manifest": {"part": int(parts[n])}}
            for n in range(first, min(first + BATCH, len(stored)))
        ]
        called = time.perf_counter()
        await manager.add_vectors(created.id, batch)
        latencies.append(time.perf_counter() - called)
    timings = Timings(began, time.perf_counter(), latencies)
    return _Collection(created.id, created["_id"], engine, stored, asked, parts), timings


def _inserts(collection: _Collection, seen: Timings, used: dict[str, float]) -> Measure:
    name, count = f"{collection.title}: RPC add vectors", len(collection.stored)
    line = measure("vectors", name, "per_second", [seen], note=f"{BATCH} in a call", budget=INSERTS, **used)
    return msgspec.structs.replace(line, count=count, per_second=count / seen.seconds).judged()


def _seconds_until_ready(bench: Bench, collection: _Collection) -> float:
    began = time.monotonic()
    _answer(bench, _question(collection, collection.asked[0], {}))
    while collection.engine == "pgvector" and not asyncio.run(_is_linked(bench, collection)):
        if time.monotonic() - began > READY_SECONDS:
            raise TimeoutError("The graph of a vector collection is not ready after an hour.")
        time.sleep(0.2)
    return time.monotonic() - began


async def _is_linked(bench: Bench, collection: _Collection) -> bool:
    """Whether every vector is in the graph, or there are too few for one."""
    connection = await asyncpg.connect(bench.settings.database)
    try:
        points = await connection.fetchrow("SELECT * FROM vector_points WHERE artifact_id = $1", collection.uuid)
        if len(collection.stored) < GRAPH_FROM or not points["has_graph"]:
            return len(collection.stored) < GRAPH_FROM
        loose = f"SELECT EXISTS (SELECT FROM {table_of(points['number'])} WHERE NOT is_linked)"
        return not await connection.fetchval(loose)
    finally:
        await connection.close()


def _disk(bench: Bench, collection: _Collection) -> str:
    """What the index takes in the database, beside the vectors themselves."""
    if collection.engine != "pgvector":
        return ""

    async def size() -> int:
        connection = await asyncpg.connect(bench.settings.database)
        try:
            number = "SELECT number FROM vector_points WHERE artifact_id = $1"
            table = table_of(await connection.fetchval(number, collection.uuid))
            return int(await connection.fetchval("SELECT pg_total_relation_size($1::regclass)", table))
        finally:
            await connection.close()

    return f"{asyncio.run(size()) / 1e6:,.0f} MB in the database"


def _url(bench: Bench) -> str:
    return f"{bench.server.url}/public/services/artifact-manager/search_vectors"


def _question(collection: _Collection, query: Floats, filters: Mapping[str, Any]) -> bytes:
    asked = {"artifact_id": collection.id, "query": {"vector": query.tolist()}, "limit": NEAREST, "filters": filters}
    return json.dumps(asked).encode()


def _answer(bench: Bench, question: bytes) -> list[str]:
    """The ids that are found; the first answer may take its time."""
    headers = {"Authorization": f"Bearer {bench.token}", "Content-Type": "application/json"}
    request = urllib.request.Request(_url(bench), question, headers)
    with urllib.request.urlopen(request, timeout=READY_SECONDS) as response:
        return [hit["id"] for hit in json.load(response)]


def _recall(collection: _Collection, filters: Mapping[str, Any], answers: list[list[str]]) -> float:
    """The share of the truly nearest that is found."""
    rows = collection.rows(filters)
    truly = nearest(collection.stored[rows], collection.asked, min(NEAREST, len(rows)))
    found = sum(
        len({f"v{rows[place]}" for place in places} & set(answer))
        for places, answer in zip(truly, answers, strict=True)
    )
    return found / sum(map(len, truly))
