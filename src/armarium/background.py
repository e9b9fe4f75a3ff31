"""Work that repeats beside the requests of one process."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

log = logging.getLogger(__name__)


INDEX_LOOK = timedelta(seconds=0.5)
"""How often whoever does jobs looks for artifacts that changed where a semantic index follows them."""


class Background:
    """A set of repeating tasks; leaving the block ends them all."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that ends only when it is told to."""
        self._tasks.append(asyncio.create_task(work))

    def every(self, interval: timedelta, work: Callable[[], Awaitable[Any]]) -> None:
        """Do something again and again, with a pause between; a failure is logged and does not end it."""
        self._tasks.append(asyncio.create_task(_repeat(interval.total_seconds(), work)))


async def _repeat(seconds: float, work: Callable[[], Awaitable[Any]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except Exception:
            log.exception("background work failed; it is tried again in %s seconds", seconds)
