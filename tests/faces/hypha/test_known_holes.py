"""Weaknesses that other servers of this protocol are known to have, tried one by one: none of them is here.

In the order of the list: what can be taken or broken, then what can be lost or mixed up.
"""

import asyncio
import io
import zipfile
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import requests

from tests.faces.conftest import Visit
from tests.faces.hypha.wire import (
    an_artifact,
    assert_tells_nothing,
    contents,
    download,
    fill,
    labels,
    paths,
    refusal,
    upload,
)
from tests.faces.people import Person

MANIFEST = {"name": "Taken"}
SECRETS = {"KEY": "sesame"}
PUBLIC = {"permissions": {"*": "r"}}

Ask = Callable[..., requests.Response]
Scoped = Callable[[str], Awaitable[dict[str, str]]]


@pytest.fixture
def ask(web: requests.Session, url: str) -> Ask:
    """Call a function over HTTP; whatever is refused tells nothing of the server."""

    def call(function: str, person: Person | None, **arguments: Any) -> requests.Response:
        address = f"{url}/public/services/artifact-manager/{function}"
        answer = web.post(address, json=arguments, headers=person.headers if person else {}, timeout=10)
        assert_tells_nothing(answer.text)
        return answer

    return call


@pytest.fixture
def get(web: requests.Session, url: str) -> Ask:
    """Ask for a path of the artifact routes as it is written, dots and all."""

    def send(path: str, headers: dict[str, str] | None = None) -> requests.Response:
        request = requests.Request("GET", f"{url}/x", headers=headers).prepare()
        request.url = f"{url}{path}"
        answer = web.send(request, timeout=10)
        if answer.status_code >= 400:
            assert_tells_nothing(answer.text)
        return answer

    return send


