"""Time and names, so that tests own both."""

from typing import Protocol


class Clock(Protocol):
    """now: seconds since the epoch, UTC. new_id: a fresh UUIDv7, ascending within a process."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def new_id(self) -> str:
        """A fresh UUIDv7."""
        ...
