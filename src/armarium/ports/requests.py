"""Requests that were made before, parts of the catalog's `Transaction`."""

from typing import Protocol

import msgspec


class KeptAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a request was answered."""

    status: int
    headers: dict[str, str]
    body: bytes


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request under its key. expires_at: of the claim or, once there is an answer, of that; epoch seconds."""

    id: str
    fingerprint: str
    claim: str
    resource_id: str
    expires_at: float
    answer: KeptAnswer | None = None


class RequestWriter(Protocol):
    """What is known of requests, and changes to it."""

    async def find_request(self, request_id: str) -> Request | None:
        """A request that was made before, answered or not."""
        ...

    async def claim_request(self, request: Request, *, now: float) -> str | None:
        """Enter a request unless a valid one of that id is there; returns the id of what it makes, else None.

        An unanswered one that has expired is taken over, with the id it had, if it is the same request.
        """
        ...

    async def keep_answer(self, request_id: str, claim: str, answer: KeptAnswer | None, *, expires_at: float) -> None:
        """Answer a request and say until when that is good; a claim that was taken over does nothing."""
        ...

    async def forget_requests(self, *, expired_before: float) -> None:
        """Forget those that have expired."""
        ...
