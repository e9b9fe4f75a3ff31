"""Role x operation x state x door: every cell is tried over the wire, and answered as one table says."""

import itertools
import re
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from hypha_rpc import connect_to_server

from armarium.core.permissions import SUFFICIENT_ROLE
from armarium.domain.principal import Action, Role
from armarium.testing.server import RunningServer
from tests.faces.people import a_person
from tests.journeys.operations import OPERATIONS, Request, Target
from tests.journeys.rights import Caller
from tests.journeys.world import REFUSED, TELLING, World, callers

pytestmark = pytest.mark.asyncio(loop_scope="module")

CELLS = [(name, state) for name, operation in OPERATIONS.items() for state in operation.states]
REST_DOORS = ("dataforce", "ivcap", "aimable")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(server: RunningServer) -> AsyncIterator[World]:
    # Sooner than the server does: a request must not meet a connection that is just being closed.
    connector = aiohttp.TCPConnector(keepalive_timeout=2)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield World(server.url, a_person("ada"), session)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def everybody(world: World, server: RunningServer) -> dict[str, Caller]:
    return await callers(world, server)


@pytest.mark.parametrize(("name", "state"), CELLS)
async def test_every_door_gives_the_verdict_of_the_table(
    world: World, everybody: dict[str, Caller], name: str, state: str
):
    kinds = list(world.shelves)[:TELLING]
    named = {who: caller for who, caller in everybody.items() if world.eve.id not in caller.keys}  # nobody there is Eve
    assert await world.wrong_cells(OPERATIONS[name], named, kinds, state, SUFFICIENT_ROLE) == []


@pytest.mark.parametrize(
    ("action", "role", "name", "who"),
    [
        (Action.DELETE, Role.READ_WRITE, "delete a version", "a writer"),
        (Action.EDIT, Role.ADMIN, "make a statement", "a member who writes"),
        (Action.GET_FILE, Role.READ_WRITE, "fetch", "a reader"),
    ],
)
async def test_one_wrong_cell_of_the_table_is_seen(
    world: World, everybody: dict[str, Caller], action: Action, role: Role, name: str, who: str
):
    wrong = {**SUFFICIENT_ROLE, action: role}
    found = await world.wrong_cells(OPERATIONS[name], everybody, ["private"], "committed", wrong)
    assert any(cell.startswith(f"{who}, private, committed: ") for cell in found)
    assert await world.wrong_cells(OPERATIONS[name], everybody, ["private"], "committed", SUFFICIENT_ROLE) == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "state"), CELLS)
async def test_every_level_of_the_table_is_the_same_at_every_door(
    world: World, everybody: dict[str, Caller], name: str, state: str
):
    named = {who: caller for who, caller in everybody.items() if caller.only is None}  # those name a few artifacts
    kinds = list(world.shelves)[TELLING:]
    assert await world.wrong_cells(OPERATIONS[name], named, kinds, state, SUFFICIENT_ROLE) == []


# whatever is not in the table

WITHOUT_ARTIFACT = {
    "GET /v1/health", "GET /v1/me", "GET /v1/spaces", "POST /v1/spaces",
    "GET /v1/users/me/organizations", "POST /v1/users/me/api-keys", "POST /v1/organizations",
    "DELETE /v1/organizations/{organization_id}", "GET /v1/organizations/{organization_id}/orbits",
    "POST /v1/organizations/{organization_id}/bucket-secrets",
    "PATCH /v1/organizations/{organization_id}/bucket-secrets/{secret_id}",
    "DELETE /v1/organizations/{organization_id}/bucket-secrets/{secret_id}", "POST /v1/bucket-secrets/urls",
    "POST /1/artifacts", "GET /1/artifacts", "GET /1/secrets", "GET /1/secrets/list", "POST /1/secrets",
    "POST /1/search",
}  # fmt: skip
"""What asks about no artifact, or about those of the caller's own workspace: the tests of the doors try it."""
OF_WHAT_IS_UNDER_WAY = {
    "GET /v1/spaces/{space_id}/artifacts/{artifact_id}/jobs/{job_id}",
    "POST /v1/spaces/{space_id}/artifacts/{artifact_id}/jobs/{job_id}/cancel",
    "POST /v1/spaces/{space_id}/artifacts/{artifact_id}/jobs/{job_id}/retry",
    "POST /v1/bucket-secrets/upload/multipart", "POST /1/artifacts/{id}/blob",
    "put_file_complete_multipart", "get_job",
}  # fmt: skip
"""What names a job or an upload, which must be there before it can be refused: the tests of the doors try it."""


