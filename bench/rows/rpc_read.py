"""RPC `read` through hypha-rpc: one at a time, and 32 in flight."""

from collections.abc import Iterator
from typing import Any

from bench.clients import echo, read
from bench.crew import crew
from bench.harness import Bench, unique
from bench.measure import Budget, Measure, measure

ARTIFACTS = 50


def rpc_read(bench: Bench) -> Iterator[Measure]:
    artifacts, floor = _artifacts(bench), bench.floors("websocket")
    with bench.watched() as usage:
        seen = crew(read, artifacts=artifacts, **bench.access, **bench.sizes.pace(1))
    budget = Budget("p50_ms", 0.6)
    yield measure("rpc-read", "RPC read, one at a time", "p50_ms", seen, budget=budget, **usage.as_fields()).against(
        floor
    )
    seen = crew(echo, **bench.access, **bench.sizes.pace(1))
    yield measure("rpc-read", "RPC echo, one at a time", "p50_ms", seen, note="protocol only").against(floor)


def rpc_busy(bench: Bench) -> Iterator[Measure]:
    artifacts, floor = _artifacts(bench), bench.floors("websocket_busy")
    with bench.watched() as usage:
        seen = crew(read, processes=4, artifacts=artifacts, **bench.access, **bench.sizes.pace(8))
    budget = Budget("per_second", 4000, at_most=False)
    yield measure(
        "rpc-busy", "RPC read, 4 clients x 8", "per_second", seen, budget=budget, **usage.as_fields()
    ).against(floor)
    seen = crew(read, artifacts=artifacts, **bench.access, **bench.sizes.pace(32))
    yield measure("rpc-busy", "RPC read, 1 client x 32", "per_second", seen, note="the client is the limit")
    seen = crew(echo, processes=4, **bench.access, **bench.sizes.pace(8))
    yield measure("rpc-busy", "RPC echo, 4 clients x 8", "per_second", seen, note="protocol only").against(floor)


def _artifacts(bench: Bench) -> list[str]:
    prefix = unique("read")

    async def make(manager: Any) -> list[str]:
        manifest = {
            "name": "Tide gauge",
            "description": "Water levels at an imaginary harbour",
            "tags": ["sea", "time"],
        }
        return [
            (await manager.create(parent_id=bench.collection, alias=f"{prefix}-{n}", manifest=manifest)).id
            for n in range(ARTIFACTS)
        ]

    return bench.call(make)
