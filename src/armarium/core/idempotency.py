"""Requests that may be sent twice and are done once.

A key names one request of one caller. The first to come claims it, in a row that every process sees; what it was
answered is kept for a day and repeated to whoever sends the same again. A claim whose process died is taken over after
a minute. It carries the id of what the request makes, so that whoever takes it over finds what was already made.
"""

import hashlib
from collections.abc import Mapping
from contextlib import suppress

import msgspec

from armarium.domain.errors import Conflict, Invalid
from armarium.domain.principal import Principal
from armarium.ports.catalog import Catalog
from armarium.ports.clock import Clock
from armarium.ports.requests import KeptAnswer, Request

CLAIM_SECONDS = 60.0
KEPT_SECONDS = 24 * 3600.0


class KeyReused(Invalid):
    """An idempotency key came with another request than before."""

    def __init__(self) -> None:
        super().__init__("Idempotency-Key", "This Idempotency-Key was used for a different request.")


class StillRunning(Conflict):
    """The first request with this idempotency key is still under way."""

    retry_after_seconds = 1.0

    def __init__(self) -> None:
        super().__init__("The first request with this Idempotency-Key is still being processed.")


class Claim(msgspec.Struct, frozen=True):
    """The right to do a request. resource_id: what its main result must be called, the same in every attempt."""

    id: str
    token: str
    resource_id: str


class Idempotency:
    """Use cases around requests that may come again."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    async def begin(self, principal: Principal, key: str, operation: str, fingerprint: str) -> Claim | KeptAnswer:
        """Claim a request, or return what it was answered before.

        operation: method and path. fingerprint: of everything else that makes the request what it is.
        Raises KeyReused, StillRunning.
        """
        now = self._clock.now()
        wanted = Claim(_row_id(principal, key, operation), self._clock.new_id(), self._clock.new_id())
        async with self._catalog.transaction() as tx:
            resource_id = await tx.claim_request(
                Request(
                    id=wanted.id,
                    fingerprint=fingerprint,
                    claim=wanted.token,
                    resource_id=wanted.resource_id,
                    expires_at=now + CLAIM_SECONDS,
                ),
                now=now,
            )
            if resource_id is not None:
                return msgspec.structs.replace(wanted, resource_id=resource_id)
            known = await tx.find_request(wanted.id)
        if known is not None and known.fingerprint != fingerprint:
            raise KeyReused
        if known is None or known.answer is None:
            raise StillRunning
        return known.answer

    async def renew(self, claim: Claim) -> None:
        """Keep a claim on a request that takes long."""
        await self._set_end(claim, CLAIM_SECONDS)

    async def keep(self, claim: Claim, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Keep what the request was answered."""
        async with self._catalog.transaction() as tx:
            answer = KeptAnswer(status=status, headers=dict(headers), body=body)
            await tx.keep_answer(claim.id, claim.token, answer, expires_at=self._clock.now() + KEPT_SECONDS)

    async def release(self, claim: Claim) -> None:
        """Let the same request be done again at once; what it may have made keeps its id."""
        await self._set_end(claim, 0.0)

    async def _set_end(self, claim: Claim, seconds: float) -> None:
        async with self._catalog.transaction() as tx:
            await tx.keep_answer(claim.id, claim.token, None, expires_at=self._clock.now() + seconds)

    async def forget_old(self) -> None:
        """Remove what nobody can ask for any more."""
        async with self._catalog.transaction() as tx:
            await tx.forget_requests(expired_before=self._clock.now() - KEPT_SECONDS)


def fingerprint_of(query: bytes, body: bytes) -> str:
    """A digest of a query string and a body; key order and white space of JSON do not matter."""
    with suppress(msgspec.DecodeError, RecursionError, UnicodeDecodeError):  # what is no JSON is compared as it stands
        body = msgspec.json.encode(msgspec.json.decode(body), order="sorted")
    return hashlib.sha256(query + b"\0" + body).hexdigest()


def _row_id(principal: Principal, key: str, operation: str) -> str:
    """Whoever has other rights is another caller, even with a credential of the same user."""
    rights = (principal.read_only, principal.confined_to, principal.workspace, principal.scopes, principal.grants)
    named = msgspec.json.encode((principal.id, principal.effective_id, rights, operation, key), order="sorted")
    return hashlib.sha256(named).hexdigest()
