"""What waits to be sent to one client."""

import asyncio
from collections import deque
from typing import NamedTuple

MAX_BYTES = 64 * 1024 * 1024
"""A client that lets more than this pile up is too slow to keep."""
HIGH_WATER_BYTES = 1024 * 1024
"""Above this nothing more is read from the client until some of it is sent."""


class Close(NamedTuple):
    """The last item of an outbox."""

    code: int
    reason: str


class Outbox:
    """A bounded queue between those who answer and the one task that writes to the network."""

    def __init__(self) -> None:
        self._items: deque[bytes | str | Close] = deque()
        self._size = 0
        self._closed = False
        self._filled = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()

    @property
    def size_bytes(self) -> int:
        return self._size

    def put(self, item: bytes | str) -> bool:
        """Queue something to send; False when it cannot be taken any more."""
        if self._closed or self._size > MAX_BYTES:
            return False
        self._items.append(item)
        self._size += len(item)
        self._filled.set()
        if self._size > HIGH_WATER_BYTES:
            self._drained.clear()
        return True

    def close(self, code: int, reason: str) -> None:
        """Send what is queued, then close."""
        if not self._closed:
            self._closed = True
            self._items.append(Close(code, reason))
            self._filled.set()

    async def get(self) -> bytes | str | Close:
        while not self._items:
            self._filled.clear()
            await self._filled.wait()
        item = self._items.popleft()
        if not isinstance(item, Close):
            self._size -= len(item)
        if self._size <= HIGH_WATER_BYTES:
            self._drained.set()
        return item

    async def room(self) -> None:
        """Wait until the client has taken most of what is queued."""
        await self._drained.wait()
