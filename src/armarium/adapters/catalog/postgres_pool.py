"""Connections to lend; idle ones stay out of asyncpg's pool, where a turn costs more than most statements."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg

from armarium.adapters.catalog.postgres_connection import TROUBLE, make_pool, told_plainly

_WAIT_SECONDS = 10.0
"""How long a statement may wait for a free connection."""
_CLOSE_SECONDS = 5.0


class Connections:
    """At most so many, each lent to one at a time; the pool behind them connects, and takes back what is damaged."""

    def __init__(self, pool: Any, size: int) -> None:
        self._pool = pool
        self._idle: list[Any] = []
        self._places = asyncio.Semaphore(size)

    @classmethod
    async def to(cls, url: str, size: int) -> "Connections":
        return cls(await make_pool(url, size), size)

    async def take(self) -> Any:
        """A connection, to be handed to `give_back` if all went well and else to `give_up`. Raises as asyncpg does."""
        if self._places.locked():
            async with asyncio.timeout(_WAIT_SECONDS):
                await self._places.acquire()
        else:
            await self._places.acquire()  # at once
        try:
            while self._idle:
                connection = self._idle.pop()
                if not is_closed(connection):
                    return connection
            return await self._pool.acquire(timeout=_WAIT_SECONDS)
        except BaseException:
            self._places.release()
            raise

    def give_back(self, connection: Any) -> None:
        self._idle.append(connection)
        self._places.release()

    async def give_up(self, connection: Any) -> None:
        """Let the pool end what is still running on a connection, or replace it."""
        try:
            await self._pool.release(connection)
        finally:
            self._places.release()

    @contextlib.asynccontextmanager
    async def lent(self) -> AsyncIterator[Any]:
        with told_plainly():
            connection = await self.take()
        try:
            yield connection
        except BaseException:
            await self.give_up(connection)
            raise
        self.give_back(connection)

    async def close(self) -> None:
        """Disconnect; connections still in use after a while are cut, as are those to a server that is gone."""
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                while self._idle:
                    await self._pool.release(self._idle.pop())
                await self._pool.close()
        except TROUBLE:
            self._pool.terminate()


def is_closed(connection: Any) -> bool:
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:  # the pool has taken it back
        return True
