"""What has to be done from time to time, by one process for all: whoever's clock strikes first does it."""

import datetime as dt

from armarium.core.idempotency import Idempotency
from armarium.core.leases import Leases
from armarium.core.sweep import Sweeper
from armarium.ports.vectors import SweepsVectors, VectorIndex

_EARLY = 0.9
"""Clocks do not strike exactly together, and a lease as long as the interval would make every second run fail."""


class Housekeeping:
    """Sweeps the store and the vector index, and forgets old requests.

    interval: between two runs, over all processes together.
    """

    def __init__(
        self,
        leases: Leases,
        sweeper: Sweeper,
        idempotency: Idempotency,
        vector_index: VectorIndex,
        interval: dt.timedelta,
    ) -> None:
        self._leases = leases
        self._sweeper = sweeper
        self._idempotency = idempotency
        self._vector_index = vector_index
        self._interval = interval

    async def run(self) -> bool:
        """Do what is due; False where another process has just done it."""
        if not await self._leases.is_mine("housekeeping", for_seconds=self._interval.total_seconds() * _EARLY):
            return False
        await self._sweeper.sweep()
        await self._idempotency.forget_old()
        if isinstance(self._vector_index, SweepsVectors):
            await self._vector_index.sweep()
        return True
