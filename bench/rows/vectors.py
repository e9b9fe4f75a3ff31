"""Vector collections: adding, the nearest of all and of those a filter leaves, and the share of the truly nearest."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.clients import search_vectors
from bench.crew import crew
from bench.harness import Bench, unique
from bench.measure import Budget, Measure, Timings, measure

DIMENSION = 384
NEAREST = 10
BATCH = 1000
QUERIES = 100
FILTERS: dict[str, dict[str, Any]] = {
    "of all": {},
    "of a seventh": {"kind": "k3"},
    "of a third, by range": {"year": [1950, 1990]},
}

Floats = NDArray[np.float32]


def vectors(bench: Bench) -> Iterator[Measure]:
    for count in (bench.sizes.vectors // 10, bench.sizes.vectors):
        yield from _of_size(bench, count)


def _of_size(bench: Bench, count: int) -> Iterator[Measure]:
    stored = np.random.default_rng(count).normal(size=(count + QUERIES, DIMENSION)).astype(np.float32)
    stored, asked = stored[:count], stored[count:]
    what = f"{count:,} x {DIMENSION}"

    async def fill(manager: Any) -> tuple[str, Timings]:
        return await _fill(manager, stored)

    with bench.watched() as memory:
        name, added = bench.call(fill)
    inserts = Budget("per_second", 5_000, at_most=False)
    yield _rate(f"RPC add vectors, {what}", added, count, inserts, **memory.as_fields())

    async def compare(manager: Any) -> float:
        return await _recall(manager, name, stored, asked)

    with bench.watched() as memory:
        recall = bench.call(compare)
    queries = [query.tobytes() for query in asked]
    for label, filters in FILTERS.items():
        seen = crew(
            search_vectors, collection=name, queries=queries, filters=filters, **bench.access, **bench.sizes.pace(1)
        )
        yield measure(
            "vectors", f"RPC {NEAREST} nearest {label}, {what}", "p95_ms", seen, budget=Budget("p95_ms", 10.0),
            note=f"recall@{NEAREST} {recall:.3f}", **memory.as_fields(),
        )  # fmt: skip


async def _fill(manager: Any, stored: Floats) -> tuple[str, Timings]:
    """Add all vectors, a thousand in a call."""
    config = {"dimension": DIMENSION, "distance_metric": "cosine"}
    made = await manager.create(
        alias=unique("vectors"), type="vector-collection", manifest={"name": "Bench"}, config=config
    )
    began, latencies = time.perf_counter(), []
    for first in range(0, len(stored), BATCH):
        batch = [
            {"id": f"v{n}", "vector": stored[n].tobytes(), "manifest": {"year": 1900 + n % 120, "kind": f"k{n % 7}"}}
            for n in range(first, min(first + BATCH, len(stored)))
        ]
        called = time.perf_counter()
        await manager.add_vectors(made.id, batch)
        latencies.append(time.perf_counter() - called)
    return made.id, Timings(began, time.perf_counter(), latencies)


async def _recall(manager: Any, name: str, stored: Floats, asked: Floats) -> float:
    """The share of the truly nearest that is found; the first search loads the collection."""
    lengths = np.linalg.norm(stored, axis=1)
    found = 0
    for query in asked:
        truly = np.argsort(-(stored @ query) / lengths)[:NEAREST]
        hits = await manager.search_vectors(name, {"vector": query.tobytes()}, limit=NEAREST)
        found += len({f"v{n}" for n in truly} & {hit["id"] for hit in hits})
    return found / (len(asked) * NEAREST)


def _rate(name: str, seen: Timings, count: int, budget: Budget, **more: Any) -> Measure:
    line = measure("vectors", name, "per_second", [seen], **more)
    return Measure(
        row=line.row, name=line.name, key=line.key, count=count, p50_ms=line.p50_ms, p95_ms=line.p95_ms,
        p99_ms=line.p99_ms, per_second=count / seen.seconds, budget=budget, note=f"{BATCH} in a call", **more,
    ).judged()  # fmt: skip
