"""Taking turns: one at a time for each key in this process, and who comes next asks the one before to make way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turn:
    """Somebody's turn. wanted: set when somebody else waits for it."""

    def __init__(self) -> None:
        self.wanted = asyncio.Event()
        self.over = asyncio.Event()


class Turns:
    """The turns of all keys."""

    def __init__(self) -> None:
        self._taken: dict[str, Turn] = {}

    @asynccontextmanager
    async def take(self, key: str) -> AsyncIterator[Turn]:
        """Wait for the key, and have it until the block is left."""
        while (before := self._taken.get(key)) is not None:
            before.wanted.set()
            await before.over.wait()
        turn = self._taken[key] = Turn()
        try:
            yield turn
        finally:
            del self._taken[key]
            turn.over.set()
