"""Ada's workspace: collections that grant this and that, things in them in every state, and whoever may come."""

import asyncio
import itertools
import os
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, NamedTuple

import aiohttp

from armarium.domain.identifiers import workspace_uuid
from armarium.domain.principal import LEVELS, Action, Grants, Role
from armarium.testing.server import RunningServer
from tests.faces.people import Person, a_person, signed_token
from tests.journeys.operations import (
    ARRIVING,
    FILE,
    OPEN_DOORS,
    ROOT,
    STATES,
    TUS,
    Operation,
    Request,
    Row,
    Target,
    content,
)
from tests.journeys.rights import Caller, Place, is_met

REFUSED = (401, 403, 404)
ALLOWED = (*range(200, 300), 400, 409, 501)
"""Done, or only not possible as things are: who is told so was let through."""

_numbers = itertools.count(1)


class Shelf(NamedTuple):
    """What a kind of collection grants, and what each thing in it grants by itself."""

    grants: Grants
    own: Grants | None = None


def shelves(eve: Person) -> Mapping[str, Shelf]:
    """Kinds of collections; the first of them tell most."""
    kinds = {
        "private": Shelf({}),
        "public": Shelf({"*": "r"}),
        "closed in parts": Shelf({"@": "*"}, {"@": "n"}),
        "for submissions": Shelf({"@": "l+"}, {"@": "*"}),
        OPEN: Shelf({"*": "*"}, {"*": "*"}),
        "for whoever is logged in": Shelf({"@": "r"}),
        "for Eve, not for others": Shelf({eve.id: "rw+", "@": "n"}, {eve.email: "rw", "@": "*"}),
        "for another workspace": Shelf({f"{eve.workspace}/*": "r"}, {f"{eve.workspace}/@": ["edit", "put_file"]}),
    }
    levels = {f"level {level}": Shelf({"@": level}, {"@": level}) for level in LEVELS}
    writing = {f"read, and own level {level}": Shelf({"@": "r"}, {"@": level}) for level in LEVELS}
    return {**kinds, **levels, **writing}


OPEN = "open to all, with things for all"
TELLING = 5
"""How many kinds of collections are tried every time."""


class Thing(NamedTuple):
    """An artifact that is there, and what is granted on it."""

    target: Target
    place: Place


