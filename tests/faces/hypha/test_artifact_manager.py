"""Details of the functions and the routes that no other story tells."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypha_rpc import connect_to_server

from armarium.testing.server import RunningServer
from tests.faces.conftest import Visit
from tests.faces.hypha.wire import an_artifact, contents, refusal
from tests.faces.people import JWT_SECRET, Person

PUBLIC = {"permissions": {"*": "r"}}


# aliases


async def test_a_pattern_is_filled(store: Any, ada: Person):
    parts = {"colors": ["red", "blue"], "n": 7}
    parent = await store.create(alias="p", type="collection", manifest={"name": "P"}, config={"id_parts": parts})
    made = await store.create(alias="{colors}-{n}-{user_id}", parent_id=parent.id, manifest={"name": "x"})
    assert re.fullmatch(rf"(red|blue)-7-{ada.id}", made.alias)
    stamped = await store.create(alias="{timestamp}", manifest={"name": "x"})
    assert re.fullmatch(r"\d{13}", stamped.alias)
    unknown = await store.create(alias="x-{unheard_of}", manifest={"name": "x"})
    assert re.fullmatch(r"x-[0-9a-f-]{36}", unknown.alias)
    words = await store.create(manifest={"name": "x"})
    assert re.fullmatch(r"[a-z]+-[a-z]+-[a-z]+-[a-z]+", words.alias)


async def test_only_the_pattern_must_be_short_not_what_it_becomes(store: Any):
    made = await store.create(alias="a-name-of-some-length-{uuid}-{uuid}", manifest={"name": "x"})
    assert len(made.alias) > 64
    assert (await store.read(made.alias)).id == made.id
    with refusal("ValueError: .*too long"):
        await store.create(alias="a" * 60 + "{uuid}", manifest={"name": "x"})


@pytest.mark.parametrize("name", ["{zenodo_id}", "record-{zenodo_conceptrecid}"])
async def test_a_deposit_number_needs_a_deposit(store: Any, name: str):
    with refusal("ValueError: .*publish_to"):
        await store.create(alias=name, manifest={"name": "x"})
    assert await store.list(stage="all") == []


@pytest.mark.parametrize("alias", ["with:colon", "dots.and-dashes_1", "a+b@c=d|e"])
async def test_every_allowed_alias_works_in_a_url(store: Any, web: requests.Session, url: str, alias: str):
    artifact = await an_artifact(store, alias, {"a.txt": b"a"}, config=PUBLIC)
    for written in (alias, requests.utils.quote(alias, safe="")):
        base = f"{url}/{artifact.workspace}/artifacts/{written}"
        assert web.get(base, timeout=10).json()["alias"] == alias
        assert web.get(f"{base}/files/a.txt", timeout=10).content == b"a"


# edits


async def test_a_new_config_hides_no_children(store: Any):
    gallery = await store.create(alias="gallery", type="collection", manifest={"name": "G"})
    plain = await store.create(alias="plain", manifest={"name": "P"})
    for parent in (gallery, plain):
        await store.create(parent_id=parent.id, manifest={"name": "Child"})
        await store.edit(parent.id, config={"permissions": {"*": "r"}})
        assert len(await store.list(parent.id)) == 1
        await store.edit(parent.id, config={}, stage=True)
        await store.commit(parent.id)
        assert len(await store.list(parent.id)) == 1


async def test_whoever_edits_a_child_keeps_the_grant_they_have(store: Any, bobs_store: Any, bob: Person, ada: Person):
    rules = {"permissions": {"@": "rw+"}}
    gallery = await store.create(alias="gallery", type="collection", manifest={"name": "G"}, config=rules)
    child = await bobs_store.create(alias="child", parent_id=gallery.id, manifest={"name": "C"})
    edited = await bobs_store.edit(child.id, config={"note": "mine", "permissions": {"@": "r"}})
    assert edited.config.permissions == {bob.id: "*", "@": "r"}
    await bobs_store.edit(child.id, manifest={"name": "Still mine"})
    again = await store.edit(child.id, config={"note": "literal"})
    assert again.config.note == "literal"
    assert ada.id not in again.config.get("permissions", {})


async def test_permissions_can_be_given_on_their_own(store: Any, bobs_store: Any):
    made = await store.create(alias="box", manifest={"name": "B"}, config={"note": 1}, permissions={"@": "r"})
    assert (await bobs_store.read(made.id, include_metadata=True)).config.note == 1
    edited = await store.edit(made.id, permissions={"@": "n"})
    assert (edited.config.note, edited.config.permissions) == (1, {"@": "n"})
    with refusal("PermissionError"):
        await bobs_store.read(made.id)


async def test_an_older_version_is_edited_by_its_name(store: Any):
    box = await an_artifact(store, "box", {"a.txt": b"a"}, manifest={"name": "first"})
    await store.edit(box.id, manifest={"name": "second"}, version="new")
    await store.edit(box.id, manifest={"name": "first, corrected"}, version="v0")
    assert (await store.read(box.id, version="v0")).manifest.name == "first, corrected"
    assert (await store.read(box.id)).manifest.name == "second"
    assert await contents(store, box.id, version="v0") == {"a.txt": b"a"}


# reading text in part


async def test_text_is_never_cut_within_a_character(store: Any):
    text = "é" * 40_000 + "魚🐟"
    await store.create(alias="text", manifest={"name": "T"}, stage=True)
    await store.write_file("text", "t.txt", text)
    assert (await store.read_file("text", "t.txt", stage=True))["content"] == "é" * 32_768
    read = ""
    while part := (await store.read_file("text", "t.txt", stage=True, offset=len(read.encode()), limit=999))["content"]:
        read += part
    assert read == text
    with refusal("ValueError: .*not valid text"):
        await store.read_file("text", "t.txt", stage=True, offset=1, limit=10)
    await store.write_file("text", "b.bin", b"abc\xff", "binary")
    with refusal("ValueError: .*not valid text"):
        await store.read_file("text", "b.bin", stage=True)


# listings


async def test_or_never_reaches_below_the_root(store: Any):
    gallery = await store.create(alias="gallery", type="collection", manifest={"name": "Bird gallery"})
    await store.create(alias="child", parent_id=gallery.id, manifest={"name": "Bird child"})
    assert [item.alias for item in await store.list(keywords=["bird", "nothing"], mode="OR")] == ["gallery"]
    assert [item.alias for item in await store.list(filters={"type": "generic"}, keywords=["x"], mode="OR")] == []
    assert len(await store.search(keywords=["bird", "nothing"], mode="OR")) == 2


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    settings = {"ARMARIUM_JWT_SECRET": JWT_SECRET, "ARMARIUM_HYPHA_OPEN_LISTING": "true"}
    with RunningServer(tmp_path_factory.mktemp("open") / "data", settings=settings) as server:
        yield server


async def test_an_operator_can_open_listings_to_everybody(open_server: RunningServer, ada: Person, bob: Person):
    async with connect_to_server({"server_url": open_server.url, "token": ada.token}) as client:
        manager = await client.get_service("public/artifact-manager")
        closed = await manager.create(alias="closed", type="collection", manifest={"name": "Closed"})
        await manager.create(alias="child", parent_id=closed.id, manifest={"name": "Child"})
        limited = await client.generate_token({"extra_scopes": [f"get_file:{closed.id}:*"]})
    base = f"{open_server.url}/{ada.workspace}/artifacts"

    def listed(path: str, headers: dict[str, str] | None = None) -> list[str]:
        return [item["alias"] for item in requests.get(f"{base}{path}", headers=headers, timeout=10).json()]

    for headers in (None, bob.headers):
        assert listed("/", headers) == ["closed"]
        assert listed("/-/search", headers) == ["closed", "child"]
        for path in ("/closed", "/closed/children", "/closed/files/"):
            assert requests.get(f"{base}{path}", headers=headers, timeout=10).status_code == 403
    assert listed("/", {"Authorization": f"Bearer {limited}"}) == []


# HEAD and slashes


async def test_head_answers_wherever_get_does_and_counts_nothing(
    store: Any, web: requests.Session, url: str, ada: Person
):
    box = await an_artifact(store, "box", {"d/a.txt": b"abc"}, type="collection")
    await store.set_download_weight(box.id, "d/a.txt", 1)
    for path in ("", "/", "/-/search", "/box", "/box/children", "/box/files", "/box/files/", "/box/files/d/",
                 "/box/files/d/a.txt", "/missing", "/box/files/missing"):  # fmt: skip
        address = f"{url}/{ada.workspace}/artifacts{path}"
        got = web.get(f"{address}?silent=1", headers=ada.headers, timeout=10)
        told = web.head(address, headers=ada.headers, timeout=10)
        assert (told.status_code, told.content) == (got.status_code, b""), path
        for name in ("content-type", "content-length"):
            assert told.headers[name] == got.headers[name], path
    function = f"{url}/public/services/artifact-manager/read?artifact_id=box&silent=true"
    assert web.head(function, headers=ada.headers, timeout=10).status_code == 200
    after = await store.read(box.id, silent=True)
    assert (after.view_count, after.download_count) == (0, 0)


async def test_where_a_slash_matters_and_where_not(store: Any, web: requests.Session, url: str, ada: Person):
    await an_artifact(store, "box", {"d/a.txt": b"abc"})
    base = f"{url}/{ada.workspace}/artifacts"

    def get(path: str) -> requests.Response:
        return web.get(f"{base}{path}", headers=ada.headers, timeout=10, allow_redirects=False)

    assert get("").json() == get("/").json()
    assert (
        get("/box/files").json()
        == get("/box/files/").json()
        == [{"type": "directory", "name": "d", "size": 0, "last_modified": None}]
    )
    assert [entry["name"] for entry in get("/box/files/d/").json()] == ["a.txt"]
    for missing in ("/box/files/d", "/box/files/d/a.txt/", "/box/", "/box/children/", "/-/search/"):
        assert get(missing).status_code == 404, missing
    missing_parent = get("/missing/children")
    assert (missing_parent.status_code, missing_parent.json()) == (404, {"detail": "Parent artifact not found"})


async def test_visitors_create_nothing_that_stays(visit: Visit):
    visitor = await visit()
    manager = await visitor.get_service("public/artifact-manager")
    with refusal("PermissionError: .*non-persistent workspace"):
        await manager.create(alias="x", manifest={"name": "x"})