async def operations_of(world: World, door: str) -> list[tuple[str, str]]:
    """The method and path of everything a door says that it can do."""
    status, document = await world.ask(Request("GET", f"/openapi/{door}.json"), None)
    assert status == 200
    methods = ("get", "put", "post", "patch", "delete", "head")
    return [(method.upper(), path) for path, item in document["paths"].items() for method in item if method in methods]


@pytest.fixture(scope="module")
def in_the_table() -> list[Request]:
    somewhere = Target("w", "o", "s", "i", "a", "aspect", "upload")
    return [row.request(somewhere) for operation in OPERATIONS.values() for row in operation.rows]


@pytest.mark.parametrize("door", REST_DOORS)
async def test_every_operation_of_a_door_is_in_the_table(world: World, in_the_table: list[Request], door: str):
    asked = {(request.method, request.path.partition("?")[0]) for request in in_the_table}

    def is_asked(method: str, path: str) -> bool:
        pattern = re.compile(re.sub(r"\{\w+\}", "[^/]+", path))
        return any(verb == method and pattern.fullmatch(there) for verb, there in asked)

    left = {f"{method} {path}" for method, path in await operations_of(world, door) if not is_asked(method, path)}
    assert left - WITHOUT_ARTIFACT - OF_WHAT_IS_UNDER_WAY == set()


async def test_every_function_of_the_artifact_manager_is_in_the_table(world: World, in_the_table: list[Request]):
    client = await connect_to_server({"server_url": world.url, "token": world.ada.token})
    manager = await client.get_service("public/artifact-manager")
    functions = {name for name, value in manager.items() if callable(value)}
    await client.disconnect()
    assert len(functions) > 25
    asked = {request.path.rpartition("/")[2] for request in in_the_table if "/artifact-manager/" in request.path}
    assert functions - asked - OF_WHAT_IS_UNDER_WAY == set()


@pytest.mark.parametrize("door", REST_DOORS)
async def test_a_door_lets_nobody_in_who_is_not_known(world: World, everybody: dict[str, Caller], door: str):
    unknown = {who: caller for who, caller in everybody.items() if not caller.is_let_in or caller.token is None}
    assert len(unknown) == 5
    let_in = []
    for (method, path), (who, caller) in itertools.product(await operations_of(world, door), unknown.items()):
        somewhere = re.sub(r"\{\w+\}", "01a20032-4740-7124-b014-9ae62cc7160f", path)
        status, _ = await world.ask(Request(method, somewhere), caller.token)
        if status != 401 and path != "/v1/health":
            let_in.append(f"{who}: {method} {path}: {status}")
    assert let_in == []


async def test_whoever_may_nothing_is_refused_everything(world: World, everybody: dict[str, Caller]):
    """Deny by default: without a role and a grant there is not one operation that is let through."""
    for name, state in CELLS:
        thing = await world.thing("private", state)
        for row in OPERATIONS[name].rows:
            request = row.request(thing.target._replace(aspect="urn:ivcap:aspect:01a20032-4740-7124-b014-9ae62cc7160f"))
            status, answer = await world.ask(request, everybody["a stranger"].token)
            shown = row.shows(answer) if row.shows else status not in REFUSED
            assert not shown, (name, request, status, answer)
