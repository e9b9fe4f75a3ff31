"""Role x operation x door x kind of collection: every cell is tried over the wire, and answered as one table says."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest
import requests

from armarium.core.permissions import SUFFICIENT_ROLE
from armarium.domain.identifiers import workspace_uuid
from armarium.domain.principal import Action, Grants, Role, expand_grant
from armarium.testing.server import RunningServer
from tests.faces.people import Person, a_person, signed_token

SHELVES: Mapping[str, Grants] = {
    "private": {},
    "for whoever is logged in": {"@": "r"},
    "public": {"*": "r"},
    "open to additions": {"@": "r+"},
    "for everybody to run": {"@": "*"},
}
CONTENT = b"what is in it"
_numbers = itertools.count(1)


class Caller(NamedTuple):
    """Somebody at a door. role: in the workspace; keys: the grant keys that name them."""

    token: str | None
    role: Role | None = None
    keys: tuple[str, ...] = ()
    is_let_in: bool = True


class Operation(NamedTuple):
    """What is asked of a door. on: what must be allowed on the artifact; on_parent: on its collection."""

    on: tuple[Action, ...] = ()
    on_parent: tuple[Action, ...] = ()


OPERATIONS: Mapping[str, Operation] = {
    "read": Operation((Action.READ,)),
    "fetch": Operation((Action.GET_FILE,)),
    "change": Operation((Action.EDIT, Action.COMMIT)),
    "change at once": Operation((Action.EDIT, Action.COMMIT), (Action.MUTATE,)),
    "delete": Operation((Action.DELETE,), (Action.DETACH,)),
    "create": Operation((), (Action.LIST, Action.DRAFT, Action.ATTACH)),
}


class World:
    """Ada's workspace, with a collection of each kind."""

    def __init__(self, url: str, ada: Person) -> None:
        self.url = url
        self.ada = ada
        self.shelves: dict[str, str] = {}
        for kind, grants in SHELVES.items():
            made = self.call("create", type="collection", manifest={"name": kind}, config={"permissions": grants})
            self.shelves[kind] = made["_id"]

    def call(self, function: str, **arguments: Any) -> Any:
        answer = requests.post(
            f"{self.url}/public/services/artifact-manager/{function}", json=arguments, headers=self.ada.headers,
            timeout=30,
        )  # fmt: skip
        assert answer.ok, answer.text
        return answer.json()

    def an_artifact(self, shelf: str) -> str:
        made = self.call("create", parent_id=self.shelves[shelf], manifest={"name": "Box"}, type="dataset", stage=True)
        put = requests.put(
            f"{self.url}/{self.ada.workspace}/artifacts/{made['alias']}/files/a.txt", data=CONTENT,
            headers=self.ada.headers, timeout=30,
        )  # fmt: skip
        assert put.ok
        return str(self.call("commit", artifact_id=made["id"])["_id"])


@pytest.fixture(scope="module")
def world(server: RunningServer) -> World:
    return World(server.url, a_person("ada"))


@pytest.fixture(scope="module")
def callers(world: World) -> dict[str, Caller]:
    place, eve = world.ada.workspace, a_person("eve")

    def member(code: str) -> str:
        return signed_token(sub=f"member-{code}-{next(_numbers)}", scope=f"ws:{place}#{code} wid:{place}")

    return {
        "nobody": Caller(None, keys=("*",)),
        "somebody with a made-up token": Caller("made-up", is_let_in=False),
        "somebody whose token has expired": Caller(
            signed_token(sub=world.ada.id, scope=f"ws:{place}#a", lifetime_seconds=-60), is_let_in=False
        ),
        "a stranger": Caller(eve.token, keys=("@", "*")),
        "a reader": Caller(member("r"), Role.READ, ("@", "*")),
        "a writer": Caller(member("rw"), Role.READ_WRITE, ("@", "*")),
        "an admin": Caller(member("a"), Role.ADMIN, ("@", "*")),
    }


CALLERS = (
    "nobody", "somebody with a made-up token", "somebody whose token has expired", "a stranger", "a reader",
    "a writer", "an admin",
)  # fmt: skip


def expected(caller: Caller, operation: Operation, grants: Grants) -> bool:
    """What the table says: by the role, or by the collection's grants, which are for reading and for the collection."""
    if not caller.is_let_in:
        return False
    held = next((grants[key] for key in caller.keys if key in grants), None)

    def allows(action: Action, *, granted: bool) -> bool:
        by_role = caller.role is not None and caller.role >= SUFFICIENT_ROLE[action]
        return by_role or (granted and action in expand_grant(held))

    reading = all(allows(action, granted=SUFFICIENT_ROLE[action] is Role.READ) for action in operation.on)
    return reading and all(allows(action, granted=True) for action in operation.on_parent)


