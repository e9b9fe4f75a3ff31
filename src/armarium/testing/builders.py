"""Values for tests."""

import itertools


class FixedClock:
    """A clock that moves when told to, and ids that count."""

    def __init__(self, now: float = 1_750_000_000.0) -> None:
        self._now = now
        self._counter = itertools.count(1)

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds

    def new_id(self) -> str:
        number = next(self._counter)
        milliseconds = f"{int(self._now * 1000):012x}"
        return f"{milliseconds[:8]}-{milliseconds[8:]}-7000-8000-{number:012x}"
