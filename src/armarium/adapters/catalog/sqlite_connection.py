"""SQLite connections and statements run on them, with its errors in our words."""

import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from armarium.adapters.catalog.executor import Executor
from armarium.adapters.catalog.text_search import contains, matches
from armarium.domain.errors import ArmariumError, Invalid, Unavailable

_MMAP_BYTES = 128 * 1024 * 1024
_CACHE_KIB = 16 * 1024
_CHECKPOINT_PAGES = 10_000
"""40 MB of log: group commits fill SQLite's default of 4 MB several times a second, each time for two more fsyncs."""
_WAIT_MS = 250
"""How long a reader may wait while another process recovers the file; SQLite's readers wait for nothing else."""
_PAUSE_SECONDS = 0.005

T = TypeVar("T")
RunInThread = Callable[[Callable[[], Any]], Awaitable[Any]]


def connect(path: Path, *, durable: bool = True, wait_ms: int = _WAIT_MS) -> sqlite3.Connection:
    """Open a file, without transactions of its own, usable from one thread at a time.

    durable: a commit is on the disk when it returns, else only in the system's hands.
    """
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=512, timeout=wait_ms / 1000
    )
    _use_wal(connection, patience_seconds=wait_ms / 1000)
    for pragma in (
        f"synchronous={'FULL' if durable else 'OFF'}",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        f"mmap_size={_MMAP_BYTES}",
        f"cache_size=-{_CACHE_KIB}",
        "secure_delete=FAST",
        f"wal_autocheckpoint={_CHECKPOINT_PAGES}",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    connection.create_function("armarium_contains", 2, contains, deterministic=True)
    connection.create_function("armarium_matches", 2, matches, deterministic=True)
    return connection


def _use_wal(connection: sqlite3.Connection, *, patience_seconds: float) -> None:
    """Several that open a new file at once are in each other's way here, and SQLite itself does not wait."""
    end = time.monotonic() + patience_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").fetchall()
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > end:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection is in the way, so that trying again can help."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


_REASONS = {
    sqlite3.SQLITE_BUSY: "The catalog is busy.",
    sqlite3.SQLITE_LOCKED: "The catalog is busy.",
    sqlite3.SQLITE_FULL: "The catalog cannot grow: its disk is full.",
    sqlite3.SQLITE_IOERR: "The catalog's disk does not work.",
    sqlite3.SQLITE_CORRUPT: "The catalog's file is damaged.",
    sqlite3.SQLITE_NOTADB: "The catalog's file is not a database.",
    sqlite3.SQLITE_READONLY: "The catalog's file cannot be written.",
    sqlite3.SQLITE_CANTOPEN: "The catalog's file cannot be opened.",
    sqlite3.SQLITE_INTERRUPT: "The catalog is closing.",
    sqlite3.SQLITE_NOMEM: "The catalog has no memory left.",
}


def refusal(error: sqlite3.Error) -> ArmariumError | None:
    """The error a caller can be told, None where it is our mistake."""
    reason = _REASONS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
    return Unavailable(reason) if reason is not None else None


class _ToldPlainly:
    """A class, because a generator costs as much as some of the statements it stands around."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, UnicodeEncodeError):
            raise Invalid("text", "The text is not valid Unicode.") from None
        if isinstance(error, sqlite3.Error):
            told = refusal(error)
            if told is not None:
                raise told from error


_TOLD_PLAINLY = _ToldPlainly()


def told_plainly() -> _ToldPlainly:
    """Turn what SQLite raises in the block into Unavailable, and text it cannot take into Invalid."""
    return _TOLD_PLAINLY


class SqliteExecutor(Executor):
    """Statements on one connection: short ones at once, in the event loop; long ones in a thread."""

    def __init__(self, connection: sqlite3.Connection, run_long: RunInThread) -> None:
        self._connection = connection
        self._run_long = run_long

    async def fetch_all(self, sql: str, values: Sequence[Any], *, long: bool = False) -> list[Any]:
        with told_plainly():
            if long:
                return list(await self._run_long(lambda: self._connection.execute(sql, values).fetchall()))
            return self._connection.execute(sql, values).fetchall()

    async def execute(self, sql: str, values: Sequence[Any]) -> int:
        with told_plainly():
            return self._connection.execute(sql, values).rowcount

    async def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        with told_plainly():
            self._connection.executemany(sql, rows)


class TransactionExecutor(SqliteExecutor):
    """Statements of one transaction; refuses those that come when it is over, which would stand alone."""

    is_over = False

    async def fetch_all(self, sql: str, values: Sequence[Any], *, long: bool = False) -> list[Any]:
        self._require_transaction()
        return await super().fetch_all(sql, values, long=long)

    async def execute(self, sql: str, values: Sequence[Any]) -> int:
        self._require_transaction()
        return await super().execute(sql, values)

    async def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self._require_transaction()
        await super().execute_many(sql, rows)

    def _require_transaction(self) -> None:
        if self.is_over:
            raise RuntimeError("The transaction is over.")
        if not self._connection.in_transaction:
            raise Unavailable("The catalog could not keep the changes.")
