"""The largest collection."""

from collections.abc import Iterator

import msgspec

from bench.harness import Bench
from bench.measure import Budget, Measure
from bench.rows.listing import pages

BUDGET = Budget("p95_ms", 50.0)


def million(bench: Bench) -> Iterator[Measure]:
    """Pages of a very large collection; it takes many minutes to make one."""
    sizes = msgspec.structs.replace(bench.sizes, children=bench.sizes.million)
    with bench.another("million", sizes) as other:
        for seen in pages(other, BUDGET):
            yield msgspec.structs.replace(seen, row="million")
