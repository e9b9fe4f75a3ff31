"""The catalog in a PostgreSQL database.

    writers    a pool of connections, each with one transaction at a time
    readers    a pool of connections for single statements, each seeing what is committed when it begins
    watcher    a connection that tells whether anybody has committed, see `postgres_readers.py`

Any number of processes may use one database. `postgres_transaction.py` says what transactions lock.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
from sqlalchemy.dialects.postgresql import asyncpg as dialects

from armarium.adapters.catalog.compiled import Compiler
from armarium.adapters.catalog.executor import Closed, closed
from armarium.adapters.catalog.migrations import HEAD
from armarium.adapters.catalog.postgres_connection import (
    CONNECT_SECONDS,
    TransactionExecutor,
    is_lost,
    told_plainly,
)
from armarium.adapters.catalog.postgres_pool import Connections
from armarium.adapters.catalog.postgres_readers import Readers
from armarium.adapters.catalog.postgres_schema import bring_up_to_date
from armarium.adapters.catalog.postgres_transaction import PostgresTransaction
from armarium.adapters.catalog.records import FIRST_ASKED, SqlReader
from armarium.domain.errors import Unavailable

START_SECONDS = 15.0
"""How long to wait for a database that starts at the same time as we do."""
_PAUSE_SECONDS = 0.2
_ROLLBACK_SECONDS = 5.0


class PostgresCatalog(SqlReader):
    """The `Catalog` port. connections: of this process, at most."""

    def __init__(self, url: str, *, connections: int = 20, start_seconds: float = START_SECONDS) -> None:
        dialect: Any = dialects.dialect()  # type: ignore[no-untyped-call, unused-ignore]
        super().__init__(Closed(), Compiler(dialect))
        self._url = url
        self._size = max(1, connections // 2)
        self._start_seconds = start_seconds
        self._resources = contextlib.AsyncExitStack()

    async def open(self) -> None:
        """Connect and bring the schema up to date. Raises Unavailable when the database is not usable."""
        try:
            with told_plainly():
                await self._prepare()
                self._writers, readers = [await self._connect() for _ in range(2)]
        except BaseException:
            await self._resources.aclose()
            raise
        for build, *shape in FIRST_ASKED:
            self._compiler(build, *shape)
        self._executor = Readers(self._url, readers, long_ones=max(1, self._size // 2))
        self._resources.push_async_callback(self._executor.close)

    async def _prepare(self) -> None:
        """Bring the schema up to date, once the server answers."""
        deadline = time.monotonic() + self._start_seconds
        while True:
            try:
                connection = await asyncpg.connect(self._url, timeout=CONNECT_SECONDS)
                break
            except (OSError, asyncpg.PostgresError) as error:
                if not is_lost(error) or time.monotonic() > deadline:
                    raise
            await asyncio.sleep(_PAUSE_SECONDS)
        try:
            self.revisions = (await bring_up_to_date(connection), HEAD)
        finally:
            await connection.close()

    async def _connect(self) -> Connections:
        connections = await Connections.to(self._url, self._size)
        self._resources.push_async_callback(connections.close)
        return connections

    async def close(self) -> None:
        """Finish what is under way and disconnect."""
        self._executor = Closed()
        await self._resources.aclose()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        """All or nothing, durable on leaving.

        Raises Unavailable when the database cannot be reached; its part that is Interrupted is worth another try.
        """
        if isinstance(self._executor, Closed):
            raise closed()
        async with self._writers.lent() as connection:
            with told_plainly():
                await connection.execute("BEGIN")
            executor = TransactionExecutor(connection)
            try:
                yield PostgresTransaction(executor, self._compiler)
                executor.is_over = True
                with told_plainly():
                    outcome = await connection.execute("COMMIT")
            except BaseException:
                executor.is_over = True
                await _roll_back(connection)
                raise
            if outcome != "COMMIT":
                raise Unavailable("The catalog could not keep the changes.")


async def _roll_back(connection: Any) -> None:
    """Take a transaction back; a connection that cannot even do that is given up, which has the same effect."""
    with contextlib.suppress(asyncpg.InterfaceError):  # it is lost already, and the pool has taken it back
        try:
            if connection.is_in_transaction():
                await connection.execute("ROLLBACK", timeout=_ROLLBACK_SECONDS)
        except (OSError, TimeoutError, asyncpg.PostgresError):
            connection.terminate()
        except BaseException:
            connection.terminate()
            raise
