"""Requests that were made before, in any catalog."""

import asyncio
from typing import Any

from armarium.ports.catalog import Catalog
from armarium.ports.requests import KeptAnswer, Request

ANSWER = KeptAnswer(status=201, headers={"location": "/a"}, body=b"\0{}")


def a_request(claim: str = "c", **values: Any) -> Request:
    given: dict[str, Any] = {
        "id": "r",
        "fingerprint": "f",
        "claim": claim,
        "resource_id": f"made by {claim}",
        "expires_at": 10.0,
    }
    return Request(**(given | values))


async def claim(catalog: Catalog, request: Request, *, now: float = 1.0) -> str | None:
    async with catalog.transaction() as tx:
        return await tx.claim_request(request, now=now)


async def answer(catalog: Catalog, held: str, kept: KeptAnswer | None, *, expires_at: float) -> Request | None:
    async with catalog.transaction() as tx:
        await tx.keep_answer("r", held, kept, expires_at=expires_at)
        return await tx.find_request("r")


class RequestContract:
    """Needs a fixture `catalog`."""

    async def test_of_many_who_claim_a_request_one_gets_it(self, catalog: Catalog) -> None:
        claimed = await asyncio.gather(*(claim(catalog, a_request(str(number))) for number in range(20)))
        assert len([made for made in claimed if made]) == 1

    async def test_an_answer_is_kept_until_it_expires(self, catalog: Catalog) -> None:
        await claim(catalog, a_request())
        kept = await answer(catalog, "c", ANSWER, expires_at=100.0)
        assert kept is not None
        assert (kept.answer, kept.expires_at) == (ANSWER, 100.0)
        assert await claim(catalog, a_request("d"), now=99.0) is None
        assert await claim(catalog, a_request("d"), now=100.0) == "made by d"

    async def test_an_abandoned_claim_is_taken_over_with_the_id_of_what_it_was_making(self, catalog: Catalog) -> None:
        await claim(catalog, a_request())
        assert await claim(catalog, a_request("d", expires_at=20.0), now=9.0) is None
        assert await claim(catalog, a_request("d", expires_at=20.0), now=10.0) == "made by c"
        late = await answer(catalog, "c", ANSWER, expires_at=100.0)
        assert late is not None
        assert (late.answer, late.expires_at) == (None, 20.0)
        assert await claim(catalog, a_request("e", fingerprint="other"), now=20.0) == "made by e"

    async def test_old_requests_are_forgotten(self, catalog: Catalog) -> None:
        await claim(catalog, a_request())
        async with catalog.transaction() as tx:
            await tx.forget_requests(expired_before=10.0)
            assert await tx.find_request("r") is not None
            await tx.forget_requests(expired_before=10.5)
            assert await tx.find_request("r") is None