@pytest.fixture
async def scoped(visit: Visit, ada: Person) -> Scoped:
    """Make a token of Ada's that is good for one thing."""
    client = await visit(ada)

    async def headers(scope: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {await client.generate_token({'extra_scopes': [scope]})}"}

    return headers


# 1: writing into somebody else's workspace


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("way", ["workspace", "alias", "artifact_id"])
async def test_nobody_creates_in_the_workspace_of_another(
    store: Any, bobs_store: Any, strangers_store: Any, ask: Ask, ada: Person, bob: Person, way: str, overwrite: bool
):
    artifact = await an_artifact(store, "prized", {"a.txt": b"a"})
    for alias in ("prized", "fresh"):
        place = {
            "workspace": {"alias": alias, "workspace": ada.workspace},
            "alias": {"alias": f"{ada.workspace}/{alias}"},
            "artifact_id": {"artifact_id": f"{ada.workspace}/{alias}"},
        }[way]
        for other in (bobs_store, strangers_store):
            with refusal("PermissionError"):
                await other.create(manifest=MANIFEST, overwrite=overwrite, **place)
        for person in (bob, None):
            assert ask("create", person, manifest=MANIFEST, overwrite=overwrite, **place).status_code == 403
    assert [item.alias for item in await store.list()] == ["prized"]
    assert await store.read("prized", silent=True) == await store.read(artifact.id, silent=True)
    assert await contents(store, "prized") == {"a.txt": b"a"}


async def test_nobody_duplicates_into_the_workspace_of_another(
    store: Any, bobs_store: Any, ask: Ask, ada: Person, bob: Person
):
    await an_artifact(bobs_store, "mine", {"a.txt": b"a"})
    place = {"target_workspace": ada.workspace, "target_alias": "planted"}
    with refusal("PermissionError"):
        await bobs_store.duplicate("mine", **place)
    assert ask("duplicate", bob, source_artifact_id="mine", **place).status_code == 403
    assert await store.list() == []


# 2: paths that leave the artifact

WITH_A_PATH: list[tuple[str, dict[str, Any]]] = [
    ("get_file", {}),
    ("read_file", {}),
    ("put_file", {}),
    ("remove_file", {}),
    ("write_file", {"content": "x"}),
    ("put_file_start_multipart", {"part_count": 1}),
]
ESCAPES = ["../v0/a.txt", "../v0.json", "x/../../v0/a.txt", "../../{other}/v0/a.txt", "/a.txt", "..", "..\\a.txt"]


@pytest.mark.parametrize("escape", ESCAPES)
async def test_no_path_leads_out_of_an_artifact(store: Any, ask: Ask, get: Ask, ada: Person, escape: str):
    other = await an_artifact(store, "other", {"a.txt": b"private"}, secrets=SECRETS)
    shown = await an_artifact(store, "shown", {"a.txt": b"public"}, config=PUBLIC)
    await store.edit(shown.id, stage=True)
    path = escape.format(other=other["_id"])
    for function, more in WITH_A_PATH:
        with refusal("ValueError: "):
            await store[function](artifact_id=shown.id, file_path=path, **more)
        assert ask(function, ada, artifact_id=shown.id, file_path=path, **more).status_code == 400
    if not path.startswith("/"):
        with refusal("ValueError: "):
            await store.list_files(shown.id, path)
    for written in (path, path.replace("/", "%2F"), path.replace(".", "%2e"), path.replace("/", "%252F")):
        for tail in ("", "/"):
            answer = get(f"/{ada.workspace}/artifacts/shown/files/{written}{tail}")
            assert answer.status_code in (400, 404), (written, answer.status_code)
            assert b"private" not in answer.content
            assert b"sesame" not in answer.content


# 4: what a listing shows


async def test_no_listing_shows_what_the_caller_may_not_list(
    store: Any, bobs_store: Any, strangers_store: Any, get: Ask, ada: Person, bob: Person
):
    closed = await store.create(alias="closed", type="collection", manifest={"name": "Closed"})
    await store.create(alias="child", parent_id=closed.id, manifest={"name": "Child"}, config=PUBLIC)
    await store.create(alias="draft", manifest={"name": "Draft"}, stage=True)
    base = f"/{ada.workspace}/artifacts"
    for listing in ("/", "/-/search", "/?stage=all", "/-/search?stage=all", "/-/search?keywords=child"):
        assert len(get(f"{base}{listing}", ada.headers).json()) > 0
        for headers in ({}, bob.headers):
            assert get(f"{base}{listing}", headers).json() == []
            assert get(f"{base}{listing}{'&' if '?' in listing else '?'}pagination=1", headers).json()["total"] == 0
    assert get(f"{base}/closed/children", bob.headers).status_code == 403
    for other in (bobs_store, strangers_store):
        with refusal("PermissionError"):
            await other.list(closed.id)
        assert await other.search(filters={"workspace": ada.workspace}) == []


# 5: tokens for one thing


async def test_a_token_for_one_thing_is_good_for_nothing_else(store: Any, get: Ask, ask: Ask, scoped: Scoped, url: str):
    box = await an_artifact(store, "box", {"a.txt": b"a", "b.txt": b"b"})
    await store.edit(box.id, stage=True)
    await store.create(alias="elsewhere", manifest={"name": "Elsewhere"}, stage=True)
    reader, writer = await scoped(f"get_file:{box.id}:a.txt"), await scoped(f"put_file:{box.id}:new.txt")
    base = f"/{box.workspace}/artifacts"
    assert get(f"{base}/box/files/a.txt", reader).content == b"a"
    for path in ("box", "box/files/", "box/files/b.txt", "box/children", "elsewhere"):
        for headers in (reader, writer):
            assert get(f"{base}/{path}", headers).status_code == 403, path
    for path in ("", "-/search"):
        assert get(f"{base}/{path}", reader).json() == []
    assert requests.put(f"{url}{base}/box/files/new.txt", data=b"n", headers=writer, timeout=10).status_code == 200
    for path in ("box/files/other.txt", "elsewhere/files/new.txt"):
        for headers in (reader, writer):
            assert requests.put(f"{url}{base}/{path}", data=b"n", headers=headers, timeout=10).status_code == 403
    functions = f"{url}/public/services/artifact-manager"
    for function, arguments in (
        ("create", {"manifest": MANIFEST}),
        ("edit", {"artifact_id": box.id, "manifest": MANIFEST}),
        ("commit", {"artifact_id": box.id}),
        ("delete", {"artifact_id": box.id}),
        ("get_secret", {"artifact_id": box.id}),
        ("read", {"artifact_id": box.id}),
        ("duplicate", {"source_artifact_id": box.id}),
        ("put_file", {"artifact_id": box.id, "file_path": "other.txt"}),
        ("remove_file", {"artifact_id": box.id, "file_path": "a.txt"}),
    ):
        for headers in (reader, writer):
            answer = requests.post(f"{functions}/{function}", json=arguments, headers=headers, timeout=10)
            assert answer.status_code == 403, (function, answer.text)


async def test_a_token_for_one_file_opens_no_other_file_of_an_archive(store: Any, get: Ask, scoped: Scoped, url: str):
    box = await an_artifact(store, "archives", {"a.txt": b"a", "b.txt": b"b", "c.zip": zipped({"in.txt": b"inside"})})
    base = f"/{box.workspace}/artifacts/archives"
    one, archive = await scoped(f"get_file:{box.id}:a.txt"), await scoped(f"get_file:{box.id}:c.zip")
    assert get(f"{base}/create-zip-file?file=a.txt", one).status_code == 200
    assert get(f"{base}/zip-files/c.zip/~/in.txt", archive).content == b"inside"
    for path, headers in (
        ("create-zip-file", one),
        ("create-zip-file?file=b.txt", one),
        ("create-zip-file?file=a.txt&file=b.txt", one),
        ("zip-files/c.zip/~/in.txt", one),
        ("zip-files/c.zip?path=", one),
        ("create-zip-file", archive),
    ):
        assert get(f"{base}/{path}", headers).status_code == 403, path
        in_query = headers["Authorization"].removeprefix("Bearer ")
        joined = "&" if "?" in path else "?"
        assert requests.get(f"{url}{base}/{path}{joined}token={in_query}", timeout=10).status_code == 403, path


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


# 7: what a copy takes along


async def test_a_copy_holds_the_files_of_its_source_and_no_secrets(
    store: Any, bobs_store: Any, ada: Person, bob: Person
):
    source = await an_artifact(store, "source", {"v0.txt": b"0"}, secrets=SECRETS, config=PUBLIC)
    for number in range(1, 12):
        await store.edit(source.id, stage=True, version="new")
        await fill(store, source.id, {f"v{number}.txt": b"%d" % number})
        await store.commit(source.id)
    await store.delete(source.id, version="v11")
    for own, workspace in ((store, ada.workspace), (bobs_store, bob.workspace)):
        copy = await own.duplicate(source.id, target_alias="copy", target_workspace=workspace)
        assert await contents(own, copy.id) == {"v10.txt": b"10"}
        assert await own.get_secret(copy.id) == {}
    with refusal("PermissionError"):
        await bobs_store.get_secret(source.id)


# 8: addresses a caller makes up


@pytest.mark.parametrize("host", ["http://169.254.169.254", "http://127.0.0.1:1", "file:///etc"])
async def test_no_argument_makes_the_server_call_an_address(store: Any, url: str, host: str):
    box = await store.create(alias="box", manifest={"name": "Box"}, stage=True)
    target = await store.put_file(box.id, "a.txt", use_local_url=host, use_proxy=True)
    assert target.startswith(url)
    upload(target, b"a")
    await store.commit(box.id)
    assert (await store.get_file(box.id, "a.txt", use_local_url=host)).startswith(url)
    more = f"?use_local_url={host}&use_proxy=1"
    answer = requests.get(f"{url}/{box.workspace}/artifacts/box/files/a.txt{more}", timeout=10)
    assert answer.status_code == 403
    assert_tells_nothing(answer.text)


# 9: uploads of others, downloads of nothing


async def test_an_upload_in_parts_belongs_to_its_artifact(store: Any, bobs_store: Any, ask: Ask, bob: Person):
    box = await store.create(alias="box", manifest={"name": "Box"}, stage=True)
    other = await store.create(alias="other", manifest={"name": "Other"}, stage=True)
    await bobs_store.create(alias="his", manifest={"name": "His"}, stage=True)
    begun = await store.put_file_start_multipart(box.id, "a.txt", 1)
    etag = requests.put(begun.parts[0].url, data=b"a", timeout=10).headers["etag"]
    parts = [{"part_number": 1, "etag": etag}]
    with refusal("ValueError: Upload session expired or not found"):
        await store.put_file_complete_multipart(other.id, begun.upload_id, parts)
    with refusal("ValueError: Upload session expired or not found"):
        await bobs_store.put_file_complete_multipart("his", begun.upload_id, parts)
    stolen = ask("put_file_complete_multipart", bob, artifact_id=box.id, upload_id=begun.upload_id, parts=parts)
    assert stolen.status_code == 403
    await store.put_file_complete_multipart(box.id, begun.upload_id, parts)
    assert await contents(store, box.id, stage=True) == {"a.txt": b"a"}


async def test_what_is_not_there_counts_no_download_and_no_view(store: Any, get: Ask):
    box = await an_artifact(store, "box", {"a.txt": b"a"}, config=PUBLIC)
    await store.set_download_weight(box.id, "missing.txt", 5)
    for path in ("files/missing.txt", "files/missing.txt?version=v0", "files/a.txt?version=v9"):
        assert get(f"/{box.workspace}/artifacts/box/{path}").status_code in (400, 404)
    with refusal("FileNotFoundError"):
        await store.get_file(box.id, "missing.txt")
    with refusal("ValueError"):
        await store.read(box.id, version="v9")
    after = await store.read(box.id, silent=True)
    assert (after.download_count, after.view_count) == (0, 0)


# 10: deleting one version


async def test_the_other_versions_keep_their_names_and_files(store: Any):
    box = await an_artifact(store, "box", {"a.txt": b"r0"})
    for label in ("r1", "r2"):
        await store.edit(box.id, stage=True, version="new")
        await fill(store, box.id, {"a.txt": label.encode(), f"{label}.txt": b""})
        await store.commit(box.id, version=label)
    await store.delete(box.id, version="r1")
    assert await contents(store, box.id, version="r2") == {"a.txt": b"r2", "r2.txt": b""}
    assert await contents(store, box.id, version="v0") == {"a.txt": b"r0"}
    for text in (b"third", b"fourth"):
        await store.edit(box.id, stage=True, version="new")
        await fill(store, box.id, {"a.txt": text})
        await store.commit(box.id)
    found = labels(await store.read(box.id))
    assert len(set(found)) == len(found) == 4
    assert await contents(store, box.id, version=found[2]) == {"a.txt": b"third"}
    assert await contents(store, box.id, version="r2") == {"a.txt": b"r2", "r2.txt": b""}


# 11: removing and changing one's mind


async def test_a_removal_in_a_new_version_leaves_the_old_one_alone(store: Any):
    box = await an_artifact(store, "box", {"a.txt": b"old"})
    await store.edit(box.id, stage=True, version="new")
    await store.remove_file(box.id, "a.txt")
    await fill(store, box.id, {"b.txt": b"new"})
    await store.commit(box.id)
    assert await contents(store, box.id, version="v0") == {"a.txt": b"old"}
    assert await contents(store, box.id) == {"b.txt": b"new"}


@pytest.mark.parametrize("version", [None, "new"])
async def test_a_file_removed_and_sent_again_is_there(store: Any, version: str | None):
    box = await an_artifact(store, "box", {"a.txt": b"old"})
    await store.edit(box.id, stage=True, version=version)
    await store.remove_file(box.id, "a.txt")
    await fill(store, box.id, {"a.txt": b"again"})
    await store.commit(box.id)
    assert await contents(store, box.id) == {"a.txt": b"again"}


@pytest.mark.parametrize(("first", "then"), [("new", "stage"), ("stage", "new")])
async def test_uploads_survive_a_change_of_intent(store: Any, first: str, then: str):
    box = await an_artifact(store, "box", {"a.txt": b"old"})
    await store.edit(box.id, stage=True, version=first)
    await fill(store, box.id, {"b.txt": b"sent"})
    await store.edit(box.id, stage=True, version=then)
    committed = await store.commit(box.id)
    kept = {"b.txt": b"sent"} if then == "new" else {"a.txt": b"old", "b.txt": b"sent"}
    assert await contents(store, box.id) == kept
    assert len(committed.versions) == (2 if then == "new" else 1)


# 12: drafts


async def test_a_draft_is_for_those_who_ask_for_it(store: Any, get: Ask):
    box = await an_artifact(store, "box", {"a.txt": b"old"}, config=PUBLIC)
    await store.edit(box.id, stage=True, manifest={"name": "Drafted"})
    await fill(store, box.id, {"a.txt": b"draft", "b.txt": b"draft"})
    assert await contents(store, box.id) == {"a.txt": b"old"}
    assert (await store.read(box.id)).manifest.name == "box"
    assert (await store.read_file(box.id, "a.txt"))["content"] == "old"
    base = f"/{box.workspace}/artifacts/box"
    assert get(f"{base}/files/a.txt").content == b"old"
    assert get(f"{base}/files/b.txt").status_code == 404
    assert get(base).json()["manifest"] == {"name": "box"}
    await store.discard(box.id)
    assert await contents(store, box.id) == {"a.txt": b"old"}


# 13: two at once


async def test_nothing_done_at_once_is_lost(store: Any):
    box = await store.create(alias="box", manifest={"name": "Box"}, stage=True)
    names = [f"{number}.txt" for number in range(12)]
    await asyncio.gather(*(fill(store, box.id, {name: name.encode()}) for name in names))
    await store.commit(box.id)
    assert await paths(store, box.id) == sorted(names)
    await asyncio.gather(*(store.edit(box.id, version="new", manifest={"n": n}) for n in range(5)))
    assert labels(await store.read(box.id)) == [f"v{n}" for n in range(6)]
    creations = (store.create(alias="one", manifest={"n": n}) for n in range(6))
    outcomes = await asyncio.gather(*creations, return_exceptions=True)
    refused = [str(outcome) for outcome in outcomes if isinstance(outcome, Exception)]
    assert len(refused) == 5
    for text in refused:
        assert "FileExistsError: " in text
        assert_tells_nothing(text)


# 14: a commit is all or nothing


async def test_a_refused_commit_changes_nothing(store: Any):
    schema = {"type": "object", "required": ["description"]}
    strict = await store.create(
        alias="strict", type="collection", manifest={"name": "Strict"}, config={"collection_schema": schema}
    )
    child = await store.create(
        alias="child", parent_id=strict.id, manifest={"name": "x", "description": "y"}, stage=True
    )
    await fill(store, child.id, {"a.txt": b"a", "b.txt": b"b"})
    await store.commit(child.id)
    await store.edit(child.id, stage=True, manifest={"name": "bad"})
    await store.remove_file(child.id, "a.txt")
    with refusal("ValidationError: 'description' is a required property"):
        await store.commit(child.id)
    assert await contents(store, child.id) == {"a.txt": b"a", "b.txt": b"b"}
    assert (await store.read(child.id)).manifest.description == "y"
    await store.edit(child.id, stage=True, manifest={"name": "good", "description": "z"})
    await store.put_file(child.id, "never-sent.txt")
    with refusal("FileNotFoundError: File 'never-sent.txt' does not exist"):
        await store.commit(child.id)
    assert await contents(store, child.id) == {"a.txt": b"a", "b.txt": b"b"}


# 6 and 15: filters mean the same everywhere, and are never read as anything but filters


async def test_filters_compare_values_and_nothing_else(store: Any):
    collection = await store.create(alias="c", type="collection", manifest={"name": "C"})
    for alias, manifest in (
        ("one", {"tag": "Alpha", "n": 1, "list": ["a", "b", "c"]}),
        ("two", {"tag": "Alphabet", "n": "1", "list": ["ab"]}),
        ("three", {"tag": "x' OR '1'='1", "n": 10, "list": []}),
    ):
        await store.create(alias=alias, parent_id=collection.id, manifest=manifest)

    async def found(**manifest: Any) -> list[str]:
        return [item.alias for item in await store.list(collection.id, filters={"manifest": manifest})]

    assert await found(tag={"$in": ["Alpha"]}) == ["one"]
    assert await found(tag={"$in": []}) == []
    assert await found(list={"$in": ["b"]}) == ["one"]
    assert await found(list={"$all": ["c", "a"]}) == ["one"]
    assert await found(list=["b", "a"]) == ["one"]
    assert await found(n=1) == ["one"]
    assert await found(n=10) == ["three"]
    assert await found(tag="x' OR '1'='1") == ["three"]
    assert await found(**{"tag') OR 1=1 --": "x"}) == []
    for order in ("manifest.n); DROP TABLE artifact", "created_at; --", "manifest.'n'"):
        with refusal("Invalid order_by"):
            await store.list(collection.id, order_by=order)


# 16: smaller ones


async def test_list_fields_show_what_a_collection_wants_shown(store: Any, get: Ask):
    config = {"list_fields": ["manifest", "download_count"], **PUBLIC}
    gallery = await store.create(alias="gallery", type="collection", manifest={"name": "G"}, config=config)
    await store.create(alias="child", parent_id=gallery.id, manifest={"name": "Child"})
    listed = await store.list(gallery.id)
    assert set(listed[0]) == {"id", "_id", "alias", "manifest", "download_count"}
    assert get(f"/{gallery.workspace}/artifacts/gallery/children").json() == [dict(listed[0])]


async def test_what_was_never_committed_and_is_discarded_can_still_be_found(store: Any):
    box = await store.create(alias="box", manifest={"name": "Box"}, stage=True)
    discarded = await store.discard(box.id)
    assert (discarded.versions, discarded.staging) == ([], None)
    assert [item.alias for item in await store.list(stage="all")] == ["box"]
    await store.edit(box.id, stage=True)
    assert (await store.commit(box.id)).versions[0].version == "v0"


async def test_a_recursive_delete_leaves_nothing_behind(store: Any):
    top = await store.create(alias="top", type="collection", manifest={"name": "Top"})
    middle = await store.create(alias="middle", parent_id=top.id, manifest={"name": "Middle"})
    await store.create(alias="leaf", parent_id=middle.id, manifest={"name": "Leaf"}, stage=True)
    many = (store.create(alias=f"n{n}", parent_id=top.id, manifest={"n": n}, stage=n % 2 == 0) for n in range(110))
    await asyncio.gather(*many)
    await store.delete(top.id, recursive=True)
    assert await store.search(stage="all") == []


async def test_an_overwritten_artifact_begins_without_the_files_of_the_old_one(store: Any):
    old = await an_artifact(store, "box", {"a.txt": b"old"}, secrets=SECRETS)
    link = await store.get_file(old.id, "a.txt")
    fresh = await store.create(alias="box", manifest={"name": "Fresh"}, overwrite=True)
    assert await contents(store, fresh.id) == {}
    assert await store.get_secret(fresh.id) == {}
    assert download(link) == b"old"  # the bytes outlive the row for a while, so that nobody's download breaks off


async def test_a_cookie_changes_nothing(store: Any, web: requests.Session, url: str, ada: Person):
    """A browser sends cookies along for any page that asks: they are good for looking, and for nothing else."""
    await store.create(alias="mine", manifest={"name": "Mine"}, stage=True)
    cookie = {"access_token": ada.token}
    manifest = web.get(f"{url}/{ada.workspace}/artifacts/mine", cookies=cookie, timeout=10)
    assert manifest.status_code == 200
    calls = f"{url}/public/services/artifact-manager"
    name = f"{ada.workspace}/mine"
    assert web.get(f"{calls}/delete", params={"artifact_id": name}, cookies=cookie, timeout=10).status_code == 403
    assert web.post(f"{calls}/delete", json={"artifact_id": name}, cookies=cookie, timeout=10).status_code == 403
    put = web.put(f"{url}/{ada.workspace}/artifacts/mine/files/a.txt", data=b"x", cookies=cookie, timeout=10)
    assert put.status_code == 403
    assert (await store.read("mine"))["manifest"] == {"name": "Mine"}
