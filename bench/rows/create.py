"""Creating small artifacts, in one call and as a draft that a second call commits."""

from collections.abc import Iterator

from bench.clients import create as create_artifacts
from bench.crew import crew
from bench.harness import Bench, unique
from bench.measure import Budget, Measure, measure

BUDGET = Budget("per_second", 1000, at_most=False)


def create(bench: Bench) -> Iterator[Measure]:
    floor = bench.floors("commit")
    for name, stage in (("create, 4 clients x 16", False), ("create(stage) + commit, 4 clients x 16", True)):
        with bench.watched() as usage:
            seen = crew(
                create_artifacts, processes=4, parent=bench.collection, prefix=unique("new"), stage=stage,
                **bench.access, **bench.sizes.pace(16),
            )  # fmt: skip
        yield measure("create", name, "per_second", seen, budget=BUDGET, **usage.as_fields()).against(floor)
    seen = crew(
        create_artifacts, parent=bench.collection, prefix=unique("new"), stage=False,
        **bench.access, **bench.sizes.pace(1),
    )  # fmt: skip
    yield measure("create", "create, one at a time", "p50_ms", seen)