class Request(NamedTuple):
    """How a door is asked. then: what is asked next."""

    method: str
    path: str
    json: Any = None
    then: "Request | None" = None


def asked(world: World, door: str, operation: str, shelf: str, artifact: str) -> Request | None:
    """The request of one cell, None where the protocol has no word for it."""
    place = world.shelves[shelf]
    organization = workspace_uuid(world.ada.workspace)
    orbit = f"/v1/organizations/{organization}/orbits/{place}/collections/{place}/artifacts"
    urn = f"/1/artifacts/urn:ivcap:artifact:{artifact}"
    space = f"/v1/spaces/{place}/artifacts"
    hypha, functions = f"/{world.ada.workspace}/artifacts/{artifact}", "/public/services/artifact-manager"
    model = {
        "file_name": "a.dfs", "extra_values": {}, "manifest": {}, "file_hash": "", "file_index": {}, "size": 1,
        "name": "new",
    }  # fmt: skip
    requests_of: dict[tuple[str, str], Request] = {
        ("hypha", "read"): Request("GET", hypha),
        ("hypha", "fetch"): Request("GET", f"{hypha}/files/a.txt"),
        ("hypha", "change"): Request(
            "POST",
            f"{functions}/edit",
            {"artifact_id": artifact, "manifest": {"name": "Changed"}, "stage": True},
            then=Request("POST", f"{functions}/commit", {"artifact_id": artifact}),
        ),
        ("hypha", "change at once"): Request(
            "POST", f"{functions}/edit", {"artifact_id": artifact, "manifest": {"name": "Changed"}}
        ),
        ("hypha", "delete"): Request("POST", f"{functions}/delete", {"artifact_id": artifact}),
        ("hypha", "create"): Request("POST", f"{functions}/create", {"parent_id": place, "manifest": {"name": "new"}}),
        ("dataforce", "read"): Request("GET", f"{orbit}/{artifact}"),
        ("dataforce", "fetch"): Request("GET", f"{orbit}/{artifact}/download-url"),
        ("dataforce", "change"): Request("PATCH", f"{orbit}/{artifact}", {"name": "Changed"}),
        ("dataforce", "delete"): Request("DELETE", f"{orbit}/{artifact}/force"),
        ("dataforce", "create"): Request("POST", orbit, model),
        ("ivcap", "read"): Request("GET", urn),
        ("ivcap", "fetch"): Request("GET", f"{urn}/blob"),
        ("aimable", "read"): Request("GET", f"{space}/{artifact}"),
        ("aimable", "fetch"): Request("GET", f"{space}/{artifact}/download"),
        ("aimable", "delete"): Request("DELETE", f"{space}/{artifact}"),
        ("aimable", "create"): Request("POST", f"{space}/generate", {"name": "new", "content": "YQ=="}),
    }
    return requests_of.get((door, operation))


DOORS = ("hypha", "dataforce", "ivcap", "aimable")
OPEN_DOORS = {"hypha"}
"""Those that take callers who do not say who they are."""


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.mark.parametrize("shelf", SHELVES)
@pytest.mark.parametrize("who", CALLERS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_door_gives_the_verdict_of_the_table(
    world: World, callers: dict[str, Caller], session: requests.Session, operation: str, who: str, shelf: str
):
    verdicts = {}
    for door in DOORS:
        artifact = world.an_artifact(shelf)
        request = asked(world, door, operation, shelf, artifact)
        if request is not None and (callers[who].token or door in OPEN_DOORS):
            verdicts[door] = is_allowed(session, world.url, request, callers[who].token)
    wanted = expected(callers[who], OPERATIONS[operation], SHELVES[shelf])
    assert verdicts == dict.fromkeys(verdicts, wanted)


@pytest.mark.parametrize("door", sorted(set(DOORS) - OPEN_DOORS))
def test_a_door_that_asks_who_is_there_lets_nobody_in_without_an_answer(
    world: World, session: requests.Session, door: str
):
    request = asked(world, door, "read", "public", world.an_artifact("public"))
    assert session.get(f"{world.url}{request.path}", timeout=30).status_code == 401


def is_allowed(session: requests.Session, url: str, request: Request, token: str | None) -> bool:
    answer = session.request(
        request.method, f"{url}{request.path}", json=request.json,
        headers={"Authorization": f"Bearer {token}"} if token else {}, timeout=30, allow_redirects=False,
    )  # fmt: skip
    assert answer.status_code < 300 or answer.status_code in (401, 403, 404), answer.text
    allowed = answer.status_code < 300
    return allowed and (request.then is None or is_allowed(session, url, request.then, token))
