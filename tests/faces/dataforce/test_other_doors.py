"""What goes in through one door comes out of the other, byte for byte."""

import hashlib
import io
import zipfile
from typing import Any

import requests

from tests.faces.conftest import Visit
from tests.faces.dataforce.conftest import WEIGHTS, Shelf, put
from tests.faces.hypha.wire import an_artifact, contents, download
from tests.faces.people import Person


async def test_an_upload_here_is_read_through_the_hypha_door(store: Any, shelf: Shelf):
    artifact = shelf.upload(name="Best", description="d", tags=["x"], extra_values={"f1": 1})
    seen = await store.read(artifact["id"])
    assert seen.manifest["name"] == "Best"
    assert seen.manifest["dataforce"]["extra_values"] == {"f1": 1}
    assert (seen.type, seen.parent_id) == ("model", await alias_of(store, shelf.collection["id"]))
    assert await contents(store, artifact["id"]) == {"model.fnnx": WEIGHTS}


async def alias_of(store: Any, artifact_id: str) -> str:
    parent: str = (await store.read(artifact_id)).id
    return parent


async def test_an_upload_under_way_is_a_draft_elsewhere(store: Any, shelf: Shelf):
    announced = shelf.announce()
    listed = await store.list(shelf.collection["id"])
    assert listed == []
    assert put(announced["upload_details"]["url"], WEIGHTS).ok
    assert await store.list(shelf.collection["id"]) == []
    shelf.report(announced, "uploaded")
    assert [found["_id"] for found in await store.list(shelf.collection["id"])] == [announced["artifact"]["id"]]


async def test_what_came_in_elsewhere_is_here(store: Any, shelf: Shelf):
    where = {"parent_id": shelf.collection["id"]}
    single = await an_artifact(store, "single", {"d/data.csv": b"1,2"}, **where, type="application")
    several = await an_artifact(store, "several", {"a.txt": b"a", "d/b.txt": b"bb"}, **where, type="model")
    await store.create(alias="empty", manifest={"description": "no name"}, type="dataset", **where)
    found = {artifact["name"]: artifact for artifact in shelf.page()["items"]}
    assert {name: artifact["status"] for name, artifact in found.items()} == dict.fromkeys(
        ("single", "several", "empty"), "uploaded"
    )
    one = found["single"]
    assert (one["file_name"], one["size"], one["type"]) == ("data.csv", 3, "dataset")
    assert one["file_hash"] in ("", hashlib.sha256(b"1,2").hexdigest())  # some stores do not say
    assert one["manifest"] == {"name": "single"}
    assert shelf.download({"id": single["_id"]}).content == b"1,2"
    zipped = shelf.download({"id": several["_id"]})
    assert (found["several"]["file_name"], found["several"]["size"]) == ("several.zip", len(zipped.content))
    members = zipfile.ZipFile(io.BytesIO(zipped.content))
    assert {name: members.read(name) for name in members.namelist()} == {"a.txt": b"a", "d/b.txt": b"bb"}
    part = shelf.download({"id": several["_id"]}, range="bytes=0-3")
    assert (part.status_code, part.content) == (206, b"PK\x03\x04")


async def test_root_collections_of_other_doors_are_orbits(store: Any, shelf: Shelf):
    root = await store.create(alias="root", type="collection", manifest={"name": "Root"})
    inner = await store.create(alias="inner", type="collection", manifest={"x": 1}, parent_id=root.id)
    loose = await an_artifact(store, "loose", {"f.txt": b"f"}, parent_id=root.id)
    orbits = {orbit["name"]: orbit for orbit in shelf.api.get(f"/organizations/{shelf.organization}/orbits")}
    assert orbits["Root"]["bucket_secret_id"] == orbits["orbit"]["bucket_secret_id"]
    orbit = f"/organizations/{shelf.organization}/orbits/{root['_id']}"
    assert [(each["name"], each["type"]) for each in shelf.api.get(f"{orbit}/collections")["items"]] == [
        ("inner", "mixed")
    ]
    there = Shelf(shelf.api, shelf.organization, root["_id"], {"id": inner["_id"]})
    assert there.upload()["status"] == "uploaded"
    directly = shelf.api.get(f"{orbit}/collections/{root['_id']}/artifacts")["items"]
    assert [artifact["id"] for artifact in directly] == [loose["_id"]]


async def test_a_change_through_one_door_keeps_what_the_other_wrote(store: Any, shelf: Shelf):
    artifact = shelf.upload(extra_values={"f1": 1})
    manifest = {**(await store.read(artifact["id"])).manifest, "license": "MIT"}
    await store.edit(artifact["id"], manifest=manifest)
    shelf.api.patch(shelf.at(artifact), description="new")
    assert shelf.read(artifact)["extra_values"] == {"f1": 1}
    assert (await store.read(artifact["id"])).manifest["license"] == "MIT"


async def test_a_draft_of_another_door_survives_a_change_here(store: Any, shelf: Shelf):
    artifact = shelf.upload()
    await store.edit(artifact["id"], stage=True, version="new")
    url = await store.put_file(artifact["id"], file_path="second.txt")
    assert put(url, b"two").ok
    shelf.api.patch(shelf.at(artifact), name="renamed")
    assert shelf.read(artifact)["status"] == "uploaded"
    await store.commit(artifact["id"])
    assert await contents(store, artifact["id"]) == {"second.txt": b"two"}
    assert requests.get(await store.get_file(artifact["id"], file_path="second.txt"), timeout=10).content == b"two"
    assert shelf.read(artifact)["file_name"] == "second.txt"


async def test_a_download_here_counts_as_one(store: Any, visit: Visit, ada: Person, shelf: Shelf):
    artifact = shelf.upload()
    await store.edit(artifact["id"], config={"download_weights": {"model.fnnx": 1}})
    shelf.download(artifact)
    assert (await store.read(artifact["id"])).download_count == 1
    assert download(await store.get_file(artifact["id"], file_path="model.fnnx")) == WEIGHTS
