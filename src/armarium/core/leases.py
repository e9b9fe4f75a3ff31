"""Work that one process of all does at a time: a claim in the catalog, which ends by itself when its holder dies."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from armarium.domain.errors import Conflict, Unavailable
from armarium.ports.catalog import Catalog
from armarium.ports.clock import Clock
from armarium.ports.requests import Request

_LEASE_SECONDS = 10.0
"""How long others wait for a process that died."""


class Leases:
    """Claims by name. They share a table with idempotency keys, whose ids are digests and never begin like these."""

    def __init__(self, catalog: Catalog, clock: Clock, *, lease_seconds: float = _LEASE_SECONDS) -> None:
        self._catalog = catalog
        self._clock = clock
        self._lease_seconds = lease_seconds

    async def is_mine(self, name: str, *, for_seconds: float) -> bool:
        """Take a lease that lasts a fixed time; False where somebody else has it."""
        return await self._claim(name, self._clock.new_id(), for_seconds)

    @asynccontextmanager
    async def hold(self, name: str, *, refusal: str) -> AsyncIterator[None]:
        """Have a lease within the block, however long it takes. Raises Conflict with the refusal."""
        token = self._clock.new_id()
        if not await self._claim(name, token, self._lease_seconds):
            raise Conflict(refusal)
        renewing = asyncio.create_task(self._keep_renewing(name, token))
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            await self._set_end(name, token, 0.0)

    async def _claim(self, name: str, token: str, seconds: float) -> bool:
        now = self._clock.now()
        wanted = Request(id=_id(name), fingerprint="", claim=token, resource_id=token, expires_at=now + seconds)
        async with self._catalog.transaction() as tx:
            return await tx.claim_request(wanted, now=now) is not None

    async def _keep_renewing(self, name: str, token: str) -> None:
        while True:
            await asyncio.sleep(self._lease_seconds / 3)
            try:
                await self._set_end(name, token, self._lease_seconds)
            except Unavailable:
                continue  # the next try may come in time

    async def _set_end(self, name: str, token: str, seconds: float) -> None:
        async with self._catalog.transaction() as tx:
            await tx.keep_answer(_id(name), token, None, expires_at=self._clock.now() + seconds)


def _id(name: str) -> str:
    return f"lease:{name}"
