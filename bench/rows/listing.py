"""Pages of a large collection: filtered and ordered by a manifest field, deep pages, words."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec

from armarium.assembly import assemble, running
from armarium.core.lookup import find
from armarium.domain.query import Field, Order, Query
from armarium.ports.catalog import Catalog
from bench.clients import listing as list_children
from bench.crew import crew
from bench.harness import Bench
from bench.http_clients import get, get_request
from bench.loader import LABELS, load_children
from bench.measure import Budget, Measure, Timings, measure
from bench.sizes import Sizes

BUDGET = Budget("p95_ms", 10.0)
PAGE = 100
DEEP = 10_000
"""How many pages lie before the end of the children, for the pages by cursor."""


def listing(bench: Bench) -> Iterator[Measure]:
    yield from pages(bench, BUDGET)


def pages(bench: Bench, most: Budget) -> Iterator[Measure]:
    """most: what a page may cost that need not look at everything."""
    floor = bench.floors("page")
    with bench.stopped():
        asyncio.run(load_children(bench.settings, bench.token, bench.collection, bench.sizes.children))
        yield from asyncio.run(_by_cursor(bench, most))
    children = f"{PAGE} of {bench.sizes.children:,}"
    deep = bench.sizes.children // len(LABELS) - PAGE
    filtered = [{"filters": {"manifest": {"label": label}}, "order_by": "manifest.score"} for label in LABELS]
    budgeted = {
        "filtered + ordered, page 1": filtered,
        "ordered, page 1": [{"order_by": "manifest.score>"}],
        "by a rare word": [{"keywords": [f"Recording {n} of"]} for n in range(0, bench.sizes.children, 97)],
    }
    # An offset costs what it skips, whatever is done; who goes deep uses cursors. A client decodes what it gets.
    others = {
        f"filtered + ordered, offset {deep:,}": [{**question, "offset": deep} for question in filtered],
        f"ordered, offset {deep * 10:,}": [{"order_by": "manifest.score>", "offset": deep * 10}],
        "facets of everything": [{"pagination": "true", "facets": "label,year"}],
        "by a frequent word, ordered": [
            {"keywords": [f"station {n}"], "order_by": "manifest.score"} for n in range(50, 60)
        ],
    }
    for name, asked in {**budgeted, **others}.items():
        budget = most if name in budgeted else None
        yield _over_http(bench, f"HTTP list {children}, {name}", asked, budget).against(floor)
    seen = crew(
        list_children, parent=bench.collection, questions=[{**question, "limit": PAGE} for question in filtered],
        **bench.access, **bench.sizes.pace(1),
    )  # fmt: skip
    yield measure("list", f"RPC list {children}, filtered + ordered, page 1", "p95_ms", seen)


async def _by_cursor(bench: Bench, most: Budget) -> list[Measure]:
    """Pages that go on from a row, at the beginning and far behind it; in this process, without a door."""
    size = max(1, bench.sizes.children // DEEP)
    place = bench.sizes.children // size - 1
    score = Order(Field("manifest", "score"))
    measures = []
    parts = assemble(bench.settings, "http://127.0.0.1")
    async with running(parts) as core:
        principal = await parts.identify(bench.token)
        parent = await find(core.catalog, principal, bench.collection)
        asked = Query(workspace=parent.artifact.workspace, parent_id=parent.artifact.id, order=score, limit=size)
        for page in (1, place):
            skipped = msgspec.structs.replace(asked, limit=1, offset=(page - 1) * size - 1)
            first = asked
            if page > 1:
                before = await core.catalog.list_artifacts(skipped)
                first = msgspec.structs.replace(asked, after=before.next)
            seen = await _repeat(core.catalog, first, bench.sizes)
            name = f"{size} of {bench.sizes.children:,} in process, ordered, by cursor, page {page:,}"
            measures.append(measure("list", name, "p95_ms", [seen], budget=most))
    return measures


async def _repeat(catalog: Catalog, query: Query, sizes: Sizes) -> Timings:
    clock = time.perf_counter
    latencies: list[float] = []
    started = clock()
    while clock() < started + sizes.seconds / 2:
        began = clock()
        await catalog.list_artifacts(query)
        latencies.append(clock() - began)
    return Timings(started, clock(), latencies)


def _over_http(bench: Bench, name: str, questions: list[dict[str, Any]], budget: Budget | None) -> Measure:
    requests = [
        get_request(f"{bench.url_of(bench.collection, '/children')}?{_query(asked)}", bench.token)
        for asked in questions
    ]
    pace = msgspec.structs.replace(bench.sizes, seconds=bench.sizes.seconds / 2).pace(1)
    with bench.watched() as memory:
        seen = crew(get, fast_loop=True, url=bench.server.url, requests=requests, **pace)
    return measure("list", name, "p95_ms", seen, budget=budget, **memory.as_fields())


def _query(asked: dict[str, Any]) -> str:
    values = {**asked, "limit": PAGE}
    if "filters" in values:
        values["filters"] = json.dumps(values["filters"])
    if "keywords" in values:
        values["keywords"] = ",".join(values["keywords"])
    return "&".join(f"{name}={quote(str(value), safe='')}" for name, value in values.items())
