import asyncio

import msgspec
import pytest

from armarium.core.idempotency import (
    CLAIM_SECONDS,
    KEPT_SECONDS,
    Claim,
    Idempotency,
    KeyReused,
    StillRunning,
    fingerprint_of,
)
from armarium.domain.principal import Principal
from armarium.ports.requests import KeptAnswer
from tests.accounts import World

ADA, BOB = Principal(id="ada"), Principal(id="bob")


@pytest.fixture
async def world():
    async with World() as world:
        yield world


@pytest.fixture
def requests(world):
    return Idempotency(world.catalog, world.clock)


async def begin(requests, who=ADA, key="k", operation="POST /a", fingerprint="f"):
    return await requests.begin(who, key, operation, fingerprint)


async def test_a_finished_request_is_answered_again_for_a_day(requests, world):
    claim = await begin(requests)
    await requests.keep(claim, 201, {"location": "/a"}, b"made")
    again = await begin(requests)
    assert again == KeptAnswer(status=201, headers={"location": "/a"}, body=b"made")
    world.clock.time += KEPT_SECONDS
    assert isinstance(await begin(requests), Claim)


async def test_another_request_with_the_same_key_is_refused(requests):
    claim = await begin(requests)
    with pytest.raises(KeyReused):
        await begin(requests, fingerprint="other")
    await requests.keep(claim, 201, {}, b"")
    with pytest.raises(KeyReused):
        await begin(requests, fingerprint="other")


async def test_who_comes_while_the_first_is_under_way_waits(requests, world):
    claim = await begin(requests)
    with pytest.raises(StillRunning):
        await begin(requests)
    world.clock.time += CLAIM_SECONDS - 1
    await requests.renew(claim)
    world.clock.time += CLAIM_SECONDS - 1
    with pytest.raises(StillRunning):
        await begin(requests)


async def test_a_claim_that_died_or_was_released_is_taken_over_and_makes_the_same_thing(requests, world):
    first = await begin(requests)
    world.clock.time += CLAIM_SECONDS
    second = await begin(requests)
    await requests.release(second)
    third = await begin(requests)
    assert first.resource_id == second.resource_id == third.resource_id
    assert len({first.token, second.token, third.token}) == 3


async def test_keys_belong_to_a_caller_with_these_rights_and_an_operation(requests):
    reader = msgspec.structs.replace(ADA, read_only=True)
    claims = [
        await begin(requests),
        await begin(requests, BOB),
        await begin(requests, reader),
        await begin(requests, operation="POST /b"),
        await begin(requests, key="l"),
    ]
    assert len({claim.id for claim in claims}) == 5


async def test_of_many_at_once_one_is_done(requests):
    outcomes = await asyncio.gather(*(begin(requests) for _ in range(20)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Claim"] + ["StillRunning"] * 19


def test_a_fingerprint_ignores_how_json_is_written():
    assert fingerprint_of(b"", b'{"a": 1, "b": [2]}') == fingerprint_of(b"", b'{"b":[2],"a":1}')
    assert fingerprint_of(b"", b"[1]") != fingerprint_of(b"", b"[1.5]")
    assert fingerprint_of(b"x=1", b"{}") != fingerprint_of(b"", b"{}")
    assert fingerprint_of(b"", b"no json") != fingerprint_of(b"", b"no  json")
