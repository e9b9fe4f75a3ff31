"""Single statements on PostgreSQL, each on any connection; what they found is remembered until somebody commits.

The proof that nobody has is a snapshot: which transactions can be seen, as a text. Whoever commits, in this process
or another, changes it; while it stays the same, so does every row. What was asked before is answered from memory once a
snapshot says so that was begun after the question came: as fresh as asking again, and one snapshot does for all who
wait for it.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from armarium.adapters.catalog.executor import Executor
from armarium.adapters.catalog.postgres_connection import TROUBLE, connect, is_lost, told_plainly
from armarium.adapters.catalog.postgres_pool import Connections
from armarium.adapters.catalog.remembered import Remembered

T = TypeVar("T")

# A server that follows another cannot list all it does not see yet, and numbers of transactions that a crash has
# taken back are given again: then there is no snapshot, or one with another time in it.
_SNAPSHOT = "SELECT pg_postmaster_start_time()::text || pg_current_snapshot()::text WHERE NOT pg_is_in_recovery()"

_log = logging.getLogger(__name__)


class Snapshots:
    """Takes one snapshot after the other, each for all who asked since the one before was begun.

    tell: called with each before those who wait for it go on; with None when nothing is known.
    """

    def __init__(self, url: str, tell: Callable[[str | None], None]) -> None:
        self._url = url
        self._tell = tell
        self._connection: Any = None
        self._statement: Any = None
        self._waiting: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None

    async def taken(self) -> None:
        """Return when a snapshot has been told that was begun after this call."""
        await self.begin().wait()

    def begin(self) -> asyncio.Event:
        """Have one taken; returns what is set then."""
        if self._waiting is None:
            self._waiting = asyncio.Event()
            if self._task is None or self._task.done():
                self._task = asyncio.get_running_loop().create_task(self._take())
        return self._waiting

    async def _take(self) -> None:
        while self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            snapshot = None
            try:
                snapshot = await self._snapshot()
            except TROUBLE as error:
                _log.info("no snapshot: %s", error)
                self._disconnect()
            finally:
                self._tell(snapshot)
                waiting.set()

    async def _snapshot(self) -> str | None:
        if self._connection is None or self._connection.is_closed():
            self._tell(None)  # what this server has in common with the one before is not known
            self._connection = await connect(self._url)
            self._statement = await self._connection.prepare(_SNAPSHOT)
        snapshot: str | None = await self._statement.fetchval()
        return snapshot

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._waiting is not None:
            self._waiting.set()
        self._disconnect()


class Readers(Executor):
    """Single statements, each on any connection. Long ones never take all of them."""

    def __init__(self, url: str, connections: Connections, *, long_ones: int) -> None:
        self._connections = connections
        self._long_ones = asyncio.Semaphore(long_ones)
        self._remembered = Remembered()
        self._snapshots = Snapshots(url, self._remembered.move_on)
        self._sure: asyncio.Task[Any] | None = None
        self._loop = asyncio.get_running_loop()

    async def close(self) -> None:
        await self._snapshots.close()

    async def fetch_all(self, sql: str, values: Sequence[Any], *, long: bool = False) -> list[Any]:
        if not long:
            return await self._fetch(sql, values)
        async with self._long_ones:
            return await self._fetch(sql, values)

    async def fetch_one(
        self, sql: str, values: Sequence[Any], make: Callable[[Any], T], *, long: bool = False
    ) -> T | None:
        remembered, question = self._remembered, (sql, values)
        if question in remembered:
            await self._make_sure()
        if question in remembered:
            made: T | None = remembered[question]
            return made
        since = remembered.state
        if since is None:
            self._snapshots.begin()
        rows = await self.fetch_all(sql, values, long=long)
        made = make(rows[0]) if rows else None
        remembered.keep(question, made, since=since)
        return made

    async def _make_sure(self) -> None:
        """Return when all that is remembered is as true as when this was called.

        A task that has waited need not wait again for what it asks next without a pause. Others may have come later
        than the snapshot, and wait for one of their own.
        """
        task = asyncio.current_task()
        if task is not self._sure:
            await self._snapshots.taken()
            self._sure = task
            self._loop.call_soon(self._doubt)

    def _doubt(self) -> None:
        self._sure = None

    async def _fetch(self, sql: str, values: Sequence[Any]) -> list[Any]:
        """Read; once more where the connection turns out to be lost, as all are after the server was restarted."""
        with told_plainly():
            try:
                return await self._once(sql, values)
            except Exception as error:
                if not is_lost(error):
                    raise
            return await self._once(sql, values)

    async def _once(self, sql: str, values: Sequence[Any]) -> list[Any]:
        connection = await self._connections.take()
        try:
            rows: list[Any] = await connection.fetch(sql, *values)
        except BaseException:
            await self._connections.give_up(connection)
            raise
        self._connections.give_back(connection)
        return rows

    async def execute(self, sql: str, values: Sequence[Any]) -> int:
        raise NotImplementedError("Changes belong in a transaction.")

    async def execute_many(self, sql: str, rows: Any) -> None:
        raise NotImplementedError("Changes belong in a transaction.")
