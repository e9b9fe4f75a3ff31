"""The catalog in one SQLite file.

    writer    one connection, all transactions, in turn, committed in groups (`group_commit.py`)
    reader    one connection, short reads, at once, in the event loop
    scanner   one connection, reads that may look at everything, in a thread

Readers see committed state only. Several processes may open the same file.
"""

import asyncio
import contextlib
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.dialects import sqlite as sqlite_dialect

from armarium.adapters.catalog.compiled import Compiler
from armarium.adapters.catalog.executor import Closed, closed
from armarium.adapters.catalog.gate import Gate
from armarium.adapters.catalog.group_commit import BUSY_SECONDS, GroupCommit
from armarium.adapters.catalog.migrations import HEAD
from armarium.adapters.catalog.records import FIRST_ASKED, SqlReader, SqlTransaction
from armarium.adapters.catalog.remembered import Remembered
from armarium.adapters.catalog.schema import bring_up_to_date
from armarium.adapters.catalog.sqlite_connection import (
    RunInThread,
    SqliteExecutor,
    TransactionExecutor,
    connect,
    told_plainly,
)
from armarium.adapters.catalog.text_feed import TextFeed

_QUICK_STEPS = 100_000
"""SQLite's own steps a read may take in the event loop, some milliseconds; then it starts again in a thread."""
_OPEN_WAIT_MS = 10_000

T = TypeVar("T")
Scan = Callable[[str, Sequence[Any]], Awaitable[list[Any]]]


class SqliteCatalog(SqlReader):
    """The `Catalog` port on a file; path None: on a private one that is gone after close."""

    def __init__(self, path: Path | None = None, *, busy_seconds: float = BUSY_SECONDS) -> None:
        super().__init__(Closed(), Compiler(sqlite_dialect.dialect(paramstyle="qmark")))
        self._path = path
        self._busy_seconds = busy_seconds
        self._resources = contextlib.ExitStack()

    async def open(self) -> None:
        """Connect and bring the schema up to date. Raises Unavailable when the file is not usable."""
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="catalog")
        self._run = _runner(self._threads)
        path, durable = self._place()
        try:
            with told_plainly():
                self._writer = await self._run(lambda: self._connected(path, durable, self._prepared))
                reader = await self._run(lambda: self._connected(path, durable, connect))
                self._scanner = await self._run(lambda: self._connected(path, durable, connect))
                self._gate = self._resources.enter_context(contextlib.closing(Gate(self._path)))
        except BaseException:
            self._let_go()
            raise
        for build, *shape in FIRST_ASKED:
            self._compiler(build, *shape)
        self._executor = _Reader(reader, self._run, _one_at_a_time(self._scanner, self._run))
        self._commits = GroupCommit(self._writer, self._run, self._gate, busy_seconds=self._busy_seconds)
        self._feed = TextFeed(self._writer, self._commits.transaction, self._run)
        self._feed.wake()  # what an earlier process did not get to

    def _place(self) -> tuple[Path, bool]:
        """The file, and whether it is worth an fsync."""
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return self._path, True
        folder = self._resources.enter_context(tempfile.TemporaryDirectory(prefix="armarium-"))
        return Path(folder) / "catalog.db", False

    def _connected(self, path: Path, durable: bool, make: Callable[..., sqlite3.Connection]) -> sqlite3.Connection:
        return self._resources.enter_context(contextlib.closing(make(path, durable=durable)))

    async def close(self) -> None:
        """Finish what is under way and let go of the file."""
        if isinstance(self._executor, Closed):
            return
        await self._feed.stop()
        await self._commits.drain()
        self._executor = Closed()
        self._scanner.interrupt()
        self._let_go()

    def _prepared(self, path: Path, *, durable: bool) -> sqlite3.Connection:
        """The writer's connection, on an up-to-date schema. It never waits inside SQLite, see `group_commit.py`."""
        connection = connect(path, durable=durable, wait_ms=_OPEN_WAIT_MS)
        try:
            self.revisions = (bring_up_to_date(connection), HEAD)
            connection.execute("PRAGMA busy_timeout=0")
        except BaseException:
            connection.close()
            raise
        return connection

    def _let_go(self) -> None:
        self._threads.shutdown()  # before the connections go: closing one that is in use ends the process
        self._resources.close()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[SqlTransaction]:
        """All or nothing, durable on leaving. Raises Unavailable when the database stays locked."""
        if isinstance(self._executor, Closed):
            raise closed()
        async with self._commits.transaction():
            executor = TransactionExecutor(self._writer, self._run)
            transaction = SqlTransaction(executor, self._compiler)
            try:
                yield transaction
            finally:
                executor.is_over = True
        if transaction.changed_text:
            self._feed.wake()


def _runner(threads: ThreadPoolExecutor) -> RunInThread:
    async def run(work: Callable[[], Any]) -> Any:
        """Do something in a thread. Who is cancelled still waits: nobody else may use the connection meanwhile."""
        outcome = asyncio.get_running_loop().run_in_executor(threads, work)
        try:
            return await asyncio.shield(outcome)
        except asyncio.CancelledError:
            while not outcome.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait([outcome])
            outcome.exception()
            raise

    return run


def _one_at_a_time(connection: sqlite3.Connection, run: RunInThread) -> Scan:
    """Statements on the scanner's connection, in a thread, one after the other."""
    turn = asyncio.Lock()

    async def scan(sql: str, values: Sequence[Any]) -> list[Any]:
        async with turn:
            return list(await run(lambda: connection.execute(sql, values).fetchall()))

    return scan


class _Reader(SqliteExecutor):
    """Short reads here, long ones on the scanner; so are those that turn out to be long.

    What a row that was asked for became is remembered until any connection, of this process or another, commits:
    SQLite tells so for a tenth of what asking again costs. It is asked once for all requests that arrived together:
    none of them can know of a commit that came later.
    """

    def __init__(self, connection: sqlite3.Connection, run_in_thread: RunInThread, scan: Scan) -> None:
        super().__init__(connection, run_in_thread)
        self._scan = scan
        self._alarms = 0
        self._remembered = Remembered()
        self._has_looked = False
        self._loop = asyncio.get_running_loop()
        connection.set_progress_handler(self._alarm, _QUICK_STEPS)

    def _alarm(self) -> bool:
        """Stop a statement at the second alarm: SQLite counts the steps of its earlier runs towards the first."""
        self._alarms += 1
        return self._alarms > 1

    async def fetch_all(self, sql: str, values: Sequence[Any], *, long: bool = False) -> list[Any]:
        with told_plainly():
            if not long:
                self._alarms = 0
                try:
                    return self._connection.execute(sql, values).fetchall()
                except sqlite3.OperationalError as error:
                    if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                        raise
            return list(await self._scan(sql, values))

    async def fetch_one(
        self, sql: str, values: Sequence[Any], make: Callable[[Any], T], *, long: bool = False
    ) -> T | None:
        if not self._has_looked:
            self._look()
        remembered, question = self._remembered, (sql, values)
        if question in remembered:
            made: T | None = remembered[question]
            return made
        since = remembered.state
        rows = await self.fetch_all(sql, values, long=long)
        made = make(rows[0]) if rows else None
        remembered.keep(question, made, since=since)
        return made

    def _look(self) -> None:
        with told_plainly():
            (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        self._remembered.move_on(version)
        self._has_looked = True
        self._loop.call_soon(self._look_again)

    def _look_again(self) -> None:
        self._has_looked = False