class World:
    """Makes what is asked about, and again once it has been changed."""

    def __init__(self, url: str, ada: Person, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.ada = ada
        self.eve = a_person("eve")
        self.shelves = shelves(self.eve)
        self.names = {kind: f"s{number}" for number, kind in enumerate(self.shelves)}
        self._session = session
        self._made: dict[tuple[str, str], Thing] = {}
        self._shelf_ids: dict[str, tuple[str, Grants]] = {}

    async def ask(self, request: Request, token: str | None) -> tuple[int, Any]:
        """The status and, where it is JSON, the body of an answer."""
        headers = {**request.headers, **({"Authorization": f"Bearer {token}"} if token else {})}
        body = {"data": request.body} if isinstance(request.body, bytes) else {"json": request.body}
        given = {} if request.body is None else body
        async with self._session.request(
            request.method, f"{self.url}{request.path}", headers=headers, allow_redirects=False, **given
        ) as answer:
            is_json = answer.content_type == "application/json"
            return answer.status, await answer.json() if is_json else await answer.read()

    async def do(self, method: str, path: str, body: Any = None) -> Any:
        """Do something as Ada, which cannot fail."""
        status, answer = await self.ask(Request(method, path, body), self.ada.token)
        assert status < 300, (method, path, status, answer)
        return answer

    async def _call(self, function: str, **arguments: Any) -> Any:
        return await self.do("POST", f"/public/services/artifact-manager/{function}", arguments)

    async def thing(self, kind: str, state: str) -> Thing:
        if (kind, state) not in self._made:
            make = {ROOT: self._make_root, ARRIVING: self._make_arriving}.get(state, self._make)
            self._made[kind, state] = await make(kind, state)
        return self._made[kind, state]

    async def with_aspect(self, thing: Thing) -> Thing:
        """The same with a statement about it."""
        path = f"/1/aspects?entity={thing.target.urn}&schema=urn:tests:heard"
        made = await self.do("POST", path, {"is": "so"})
        return thing._replace(target=thing.target._replace(aspect=made["id"]))

    def forget(self, kind: str, state: str) -> None:
        """Make it anew when it is asked for."""
        self._made.pop((kind, state), None)

    async def _make(self, kind: str, state: str) -> Thing:
        alias = f"{self.names[kind]}-{state}"
        shelf_id, grants = await self._shelf(kind)
        await self._remove(alias)
        config = {"permissions": self.shelves[kind].own or {}}
        made = await self._call(
            "create",
            alias=alias,
            parent_id=shelf_id,
            manifest={"name": "Box"},
            type="dataset",
            config=config,
            stage=True,
        )
        await self.do("PUT", f"/{self.ada.workspace}/artifacts/{alias}/files/{FILE}", content())
        if state != "draft":
            await self._call("commit", artifact_id=made["id"])
        if state == "changed":
            await self._call("edit", artifact_id=made["id"], manifest={"name": "Drafted"}, stage=True)
            await self.do("PUT", f"/{self.ada.workspace}/artifacts/{alias}/files/{FILE}", content())
        place = Place(made["config"]["permissions"], grants)
        return Thing(self._target(shelf_id, made), place)

    async def _make_root(self, kind: str, state: str) -> Thing:
        alias = f"{self.names[kind]}-{state}"
        await self._remove(alias)
        made = await self._collection(alias, self.shelves[kind].grants)
        return Thing(self._target(made["_id"], made), Place(made["config"]["permissions"]))

    async def _make_arriving(self, kind: str, state: str) -> Thing:
        """What the IVCAP door began, on a collection of this kind, and the upload it waits for under its other name."""
        shelf_id, grants = await self._shelf(kind)
        begun = Request("POST", "/1/artifacts", headers={**TUS, "X-Content-Length": "3", "X-Name": "YS56aXA="})
        status, answer = await self.ask(begun, self.ada.token)
        assert status == 201, answer
        id_ = answer["id"].rpartition(":")[2]
        await self._call("set_parent", artifact_id=id_, new_parent_id=shelf_id)
        made = await self._call("read", artifact_id=id_, stage=True)
        upload = await self._begun(id_)
        return Thing(
            self._target(shelf_id, made)._replace(upload=upload), Place(made["config"]["permissions"], grants, False)
        )

    async def _begun(self, artifact_id: str) -> str:
        named = f"artifact {b64encode(artifact_id.encode()).decode()},path {b64encode(FILE.encode()).decode()}"
        begun = Request("POST", "/-/tus", headers={**TUS, "Upload-Length": "3", "Upload-Metadata": named})
        async with self._session.request(
            begun.method, f"{self.url}{begun.path}", headers={**begun.headers, **self.ada.headers}
        ) as answer:
            assert answer.status == 201
            return answer.headers["location"].rpartition("/")[2]

    async def _shelf(self, kind: str) -> tuple[str, Grants]:
        if kind not in self._shelf_ids:
            made = await self._collection(self.names[kind], self.shelves[kind].grants)
            self._shelf_ids[kind] = (made["_id"], made["config"]["permissions"])
        return self._shelf_ids[kind]

    async def _collection(self, alias: str, grants: Grants) -> Any:
        return await self._call(
            "create", alias=alias, type="collection", manifest={"name": alias}, config={"permissions": grants}
        )

    async def _remove(self, alias: str) -> None:
        name = f"{self.ada.workspace}/{alias}"
        status, _ = await self.ask(
            Request("POST", "/public/services/artifact-manager/delete", {"artifact_id": name}), self.ada.token
        )
        assert status in (200, 404)

    def _target(self, shelf_id: str, made: Mapping[str, Any]) -> Target:
        return Target(
            workspace=self.ada.workspace,
            organization=workspace_uuid(self.ada.workspace),
            shelf=shelf_id,
            id=made["_id"],
            alias=made["alias"],
        )

    async def wrong_cells(
        self, operation: Operation, callers: Mapping[str, Caller], kinds: list[str], state: str, roles: Any
    ) -> list[str]:
        """Every cell of an operation in which a door does not say what the table does.

        Whoever is not let in is tried where everybody else may do everything.
        """

        async def of_kind(kind: str) -> list[str]:
            found = []
            for (who, caller), row in itertools.product(callers.items(), operation.rows):
                if caller.is_let_in or kind == OPEN:
                    found += await self._tried(operation, row, (who, caller), kind, state, roles)
            return found

        return list(itertools.chain.from_iterable(await asyncio.gather(*map(of_kind, kinds))))

    async def _tried(
        self, operation: Operation, row: Row, named: tuple[str, Caller], kind: str, state: str, roles: Any
    ) -> list[str]:
        who, caller = named
        thing = await self.thing(kind, state)
        if operation.has_aspect:
            thing = await self.with_aspect(thing)
        request = row.request(thing.target)
        status, answer = await self.ask(request, caller.token)
        is_allowed = status in ALLOWED and (row.shows is None or row.shows(answer))
        is_known = caller.token is not None or row.door in OPEN_DOORS
        wanted = is_known and any(is_met(need, caller, thing.place, roles) for need in row.needs(state))
        if is_allowed and operation.changes:
            self.forget(kind, state)
        if is_allowed is wanted and (is_allowed or status in (*REFUSED, 200)):
            return []
        asked = f"{request.method} {request.path.replace(thing.target.id, '<id>')}"
        return [
            f"{who}, {kind}, {state}: {asked} must be {'allowed' if wanted else 'refused'}: {status} {answer!r:.200}"
        ]


async def callers(world: World, server: RunningServer) -> dict[str, Caller]:
    """Who may come to Ada's collections, and what the table must know of them."""
    ada, eve, place = world.ada, world.eve, world.ada.workspace
    owner = (ada.id, ada.email, "@", "*")
    await world.do("GET", f"/{place}/artifacts/")
    elsewhere = f"elsewhere-{os.getpid()}-{next(_numbers)}"
    server.run("workspace", "create", elsewhere, "--owner", ada.id)
    member = a_person("member")
    assert (await world.ask(Request("GET", f"/{place}/artifacts/"), member.token))[0] == 200
    server.run("workspace", "share", place, member.id, "--role", "read_write")

    async def child(**config: Any) -> str:
        return str(await world.do("POST", f"/{place}/services/ws/generate_token", {"config": config}))

    def login(code: str) -> str:
        return signed_token(sub=f"member-{code}-{os.getpid()}-{next(_numbers)}", scope=f"ws:{place}#{code} wid:{place}")

    def key(*options: str) -> str:
        return server.run("token", "create", "--user", ada.id, *options).strip().splitlines()[-1]

    boxes = [f"{place}/{name}-{state}" for name in list(world.names.values())[:TELLING] for state in STATES]
    revoked = await child(permission="admin")
    await world.do("POST", f"/{place}/services/ws/revoke_token", {"token": revoked})
    at_home = (eve.id, eve.email, f"{eve.workspace}/@", f"{eve.workspace}/*", "@", "*")
    at_home_token = signed_token(sub=eve.id, scope=f"ws:{eve.workspace}#a wid:{eve.workspace}")
    abroad = signed_token(sub=eve.id, scope=f"ws:{eve.workspace}#a ws:{elsewhere}#r wid:{elsewhere}")
    return {
        "nobody": Caller(None, keys=("*",)),
        "somebody with a made-up token": Caller("made-up", is_let_in=False),
        "somebody whose token has expired": Caller(
            signed_token(sub=ada.id, scope=f"ws:{place}#a", lifetime_seconds=-60), is_let_in=False
        ),
        "somebody whose token others signed": Caller(
            signed_token(sub=ada.id, scope=f"ws:{place}#a", secret="a secret that this server does not know"),
            is_let_in=False,
        ),
        "somebody whose token was revoked": Caller(revoked, is_let_in=False),
        "a stranger": Caller(a_person("stranger").token, keys=("@", "*")),
        "Eve": Caller(eve.token, keys=at_home),
        "Eve, who says that she is at home": Caller(at_home_token, keys=at_home),
        "Eve, elsewhere": Caller(abroad, keys=(eve.id, eve.email, "@", "*")),
        "a reader": Caller(login("r"), Role.READ, ("@", "*")),
        "a writer": Caller(login("rw"), Role.READ_WRITE, ("@", "*")),
        "an admin": Caller(login("a"), Role.ADMIN, ("@", "*")),
        "a member who writes": Caller(member.token, Role.READ_WRITE, (member.id, member.email, "@", "*")),
        "the owner": Caller(ada.token, Role.ADMIN, owner),
        "the owner's reading token": Caller(key("--role", "read"), Role.READ, owner, reads_only=True),
        "the owner's token for elsewhere": Caller(key("--workspace", elsewhere), keys=("@", "*")),
        "who reads for the owner": Caller(await child(permission="read"), Role.READ, owner, reads_only=True),
        "who writes for the owner": Caller(await child(permission="read_write"), Role.READ_WRITE, owner),
        "who may fetch the file": Caller(
            await child(extra_scopes=[f"get_file:{box}:{FILE}" for box in boxes]), only=Action.GET_FILE
        ),
        "who may bring the file": Caller(
            await child(extra_scopes=[f"put_file:{box}:{FILE}" for box in boxes]), only=Action.PUT_FILE
        ),
    }
