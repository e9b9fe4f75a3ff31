"""The machine's clock, and UUIDv7 names that ascend."""

import os
import threading
import time

_POOL_BYTES = 4096
_RANDOM_BITS = 74
_TAIL_BITS = 62
_STEP_BYTES = 4


class SystemClock:
    """The `Clock` port.

    An id is 48 bits of milliseconds and 74 of chance. Within one millisecond, or when the clock was set back,
    the next id is the one before plus a random step, so ids ascend and still cannot be counted through.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool = memoryview(b"")
        self._milliseconds = 0
        self._chance = 0

    def now(self) -> float:
        return time.time()

    def new_id(self) -> str:
        with self._lock:
            milliseconds = time.time_ns() // 1_000_000
            if milliseconds > self._milliseconds:
                self._milliseconds = milliseconds
                self._chance = self._random(10) >> (80 - _RANDOM_BITS + 1)  # the top bit stays free for steps
            else:
                self._chance += 1 + self._random(_STEP_BYTES)
            return uuid7(self._milliseconds, self._chance)

    def _random(self, size: int) -> int:
        """A random number of so many bytes, from a pool, since asking the system each time is slow."""
        if len(self._pool) < size:
            self._pool = memoryview(os.urandom(_POOL_BYTES))
        taken, self._pool = self._pool[:size], self._pool[size:]
        return int.from_bytes(taken, "big")


def uuid7(milliseconds: int, chance: int) -> str:
    """Write a UUIDv7 (RFC 9562, section 5.7) from its time and 74 further bits."""
    high, low = chance >> _TAIL_BITS, chance & ((1 << _TAIL_BITS) - 1)
    text = f"{milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
