"""Graphs over the points of collections: built and extended in the background, by one process at a time."""

import logging
from typing import Any

import asyncpg

from armarium.adapters.catalog.postgres_connection import CONNECT_SECONDS
from armarium.adapters.vector_index import leftovers
from armarium.adapters.vector_index.leftovers import table_of
from armarium.domain.vector import Metric, VectorSpace

_log = logging.getLogger(__name__)

GRAPH_FROM = 5000
"""Fewer points than that are compared one by one."""
_LINKED_AT_ONCE = 500
_BYTES_BESIDE_NUMBERS = 1000
_MOST_MEMORY = 4 << 30

_OPERATORS = {Metric.COSINE: "<#>", Metric.INNER_PRODUCT: "<#>", Metric.L2: "<->"}
_CLASSES = {Metric.COSINE: "halfvec_ip_ops", Metric.INNER_PRODUCT: "vector_ip_ops", Metric.L2: "vector_l2_ops"}


def max_dimension(metric: Metric) -> int:
    """The most numbers pgvector can link."""
    return 4000 if metric is Metric.COSINE else 2000


def distance_sql(space: VectorSpace, vector: str) -> str:
    """How far a point is from a vector."""
    return f"(embedding {_OPERATORS[space.metric]} {vector}::vector)"


def graph_order_sql(space: VectorSpace, vector: str) -> str:
    """The same by the numbers that are in the graph.

    For angles these are half as long, with no loss that counts since none is above 1; else they might not fit.
    """
    if space.metric is not Metric.COSINE:
        return distance_sql(space, vector)
    half = f"halfvec({space.dimension:d})"
    return f"(embedding::{half} <#> {vector}::vector::{half})"


async def tend(url: str, number: int, *, graph_from: int) -> None:
    """Build the graph of some points where it pays, link those that are not in it yet.

    Does nothing where another process is at it.
    """
    connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS, server_settings={"jit": "off"})
    try:
        if await leftovers.take_turn(connection, number):
            await _tend(connection, number, graph_from)
    finally:
        await connection.close()


async def _tend(connection: Any, number: int, graph_from: int) -> None:
    row = await connection.fetchrow("SELECT * FROM vector_points WHERE number = $1", number)
    if row is None or row["artifact_id"] is None:
        return
    if not row["has_graph"]:
        count = await connection.fetchval(f"SELECT count(*) FROM {table_of(number)}")  # noqa: S608
        if count < graph_from:
            return
        await _build(connection, number, VectorSpace(dimension=row["dimension"], metric=Metric(row["metric"])), count)
    await _link(connection, table_of(number))


async def _build(connection: Any, number: int, space: VectorSpace, count: int) -> None:
    table, numbers = table_of(number), "embedding"
    if space.metric is Metric.COSINE:
        numbers = f"(embedding::halfvec({space.dimension:d}))"
    memory = min(_MOST_MEMORY, (64 << 20) + count * (4 * space.dimension + _BYTES_BESIDE_NUMBERS))
    await connection.execute(f"SET maintenance_work_mem = '{memory >> 10}kB'")
    build = (
        f"CREATE INDEX CONCURRENTLY {table}_graph ON {table} USING hnsw ({numbers} {_CLASSES[space.metric]})"
        " WHERE is_linked"
    )
    await connection.execute(f"DROP INDEX IF EXISTS {table}_graph")  # of somebody who did not get to the end
    try:
        await connection.execute(build)
    except asyncpg.InsufficientResourcesError:  # shared memory is often scarce in containers: alone, none is needed
        _log.warning("A graph of vectors is built by one process, since the database lacks shared memory for more.")
        await connection.execute(f"DROP INDEX IF EXISTS {table}_graph")
        await connection.execute("SET max_parallel_maintenance_workers = 0")
        await connection.execute(build)
    await connection.execute("UPDATE vector_points SET has_graph = true WHERE number = $1", number)


async def _link(connection: Any, table: str) -> None:
    while True:
        status = await connection.execute(
            f"UPDATE {table} SET is_linked = true WHERE place IN"  # noqa: S608
            f" (SELECT place FROM {table} WHERE NOT is_linked LIMIT {_LINKED_AT_ONCE:d} FOR UPDATE SKIP LOCKED)"
        )
        if int(status.rpartition(" ")[2]) < _LINKED_AT_ONCE:
            return
