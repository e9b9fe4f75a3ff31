"""Big messages: put together from pieces on the way in, cut into pieces on the way out."""

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Protocol

import msgspec

from armarium.domain.errors import Invalid, NotFound, TooLarge
from armarium.faces.hypha.frames import CHUNK_BYTES

CACHE = "services.built-in.message_cache"
SINGLE_FRAME_BYTES = CHUNK_BYTES + 1024
_PIECES_AT_ONCE = 8


class ChunkLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much of unfinished messages one connection may leave with the server."""

    total_bytes: int = 128 * 1024 * 1024
    messages: int = 32
    pieces: int = 20_000
    idle_seconds: float = 120.0


class _Message:
    __slots__ = ("pieces", "size", "touched")

    def __init__(self, now: float) -> None:
        self.pieces: dict[int, bytes] = {}
        self.size = 0
        self.touched = now


class Reassembly:
    """The unfinished big messages of one connection."""

    def __init__(self, limits: ChunkLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._messages: dict[str, _Message] = {}

    @property
    def size_bytes(self) -> int:
        return sum(message.size for message in self._messages.values())

    def __len__(self) -> int:
        return len(self._messages)

    def create(self, key: str) -> None:
        """Begin a message; one that was begun under the same key is dropped. Raises Invalid, TooLarge."""
        if not isinstance(key, str) or not 0 < len(key) <= 256:
            raise Invalid("key", "The key of a message is a short text.")
        self.expire()
        self._messages.pop(key, None)
        if len(self._messages) >= self._limits.messages:
            raise TooLarge("Too many unfinished messages on this connection.")
        self._messages[key] = _Message(self._clock())

    def append(self, key: str, data: bytes) -> None:
        self.set(key, len(self._get(key).pieces), data)

    def set(self, key: str, index: int, data: bytes) -> None:
        """Keep one piece, in any order. Raises NotFound, Invalid, TooLarge (the message is dropped then)."""
        message = self._get(key)
        if not isinstance(index, int) or not 0 <= index < self._limits.pieces or not isinstance(data, bytes):
            raise Invalid("index", "A piece of a message is bytes with a number.")
        message.size += len(data) - len(message.pieces.get(index, b""))
        message.pieces[index] = data
        message.touched = self._clock()
        if self.size_bytes > self._limits.total_bytes:
            del self._messages[key]
            raise TooLarge(f"Messages are limited to {self._limits.total_bytes // 2**20} MiB.")

    def take(self, key: str) -> bytes:
        """Join a message and forget it. Raises NotFound, Invalid (a piece is missing)."""
        message = self._get(key)
        del self._messages[key]
        if len(message.pieces) != max(message.pieces, default=-1) + 1:
            raise Invalid("key", "A piece of the message is missing.")
        return b"".join(message.pieces[index] for index in range(len(message.pieces)))

    def remove(self, key: str) -> None:
        self._messages.pop(key, None)

    def expire(self) -> None:
        """Drop what nobody has added to for a while."""
        oldest = self._clock() - self._limits.idle_seconds
        for key in [key for key, message in self._messages.items() if message.touched < oldest]:
            del self._messages[key]

    def _get(self, key: str) -> _Message:
        message = self._messages.get(key) if isinstance(key, str) else None
        if message is None:
            raise NotFound("message", str(key)[:64], "There is no message with this key.")
        return message


class CallsClient(Protocol):
    """The part of a connection that can call a function of its client."""

    async def call(self, sender: str, method: str, *args: object) -> object: ...


async def send_in_pieces(peer: CallsClient, sender: str, message: bytes) -> None:
    """Hand a big message to the client piece by piece.

    The client's own timer is kept alive by the heartbeat of the call that is answered.
    """
    key = secrets.token_hex(12)
    await peer.call(sender, f"{CACHE}.create", key, False)
    starts = list(enumerate(range(0, len(message), CHUNK_BYTES)))
    for first in range(0, len(starts), _PIECES_AT_ONCE):
        batch = starts[first : first + _PIECES_AT_ONCE]
        sends = (
            peer.call(sender, f"{CACHE}.set", key, number, message[at : at + CHUNK_BYTES], False)
            for number, at in batch
        )
        await asyncio.gather(*sends)
    await peer.call(sender, f"{CACHE}.process", key, False)
