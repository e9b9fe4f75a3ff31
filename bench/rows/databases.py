"""The rows that depend on the database, on PostgreSQL; and the largest collection, on both databases."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from armarium.testing.postgres import RunningPostgres
from bench.harness import Bench
from bench.measure import Budget, Measure
from bench.rows.create import create
from bench.rows.listing import listing, pages
from bench.rows.manifest import manifest
from bench.rows.rpc_read import rpc_busy, rpc_read
from bench.sizes import Sizes

BUDGET = Budget("p95_ms", 50.0)


def postgres(bench: Bench) -> Iterator[Measure]:
    with _on_postgres(bench, bench.sizes) as other:
        for row in (rpc_read, rpc_busy, manifest, create, listing):
            for seen in row(other):
                yield msgspec.structs.replace(seen, row="postgres")


def million(bench: Bench) -> Iterator[Measure]:
    """Pages of a very large collection; not for a quick run, since it takes many minutes to make one."""
    if not bench.sizes.million:
        return
    sizes = msgspec.structs.replace(bench.sizes, children=bench.sizes.million)
    with Bench(bench.folder / "million", sizes, floors=bench.floors) as other:
        yield from _named("SQLite", other)
    with _on_postgres(bench, sizes) as other:
        yield from _named("PostgreSQL", other)


def _named(database: str, bench: Bench) -> Iterator[Measure]:
    for seen in pages(bench, BUDGET):
        yield msgspec.structs.replace(seen, row="million", name=f"{database}: {seen.name}")


@contextmanager
def _on_postgres(bench: Bench, sizes: Sizes) -> Iterator[Bench]:
    """The same bench on a PostgreSQL with its default settings."""
    with (
        RunningPostgres(durable=True) as server,
        Bench(bench.folder / "on-postgres", sizes, database=server.url(), floors=bench.floors) as other,
    ):
        yield other
