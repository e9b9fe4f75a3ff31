"""How many requests one credential may make: a bucket for each that fills evenly, kept in this process."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from starlette.types import Scope

from armarium.domain.principal import Principal
from armarium.faces.http.errors import RateLimited

_MOST_REMEMBERED = 10_000
_BURST_SECONDS = 10.0
"""How much of its rate a credential that was quiet may use up at once."""

Caller = Callable[[Scope], Awaitable[Principal]]


class RateLimits:
    """Admits requests. The credentials that were quiet for longest are forgotten, and so start with a full bucket."""

    def __init__(self, per_minute: int, now: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_minute / 60
        self._most = max(1.0, self._per_second * _BURST_SECONDS)
        self._now = now
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def admit(self, name: str) -> None:
        """Count a request. Raises RateLimited."""
        now = self._now()
        left, then = self._buckets.pop(name, (self._most, now))
        left = min(self._most, left + (now - then) * self._per_second)
        self._buckets[name] = (max(left - 1, 0.0) if left >= 1 else left, now)
        if len(self._buckets) > _MOST_REMEMBERED:
            self._buckets.popitem(last=False)
        if left < 1:
            wait = (1 - left) / self._per_second
            raise RateLimited("Too many requests: wait a moment.", retry_after_seconds=max(1.0, wait))


def limited(caller: Caller, limits: RateLimits | None) -> Caller:
    """Identify callers, and refuse those who come too often."""
    if limits is None:
        return caller

    async def admitted(scope: Scope) -> Principal:
        who = await caller(scope)
        limits.admit(who.token_ids[0] if who.token_ids else who.id)
        return who

    return admitted
