"""Pages of a large collection: filtered and ordered by a manifest field, deep pages, words."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec

from bench.clients import listing as list_children
from bench.crew import crew
from bench.harness import Bench
from bench.http_clients import get, get_request
from bench.loader import LABELS, load_children
from bench.measure import Budget, Measure, measure

BUDGET = Budget("p95_ms", 10.0)
PAGE = 100


def listing(bench: Bench) -> Iterator[Measure]:
    yield from pages(bench, BUDGET)


def pages(bench: Bench, most: Budget) -> Iterator[Measure]:
    """most: what a page may cost that need not look at everything."""
    floor = bench.floors("page")
    with bench.stopped():
        asyncio.run(load_children(bench.settings, bench.token, bench.collection, bench.sizes.children))
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
