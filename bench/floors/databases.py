"""One row, one page, one durable insert: the databases without us, through the drivers we use."""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from bench.floors.ground import Ground, floor
from bench.measure import Measure, Timings

ROWS = 10_000
READS = 5_000
MANIFEST = "x" * 700

TABLE = "CREATE TABLE {name} (workspace TEXT, alias TEXT, manifest TEXT, PRIMARY KEY (workspace, alias))"


def sqlite_row(ground: Ground) -> Measure:
    query = "SELECT * FROM artifact WHERE workspace = ? AND alias = ?"
    return floor("sqlite_row", "p50_ms", [_sqlite_reads(ground.folder, query)], "a row by alias, sqlite3")


def sqlite_page(ground: Ground) -> Measure:
    query = "SELECT * FROM artifact WHERE workspace = ? AND alias > ? ORDER BY alias LIMIT 100"
    return floor("sqlite_page", "p95_ms", [_sqlite_reads(ground.folder, query)], "100 rows along an index, sqlite3")


def sqlite_commit(ground: Ground) -> Measure:
    with _sqlite(ground.folder) as database:
        seen = _timed(
            lambda n: database.execute("INSERT INTO artifact VALUES (?, ?, ?)", _row(n)), ground.sizes.seconds
        )
    return floor("sqlite_commit", "per_second", [seen], "one durable INSERT after the other, sqlite3")


def postgres_row(ground: Ground) -> Measure:
    query = "SELECT * FROM floor WHERE workspace = $1 AND alias = $2"
    return floor("postgres_row", "p50_ms", [_postgres_reads(ground, query)], "a row by alias, asyncpg")


def postgres_page(ground: Ground) -> Measure:
    query = "SELECT * FROM floor WHERE workspace = $1 AND alias > $2 ORDER BY alias LIMIT 100"
    return floor("postgres_page", "p95_ms", [_postgres_reads(ground, query)], "100 rows along an index, asyncpg")


def postgres_commit(ground: Ground) -> Measure:
    async def insert(database: Any) -> Timings:
        statement = await database.prepare("INSERT INTO floor VALUES ($1, $2, $3)")
        return await _awaited(lambda n: statement.fetch(*_row(n)), range(1_000_000), ground.sizes.seconds)

    seen = asyncio.run(_on_postgres(ground, insert))
    return floor("postgres_commit", "per_second", [seen], "one durable INSERT after the other, asyncpg")


def _row(number: int) -> tuple[str, str, str]:
    return "ws", _alias(number), MANIFEST


def _alias(number: int) -> str:
    return f"artifact-{number}"


def _sqlite_reads(folder: Path, query: str) -> Timings:
    with _sqlite(folder) as database:
        database.execute("BEGIN")
        database.executemany("INSERT INTO artifact VALUES (?, ?, ?)", map(_row, range(ROWS)))
        database.execute("COMMIT")
        return _timed(lambda n: database.execute(query, ("ws", _alias(n))).fetchall(), numbers=range(READS))


@contextmanager
def _sqlite(folder: Path) -> Iterator[sqlite3.Connection]:
    """A table like ours in a database that commits every statement, durably."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        database = sqlite3.connect(Path(place) / "floor.sqlite", isolation_level=None)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute(TABLE.format(name="artifact"))
        yield database
        database.close()


def _timed(
    operation: Callable[[int], object], seconds: float = 60.0, numbers: Iterable[int] = range(1_000_000)
) -> Timings:
    latencies: list[float] = []
    started = time.perf_counter()
    for number in numbers:
        began = time.perf_counter()
        operation(number)
        ended = time.perf_counter()
        latencies.append(ended - began)
        if ended - started > seconds:
            break
    return Timings(started, time.perf_counter(), latencies)


def _postgres_reads(ground: Ground, query: str) -> Timings:
    async def read(database: Any) -> Timings:
        await database.copy_records_to_table("floor", records=map(_row, range(ROWS)))
        statement = await database.prepare(query)
        return await _awaited(lambda n: statement.fetch("ws", _alias(n)), range(READS), 60.0)

    return asyncio.run(_on_postgres(ground, read))


async def _on_postgres(ground: Ground, work: Callable[[Any], Awaitable[Timings]]) -> Timings:
    """Work on a table like ours, in the database that our server uses."""
    database = await asyncpg.connect(ground.settings.database)
    try:
        await database.execute(TABLE.format(name="floor"))
        return await work(database)
    finally:
        await database.execute("DROP TABLE floor")
        await database.close()


async def _awaited(operation: Callable[[int], Awaitable[object]], numbers: Iterable[int], seconds: float) -> Timings:
    latencies: list[float] = []
    started = time.perf_counter()
    for number in numbers:
        began = time.perf_counter()
        await operation(number)
        ended = time.perf_counter()
        latencies.append(ended - began)
        if ended - started > seconds:
            break
    return Timings(started, time.perf_counter(), latencies)
