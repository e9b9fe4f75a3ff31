"""Connections to one listening socket, taken in fair shares by several processes.

The kernel gives a connection to whoever asks first, and a process with nothing to do takes a whole burst, which it then
keeps for as long as clients stay. So each process tells the others how many connections it has, in memory they share,
and one that has more than another lets the others go first.
"""

import asyncio
import logging
import mmap
import socket
from collections.abc import Callable

import msgspec

log = logging.getLogger(__name__)

GRACE_SECONDS = 0.002
"""How long a process with more than its share leaves a connection to the others."""
PAUSE_SECONDS = 1.0
"""How long no connection is taken after one could not be, as when there are no more descriptors."""

_BYTES_EACH = 8


class Share(msgspec.Struct, frozen=True):
    """What one of the processes knows. counts: connections of each, by number."""

    counts: memoryview
    number: int

    def tell(self, connections: int) -> None:
        self.counts[self.number] = connections

    @property
    def is_above_others(self) -> bool:
        return self.counts[self.number] > min(self.counts)


def shares(count: int) -> list[Share]:
    """One for each process; to be made before they fork."""
    counts = memoryview(mmap.mmap(-1, count * _BYTES_EACH)).cast("q")
    return [Share(counts, number) for number in range(count)]


class Acceptor:
    """Takes connections one by one and makes a protocol of each.

    connections: how many this process has now.
    """

    def __init__(
        self,
        listener: socket.socket,
        share: Share,
        protocol: Callable[[], asyncio.Protocol],
        connections: Callable[[], int],
    ) -> None:
        self._listener = listener
        self._share = share
        self._protocol = protocol
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._resting: asyncio.TimerHandle | None = None
        self._opening: set[asyncio.Task[object]] = set()

    def start(self) -> None:
        self._listener.setblocking(False)
        self.tell()
        self._listen()

    async def close(self) -> None:
        """Take no more, and return when all that were taken have their protocol; the listener stays open."""
        if self._resting is not None:
            self._resting.cancel()
        self._loop.remove_reader(self._listener)
        await asyncio.gather(*self._opening, return_exceptions=True)

    def tell(self) -> None:
        """Let the others know how many connections there are here."""
        self._share.tell(self._connections() + len(self._opening))

    def _listen(self) -> None:
        self._loop.add_reader(self._listener, self._ready)

    def _ready(self) -> None:
        self.tell()
        if self._share.is_above_others:
            self._rest(GRACE_SECONDS, self._return)
        else:
            self._take()

    def _rest(self, seconds: float, then: Callable[[], None]) -> None:
        self._loop.remove_reader(self._listener)
        self._resting = self._loop.call_later(seconds, then)

    def _return(self) -> None:
        """Nobody wanted it, if it is still there."""
        self._listen()
        self._take()

    def _take(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # somebody else has it, or it is gone
        except OSError as error:
            log.warning("no connection can be taken for %g s: %s", PAUSE_SECONDS, error)
            self._rest(PAUSE_SECONDS, self._listen)
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opening = self._loop.create_task(self._loop.connect_accepted_socket(self._protocol, connection))
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)
        self.tell()
