"""Group commit: transactions take turns on one connection, and one fsync makes a whole batch of them durable.

BEGIN IMMEDIATE                                    when the first of a batch has its turn
  SAVEPOINT one  ...  RELEASE                      each transaction, in its own task, one after the other
  SAVEPOINT two  ...  ROLLBACK TO, RELEASE         one that fails takes only itself back
COMMIT                                             in a thread, once nobody waits or the batch is full
"""

import asyncio
import contextlib
import random
import sqlite3
import time
from collections import deque
from collections.abc import AsyncIterator, Callable

from armarium.adapters.catalog.gate import Gate
from armarium.adapters.catalog.sqlite_connection import RunInThread, is_busy, refusal, told_plainly
from armarium.domain.errors import Unavailable

MAX_BATCH = 256
BUSY_SECONDS = 10.0
"""How long another process may keep the database before a transaction gives up."""
STINT_SECONDS = 0.02
"""How long a process may go on writing before it lets others have a turn; each change of hands empties its cache."""

_PAUSE_SECONDS = 0.002
_LOST = "The catalog could not keep the changes."


class _Batch:
    """Transactions that become durable together. done: the commit's outcome, for every one of them."""

    def __init__(self, changes_before: int) -> None:
        self.size = 0
        self.changes_before = changes_before
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.done.add_done_callback(_seen)


def _seen(done: asyncio.Future[None]) -> None:
    """Take note of a failure, so that nobody is warned of one when all its members were cancelled."""
    if not done.cancelled():
        done.exception()


class GroupCommit:
    """The turns and batches of one connection."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        run_in_thread: RunInThread,
        gate: Gate,
        *,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        self._connection = connection
        self._run_in_thread = run_in_thread
        self._gate = gate
        self._stint_ends = 0.0
        self._busy_seconds = busy_seconds
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._taken = False
        self._batch: _Batch | None = None
        self._commits: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """One transaction, durable on leaving. Raises Unavailable when it cannot begin or become durable."""
        await self._take_turn()
        try:
            batch = await self._begin()
        except BaseException:
            self._end_turn()
            raise
        try:
            yield
            self._keep(batch)
        except BaseException:
            self._take_back(batch)
            self._end_turn()
            raise
        self._end_turn()
        await asyncio.shield(batch.done)

    async def drain(self) -> None:
        """Wait until nothing is under way."""
        await self._take_turn()
        self._end_turn()
        while self._commits:
            await asyncio.wait(self._commits)

    # turns

    async def _take_turn(self) -> None:
        if not self._taken:
            self._taken = True
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._end_turn()
            raise

    def _pass_turn(self) -> bool:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return True
        return False

    def _end_turn(self) -> None:
        """Let the next of the batch go; the batch ends when it is full or nobody comes forward."""
        batch = self._batch
        if batch is not None and batch.size >= MAX_BATCH:
            self._settle()
        elif not self._pass_turn():
            # Tasks that the last commit has just woken come forward within this round of the loop.
            asyncio.get_running_loop().call_soon(self._settle_unless_wanted)

    def _settle_unless_wanted(self) -> None:
        if not self._pass_turn():
            self._settle()

    # batches

    async def _begin(self) -> _Batch:
        with told_plainly():
            if self._batch is None:
                await self._begin_immediate()
                self._batch = _Batch(self._connection.total_changes)
            self._connection.execute("SAVEPOINT own")
        return self._batch

    async def _begin_immediate(self) -> None:
        """Take the write lock, in turn with other processes; the loop goes on meanwhile."""
        if time.monotonic() < self._stint_ends and self._try_begin():
            return
        deadline = time.monotonic() + self._busy_seconds
        await self._until(self._gate.try_enter, deadline)
        try:
            await self._until(self._try_begin, deadline)
        finally:
            self._gate.leave()
        self._stint_ends = time.monotonic() + STINT_SECONDS

    async def _until(self, attempt: Callable[[], bool], deadline: float) -> None:
        while not attempt():
            if time.monotonic() > deadline:
                raise Unavailable("The catalog is busy.")
            await asyncio.sleep(_PAUSE_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - spreads the tries

    def _try_begin(self) -> bool:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            return False
        return True

    def _keep(self, batch: _Batch) -> None:
        if not self._connection.in_transaction:
            raise Unavailable(_LOST)
        with told_plainly():
            self._connection.execute("RELEASE own")
        batch.size += 1

    def _take_back(self, batch: _Batch) -> None:
        """Undo one transaction; where SQLite has undone the whole batch by itself, everyone in it has failed."""
        if self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK TO own")
                self._connection.execute("RELEASE own")
            except sqlite3.Error:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
            else:
                return
        self._batch = None
        batch.done.set_exception(Unavailable(_LOST))

    def _settle(self) -> None:
        """End the batch under way and let the next begin."""
        batch, self._batch = self._batch, None
        if batch is None:
            self._resume()
        elif batch.size == 0:
            self._end_batch(batch, "ROLLBACK")
        elif self._connection.total_changes == batch.changes_before:
            self._end_batch(batch, "COMMIT")
        else:
            task = asyncio.get_running_loop().create_task(self._commit(batch))
            self._commits.add(task)
            task.add_done_callback(self._commits.discard)

    def _resume(self) -> None:
        if not self._pass_turn():
            self._taken = False

    def _end_batch(self, batch: _Batch, sql: str) -> None:
        """End a batch that changed nothing, which costs nothing."""
        try:
            self._connection.execute(sql)
        except sqlite3.Error as error:
            self._fail(batch, error)
        else:
            batch.done.set_result(None)
        self._resume()

    async def _commit(self, batch: _Batch) -> None:
        try:
            await self._run_in_thread(lambda: self._connection.execute("COMMIT"))
        except sqlite3.Error as error:
            self._fail(batch, error)
        else:
            batch.done.set_result(None)
        finally:
            batch.done.cancel()  # does nothing unless the loop is shutting down
            self._resume()

    def _fail(self, batch: _Batch, error: sqlite3.Error) -> None:
        if self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
        batch.done.set_exception(refusal(error) or Unavailable(_LOST))
