"""Who may do what: the table of the reference page, cell by cell."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from armarium.testing.server import RunningServer
from tests.faces.conftest import Visit
from tests.faces.dataforce.conftest import Api, Shelf
from tests.faces.people import Person

FORBIDDEN = (403, "Not enough rights")

READ, CHANGE, DELETE, RUN = "read", "change", "delete", "run"
"""What it takes: read; add and change; delete; run the orbit."""

Attempt = Callable[[Shelf, dict[str, Any]], tuple[str, str, dict[str, Any]]]

ATTEMPTS: dict[str, tuple[str, Attempt]] = {
    "list orbits": (READ, lambda s, a: ("GET", f"/organizations/{s.organization}/orbits", {})),
    "read an orbit": (READ, lambda s, a: ("GET", s.orbit, {})),
    "list collections": (READ, lambda s, a: ("GET", f"{s.orbit}/collections", {})),
    "read a collection": (READ, lambda s, a: ("GET", s.path, {})),
    "list artifacts": (READ, lambda s, a: ("GET", s.artifacts, {})),
    "read an artifact": (READ, lambda s, a: ("GET", s.at(a), {})),
    "download": (READ, lambda s, a: ("GET", s.at(a, "/download-url"), {})),
    "add a collection": (CHANGE, lambda s, a: ("POST", f"{s.orbit}/collections", {"name": "n", "type": "mixed"})),
    "change a collection": (CHANGE, lambda s, a: ("PATCH", s.path, {"description": "new"})),
    "announce an artifact": (CHANGE, lambda s, a: ("POST", s.artifacts, {"file_name": "a.b", "size": 1})),
    "change an artifact": (CHANGE, lambda s, a: ("PATCH", s.at(a), {"description": "new"})),
    "delete an artifact": (DELETE, lambda s, a: ("DELETE", s.at(a), {})),
    "ask for a delete URL": (DELETE, lambda s, a: ("GET", s.at(a, "/delete-url"), {})),
    "delete several": (DELETE, lambda s, a: ("DELETE", s.artifacts, {"artifact_ids": [a["id"]], "force": True})),
    "delete a collection": (DELETE, lambda s, a: ("DELETE", s.path, {})),
    "change an orbit": (DELETE, lambda s, a: ("PATCH", s.orbit, {"name": "new"})),
    "list bucket secrets": (RUN, lambda s, a: ("GET", f"/organizations/{s.organization}/bucket-secrets", {})),
    "add an orbit": (
        RUN,
        lambda s, a: (
            "POST",
            f"/organizations/{s.organization}/orbits",
            {"name": "n", "bucket_secret_id": s.api.get(s.orbit)["bucket_secret_id"]},
        ),
    ),
    "delete an orbit": (DELETE, lambda s, a: ("DELETE", s.orbit, {})),
}

MAY: dict[str, tuple[str, ...]] = {
    "admin": (READ, CHANGE, DELETE, RUN),
    "read_write": (READ, CHANGE),
    "read": (READ,),
    "*": (READ, CHANGE, DELETE),
    "rw+": (READ, CHANGE),
    "r": (READ,),
    "nobody": (),
}
"""Workspace roles, and grants on the orbit."""


async def let_in(visit: Visit, server: RunningServer, shelf: Shelf, ada: Person, bob: Person, as_what: str) -> None:
    if as_what in ("admin", "read_write", "read"):
        server.run("workspace", "share", ada.workspace, bob.id, "--role", as_what)
    elif as_what != "nobody":
        client = await visit(ada)
        store = await client.get_service("public/artifact-manager")
        await store.edit(shelf.orbit_id, config={"permissions": {bob.id: as_what}})


@pytest.mark.parametrize("as_what", MAY)
async def test_the_table_of_rights_holds(
    visit: Visit,
    armarium_server: RunningServer,
    api: Api,
    bobs_api: Api,
    ada: Person,
    bob: Person,
    shelf: Shelf,
    as_what: str,
):
    bobs_api.get("/users/me/organizations")  # who was never here cannot be let in
    await let_in(visit, armarium_server, shelf, ada, bob, as_what)
    api.delete(shelf.path)  # it was made before Bob was let in
    for name, (takes, attempt) in ATTEMPTS.items():
        # What is made now takes over what the orbit grants.
        made = api.post(f"{shelf.orbit}/collections", name="later", type="mixed")
        later = Shelf(api, shelf.organization, shelf.orbit_id, made)
        artifact = {} if name == "delete a collection" else later.upload(b"x")
        method, path, body = attempt(later, artifact)
        answer = bobs_api(method, path, json=body or None)
        if takes in MAY[as_what]:
            assert answer.ok, (name, answer.text)
        else:
            assert (answer.status_code, answer.json()["detail"]) == FORBIDDEN, name


async def test_what_was_never_uploaded_is_shown_to_those_who_may_add(
    armarium_server: RunningServer, bobs_api: Api, ada: Person, bob: Person, shelf: Shelf
):
    artifact = shelf.announce()
    seen = shelf.seen_by(bobs_api)
    bobs_api.get("/users/me/organizations")
    armarium_server.run("workspace", "share", ada.workspace, bob.id, "--role", "read")
    assert seen.page()["items"] == []
    assert bobs_api.refused("GET", seen.at(artifact)) == (404, "Artifact not found")
    armarium_server.run("workspace", "share", ada.workspace, bob.id)
    assert [found["status"] for found in seen.page()["items"]] == ["pending_upload"]
    seen.read(artifact)


def test_strangers_are_not_told_what_is_there(bobs_api: Api, shelf: Shelf):
    assert bobs_api.refused("GET", shelf.orbit) == FORBIDDEN
    unknown = shelf.orbit_id[:-4] + "ffff"
    assert bobs_api.refused("GET", f"/organizations/{shelf.organization}/orbits/{unknown}") == FORBIDDEN
    assert bobs_api.refused("GET", f"/organizations/{unknown}/orbits")[0] == 404


@pytest.mark.parametrize("header", [None, "Bearer nonsense", "Basic !", "Bearer", "Token x"])
def test_whoever_shows_no_key_is_told_so(web: requests.Session, url: str, header: str | None):
    headers = {"Authorization": header} if header else {}
    answer = web.get(f"{url}/v1/users/me/organizations", headers=headers, timeout=10)
    assert (answer.status_code, answer.json()) == (401, {"detail": "Not authenticated"})


def test_a_key_made_here_opens_the_door(web: requests.Session, url: str, api: Api):
    key = api.post("/users/me/api-keys")["key"]
    again = Api(web, url, key)
    assert again.get("/users/me/organizations") == api.get("/users/me/organizations")


def test_an_organization_comes_and_goes(api: Api, ada: Person):
    name = f"{ada.id}-lab"
    made = api.post("/organizations", name=name)
    assert (made["name"], made["role"]) == (name, "owner")
    assert api.get(f"/organizations/{made['id']}") == made
    assert [found["name"] for found in api.get("/users/me/organizations")] == sorted([name, ada.workspace])
    assert api.refused("POST", "/organizations", json={"name": name})[0] == 409
    assert api.refused("POST", "/organizations", json={"name": "No Name"})[0] == 400
    api.delete(f"/organizations/{made['id']}")
    assert api.refused("GET", f"/organizations/{made['id']}") == (404, "Organization not found")


def test_an_orbit_changes_and_takes_all_along(api: Api, shelf: Shelf):
    shelf.upload()
    assert api.patch(shelf.orbit, name="renamed")["name"] == "renamed"
    unknown = shelf.orbit_id[:-4] + "ffff"
    refusal = (404, "Bucket secret not found")
    assert api.refused("PATCH", shelf.orbit, json={"bucket_secret_id": unknown}) == refusal
    orbits = f"/organizations/{shelf.organization}/orbits"
    assert api.refused("POST", orbits, json={"name": "x", "bucket_secret_id": unknown}) == refusal
    api.delete(shelf.orbit)
    assert api.refused("GET", shelf.path) == (404, "Orbit not found")
    assert api.get(orbits) == []
