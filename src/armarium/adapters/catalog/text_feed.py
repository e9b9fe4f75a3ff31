"""Feeds the text index: takes pending artifacts in batches, a moment after their commit.

One row of the index per commit would make every insert several times slower; until its turn comes an artifact
is found by looking at its text (`statements/listings.py`).
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from armarium.adapters.catalog.sqlite_connection import RunInThread, told_plainly
from armarium.adapters.catalog.text_search import fold
from armarium.domain.errors import Unavailable

BATCH = 500
_REST_SECONDS = 0.25
"""Before each batch; the larger it gets meanwhile, the less each text costs."""
_BREATH_SECONDS = 0.02
"""Between batches that follow each other, for writers that wait."""
_PATIENCE_SECONDS = 5.0

_log = logging.getLogger(__name__)


class TextFeed:
    """A background task that runs while something is pending."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        transaction: Callable[[], AbstractAsyncContextManager[Any]],
        run_in_thread: RunInThread,
    ) -> None:
        self._connection = connection
        self._transaction = transaction
        self._run_in_thread = run_in_thread
        self._task: asyncio.Task[None] | None = None
        self._wanted = False

    def wake(self) -> None:
        """Something may be pending."""
        self._wanted = True
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        rest = _REST_SECONDS
        while self._wanted:
            self._wanted = False
            await asyncio.sleep(rest)
            try:
                is_full = await self.feed() == BATCH
                self._wanted = self._wanted or is_full
                rest = _BREATH_SECONDS if is_full else _REST_SECONDS
            except Unavailable as error:
                _log.warning("text index: %s Trying again later.", error.message)
                self._wanted = True
                await asyncio.sleep(_PATIENCE_SECONDS)

    async def feed(self) -> int:
        """Take in one batch; returns how many artifacts it had."""
        async with self._transaction():
            with told_plainly():
                return int(await self._run_in_thread(self._take_in))

    def _take_in(self) -> int:
        run = self._connection.execute
        pending = run(
            "SELECT id, manifest FROM text_pending JOIN artifact ON id = artifact_id LIMIT ?", (BATCH,)
        ).fetchall()
        ids = [(artifact_id,) for artifact_id, _ in pending]
        self._connection.executemany("DELETE FROM text_doc WHERE artifact_id = ?", ids)
        for artifact_id, manifest in pending:
            row = run("INSERT INTO text_doc (artifact_id) VALUES (?)", (artifact_id,)).lastrowid
            run("INSERT INTO text_index (rowid, body) VALUES (?, ?)", (row, fold(manifest)))
        self._connection.executemany("DELETE FROM text_pending WHERE artifact_id = ?", ids)
        return len(pending)
