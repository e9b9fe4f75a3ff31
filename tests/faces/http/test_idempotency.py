import asyncio

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from armarium.core.idempotency import Idempotency
from armarium.domain.errors import Invalid, NotAuthenticated, Unavailable
from armarium.domain.principal import Principal
from armarium.faces.http.errors import failure, status_of
from armarium.faces.http.idempotency import BadKey, key_of
from armarium.faces.http.parameters import Call
from armarium.faces.http.rest import Answer, Operation, RestDoor
from tests.accounts import World


class Shelf(msgspec.Struct):
    name: str


class Workshop:
    """A door that makes shelves; `faults` are what goes wrong next."""

    def __init__(self, requests):
        self.made = []
        self.faults = []
        self.began = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()
        operations = [Operation(method="POST", path="/{room}/shelves", handler=self.make, status=201, creates=True)]
        self.door = RestDoor(
            operations, caller=self.caller, tell=self.tell, max_body_bytes=1000, prefixes=("/v1", "/proxy/v1"),
            idempotency=requests,
        )  # fmt: skip

    async def caller(self, scope):
        name = dict(scope["headers"]).get(b"x-api-key", b"").decode()
        if not name:
            raise NotAuthenticated("Who are you?")
        return Principal(id=name)

    def tell(self, error):
        return failure({"detail": error.message}, error, status_of(error))

    async def make(self, who: Principal, room: str, body: Shelf, call: Call) -> Answer[Shelf]:
        """Make a shelf."""
        self.began.set()
        await self.go_on.wait()
        if self.faults:
            raise self.faults.pop(0)
        self.made.append((room, body.name, call.resource_id))
        return Answer(body, headers={"location": f"/{len(self.made)}"})


@pytest.fixture
async def shop():
    async with World() as world:
        yield Workshop(Idempotency(world.catalog, world.clock))


@pytest.fixture
async def post(shop):
    transport = httpx.ASGITransport(Starlette(routes=shop.door.routes()), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:

        async def post(path="/v1/hall/shelves", *, key='"k"', who="ada", json=None, **options):
            headers = {"x-api-key": who, **({"idempotency-key": key} if key is not None else {})}
            return await client.post(path, json=json or {"name": "oak"}, headers=headers, **options)

        yield post


async def test_the_same_request_is_answered_the_same_and_done_once(post, shop):
    first = await post()
    again = await post(key="k")
    assert (again.status_code, again.content, again.headers["location"]) == (201, first.content, "/1")
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
    assert (await post("/proxy/v1/hall/shelves")).headers["location"] == "/1"
    assert len(shop.made) == 1


async def test_without_a_key_every_request_is_done(post, shop):
    await post(key=None)
    await post(key=None)
    assert [made[2] for made in shop.made] == [None, None]


async def test_another_body_query_or_path_is_another_request(post, shop):
    await post()
    assert (await post(json={"name": "elm"})).status_code == 422
    assert (await post("/v1/hall/shelves?x=1")).status_code == 422
    assert (await post("/v1/cellar/shelves")).status_code == 201
    assert (await post(who="bob")).status_code == 201
    assert len(shop.made) == 3


async def test_who_comes_too_early_is_told_when_to_come_again(post, shop):
    shop.go_on.clear()
    first = asyncio.create_task(post())
    await shop.began.wait()
    early = await post()
    assert (early.status_code, early.headers["retry-after"]) == (409, "1")
    shop.go_on.set()
    assert (await first).status_code == 201
    assert (await post()).status_code == 201
    assert len(shop.made) == 1


async def test_refusals_are_kept_and_troubles_are_not(post, shop):
    shop.faults = [Invalid("name", "No such wood."), Unavailable("No wood today."), KeyError("oops")]
    assert [(await post(key="a")).status_code for _ in range(2)] == [400, 400]
    assert [(await post(key="b")).status_code for _ in range(3)] == [503, 500, 201]
    assert len(shop.made) == 1


async def test_a_replay_asks_who_it_is_for(post):
    await post()
    assert (await post(who="")).status_code == 401


@pytest.mark.parametrize("key", ["", "x" * 256, '""', "tab\there"])
async def test_a_key_nobody_can_use_is_refused(post, key):
    assert (await post(key=key)).status_code == 400


def test_quoted_and_bare_keys_are_the_same():
    assert key_of([(b"idempotency-key", b'"a\\"b"')]) == 'a"b' == key_of([(b"idempotency-key", b' a"b ')])
    assert key_of([]) is None
    with pytest.raises(BadKey):
        key_of([(b"idempotency-key", b"a"), (b"idempotency-key", b"a")])
