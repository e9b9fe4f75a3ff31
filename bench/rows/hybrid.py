"""Hybrid search over the artifacts of a large collection: texts embedded and indexed, then ranked answers."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec

from armarium.assembly import assemble, running
from armarium.settings import Settings
from bench.crew import crew
from bench.harness import Bench, unique
from bench.http_clients import get, get_request
from bench.loader import LABELS, load_children
from bench.measure import Budget, Measure, measure

PAGE = 10
BUDGET = Budget("p95_ms", 10.0)
SETTING = {"embedding_model": "hashing:", "dimension": 384}
QUESTIONS = [f"recording {n * 131} of the series seen at station {n % 97}" for n in range(50)]


def hybrid(bench: Bench) -> Iterator[Measure]:
    """The texts are embedded by `hashing:`, so that no model is measured."""
    collection = bench.call(_make_collection)
    count = bench.sizes.children
    with bench.stopped():
        asyncio.run(load_children(bench.settings, bench.token, collection, count, prefix=unique("hybrid")))
        seconds = asyncio.run(_follow(bench.settings))
    yield Measure(
        row="hybrid",
        name=f"{count:,} artifacts embedded by hashing: and indexed",
        key="per_second",
        count=count,
        seconds=seconds,
        per_second=count / seconds,
    )
    asked: dict[str, list[dict[str, Any]]] = {
        "of all": [{}],
        "of 10 %": [{"filters": {"manifest": {"label": label}}} for label in LABELS],
        "of 3 %": [{"filters": {"manifest": {"year": year}}} for year in range(1990, 2025)],
        "of all, with a keyword": [{"keywords": f"station {n}"} for n in range(50, 60)],
    }
    url = bench.url_of(collection, "/children")
    _warm(bench, url)
    for name, more in asked.items():
        questions = [{"query": text, **more[n % len(more)]} for n, text in enumerate(QUESTIONS)]
        requests = [get_request(f"{url}?{_query(question)}", bench.token) for question in questions]
        with bench.watched() as usage:
            seen = crew(get, fast_loop=True, url=bench.server.url, requests=requests, **bench.sizes.pace(1))
        label = f"HTTP {PAGE} of {count:,} by words and meaning, {name}"
        yield measure("hybrid", label, "p95_ms", seen, budget=BUDGET, **usage.as_fields())


async def _make_collection(manager: Any) -> str:
    made = await manager.create(
        alias=unique("hybrid"), type="collection", manifest={"name": "Hybrid"}, config={"semantic_search": SETTING}
    )
    return str(made.id)


async def _follow(settings: Settings) -> float:
    """Let a worker do all there is to do; returns how many seconds it took."""
    parts = assemble(settings, "http://127.0.0.1")
    async with running(parts):
        began = time.perf_counter()
        await parts.index_feed.run()
        while await parts.runner.run_one():
            await parts.index_feed.run()
        return time.perf_counter() - began


def _warm(bench: Bench, url: str) -> None:
    """Have the index loaded, as it is by the first question."""
    request = get_request(f"{url}?{_query({'query': QUESTIONS[0]})}", bench.token)
    pace = msgspec.structs.replace(bench.sizes, seconds=0.1).pace(1)
    crew(get, fast_loop=True, url=bench.server.url, requests=[request], **pace)


def _query(asked: dict[str, Any]) -> str:
    values = {**asked, "limit": PAGE}
    if "filters" in values:
        values["filters"] = json.dumps(values["filters"])
    return "&".join(f"{name}={quote(str(value), safe='')}" for name, value in values.items())
