"""The manifest of an artifact over plain HTTP."""

from collections.abc import Iterator
from typing import Any

from bench.crew import crew
from bench.harness import Bench, unique
from bench.http_clients import get, get_request
from bench.measure import Budget, Measure, measure


def manifest(bench: Bench) -> Iterator[Measure]:
    alias = unique("manifest")

    async def make(manager: Any) -> str:
        described = {"name": "Tide gauge", "description": "Water levels at an imaginary harbour", "tags": ["sea"]}
        return str((await manager.create(parent_id=bench.collection, alias=alias, manifest=described)).id)

    url = bench.url_of(bench.call(make))
    bench.floors("http")
    bench.floors("row")
    floor = bench.floors("asgi")
    budget = Budget("per_second", 10_000, at_most=False)
    for name, token in (("HTTP manifest GET, with a token", bench.token), ("HTTP manifest GET, anonymous", None)):
        with bench.watched() as usage:
            seen = crew(
                get, processes=2, fast_loop=True, url=bench.server.url, requests=[get_request(url, token)],
                **bench.sizes.pace(32),
            )  # fmt: skip
        yield measure("manifest", name, "per_second", seen, budget=budget, **usage.as_fields()).against(floor)
