"""The examples of the Hypha artifact manager's documentation run as printed.

What differs from the printed text, everywhere: the server's URL, and the name `other_workspace`. The printed programs
connect without a token, which makes them somebody who may create nothing, so `connect_to_server` is wrapped for the
time of a test: it adds Ada's token to whatever configuration the program gives. Nothing else of the client is touched.

What differs in single examples is said by the test that runs them.
"""

import ast
import inspect
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import hypha_rpc
import pytest
import requests

from tests.faces.conftest import Visit
from tests.faces.hypha.wire import an_artifact, contents, download, labels, paths, refusal
from tests.faces.people import Person

EXAMPLES = Path(__file__).parent / "examples"
DATA = b"id,species\n1,Alca impennis\n"

Names = dict[str, Any]
Run = Callable[..., Awaitable[Names]]


@pytest.fixture(autouse=True)
def as_ada(monkeypatch: pytest.MonkeyPatch, ada: Person) -> None:
    connect = hypha_rpc.connect_to_server
    monkeypatch.setattr(hypha_rpc, "connect_to_server", lambda config: connect({**config, "token": ada.token}))


@pytest.fixture(autouse=True)
def local_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The programs read `path/to/local/data.csv`."""
    monkeypatch.chdir(tmp_path)
    Path("path/to/local").mkdir(parents=True)
    Path("path/to/local/data.csv").write_bytes(DATA)


@pytest.fixture
def printed(url: str) -> Callable[[str], str]:
    def text_of(name: str) -> str:
        return (EXAMPLES / f"{name}.txt").read_text().replace("https://hypha.aicell.io", url)

    return text_of


@pytest.fixture
async def run(printed: Callable[[str], str], store: Any) -> Run:
    """Run an example with `await` at its top level; returns the names it leaves behind."""

    async def run_text(name: str, edit: Callable[[str], str] = str, **names: Any) -> Names:
        text = edit(printed(name))
        names = {"__name__": "example", "requests": requests, "artifact_manager": store, **names}
        names.setdefault("connect_to_server", hypha_rpc.connect_to_server)
        code = compile(text, f"{name}.txt", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        running = eval(code, names)
        if inspect.isawaitable(running):
            await running
        return names

    return run_text


def uploading(text: str) -> str:
    """Add the upload that the printed text leaves out after it has got a URL."""
    return re.sub(r"(?m)^put_url = .*$", r"\g<0>; requests.put(put_url, data=b'arrived').raise_for_status()", text)


async def test_getting_started(run: Run, ada: Person):
    names = await run("getting_started")
    manager = names["artifact_manager"]
    assert names["collection"].id == f"{ada.workspace}/dataset-gallery"
    assert names["collection"].config.permissions["@"] == "r+"
    (listed,) = names["datasets"]
    assert listed.id == names["dataset"].id == f"{ada.workspace}/example-dataset"
    assert listed.parent_id == names["collection"].id
    assert listed.manifest == names["dataset_manifest"]
    assert (labels(listed), listed.staging, listed.file_count) == (["v0"], None, 1)
    assert listed.config.download_weights == {"data.csv": 0.5}
    assert await contents(manager, listed.id) == {"data.csv": DATA}
    assert await contents(manager, listed.id, version="v0") == {"data.csv": DATA}
    await names["server"].disconnect()


def test_full_example(printed: Callable[[str], str], capsys: pytest.CaptureFixture[str], ada: Person, url: str):
    exec(compile(printed("full_example"), "full_example.txt", "exec"), {"__name__": "__main__"})
    said = capsys.readouterr().out
    for line in (
        "Dataset Gallery created.",
        "Dataset added to the gallery.",
        "File uploaded to the dataset.",
        "Dataset committed.",
        f"'id': '{ada.workspace}/example-dataset'",
    ):
        assert line in said
    served = requests.get(f"{url}/{ada.workspace}/artifacts/example-dataset/files/data.csv", timeout=10)
    assert (served.status_code, served.content) == (200, DATA)


@pytest.fixture
async def dataset(store: Any) -> Any:
    return await an_artifact(store, "example-dataset", {"data.csv": DATA})


async def test_version_creation(run: Run, store: Any, dataset: Any):
    """The printed text asks for upload URLs and uploads nothing; here it does."""
    updated = {"name": "Updated"}
    await run("version_creation", uploading, dataset=dataset, updated_manifest=updated)
    now = await store.read(dataset.id)
    assert (labels(now), now.staging, now.manifest) == (["v0", "v2.0"], None, updated)
    assert await contents(store, dataset.id, version="v0") == {"data.csv": DATA, "update.csv": b"arrived"}
    assert await contents(store, dataset.id, version="v2.0") == {"new_data.csv": b"arrived"}
    assert await contents(store, dataset.id) == {"new_data.csv": b"arrived"}


async def test_version_creation_without_the_uploads_is_refused_and_changes_nothing(run: Run, store: Any, dataset: Any):
    with refusal(r"FileNotFoundError: File 'update\.csv' does not exist"):
        await run("version_creation", dataset=dataset, updated_manifest={"name": "Updated"})
    now = await store.read(dataset.id)
    assert (labels(now), now.manifest) == (["v0"], {"name": "example-dataset"})
    assert await contents(store, dataset.id) == {"data.csv": DATA}


async def test_schema_validation(run: Run, store: Any):
    names = await run("schema_validation")
    committed = await store.read(names["dataset"].id)
    assert (labels(committed), committed.staging) == (["v0"], None)
    assert committed.manifest.record_type == "dataset"
    bad = {"name": "No description", "record_type": "dataset"}
    staged = await store.create(parent_id=names["collection"].id, alias="bad-dataset", manifest=bad, stage=True)
    with refusal("ValidationError: 'description' is a required property"):
        await store.commit(staged.id)
    assert labels(await store.read(staged.id)) == []


async def test_version_handling_in_practice(run: Run, store: Any):
    names = await run(
        "versions_in_practice", manifest={"name": "First"}, updated_manifest={"name": "Second", "stars": 2}
    )
    committed = names["committed"]
    assert (labels(committed), committed.staging, committed.type) == (["v0", "v2.0-beta"], None, "dataset")
    assert committed.manifest == {"name": "Updated Name"}
    assert await contents(store, committed.id, version="v0") == {"data.csv": b"some data"}
    assert (await store.read(committed.id, version="v0")).manifest == {"name": "First"}
    assert await contents(store, committed.id, version="v2.0-beta") == {
        "new_data.csv": b"new data",
        "update.csv": b"update data",
    }


async def test_api_functions(run: Run, store: Any):
    """The printed call that adds the dataset lacks a comma, which is put in."""
    names = await run(
        "api_functions", lambda text: text.replace('"example-dataset" manifest', '"example-dataset", manifest')
    )
    assert [listed.alias for listed in names["datasets"]] == ["example-dataset"]
    assert names["collection"].config.permissions["*"] == "r"
    assert await contents(store, names["dataset"].id) == {"data.csv": DATA}
    await names["server"].disconnect()


async def test_edit(run: Run, store: Any, dataset: Any):
    updated = {"name": "Updated"}
    with refusal("ValueError: Invalid version 'custom-v2.0'"):
        await run("edit", updated_manifest=updated)
    now = await store.read("example-dataset")
    assert labels(now) == ["v0", "v1"]
    assert now.manifest == updated
    assert (await store.read("example-dataset", version="v0")).manifest == updated
    assert (await store.get_status("example-dataset"))["staged"] is True
    assert labels(await store.commit("example-dataset", version="named-at-commit")) == ["v0", "v1", "named-at-commit"]


async def test_discard(run: Run, store: Any):
    names = await run("discard")
    assert names["reverted"].staging is None
    assert names["reverted"].versions == []
    assert await store.get_status(names["artifact"].id) == {"staged": False}


@pytest.fixture
async def elsewhere(visit: Visit, ada: Person, bob: Person, bobs_store: Any) -> str:
    """A workspace of Bob's, whose `example-dataset` lets Ada do everything."""
    config = {"permissions": {ada.id: "*"}}
    await an_artifact(bobs_store, "example-dataset", {"data.csv": b"bob's", "b.csv": b""}, config=config)
    return bob.workspace


def in_workspace(name: str) -> Callable[[str], str]:
    return lambda text: text.replace("other_workspace", name)


async def test_delete(run: Run, store: Any, dataset: Any, elsewhere: str):
    artifact = await an_artifact(store, "to-go", {"data.csv": DATA})
    await run("delete", in_workspace(elsewhere), artifact=artifact)
    for gone in (artifact.id, "example-dataset", f"{elsewhere}/example-dataset"):
        with refusal(r"KeyError: .*Artifact with ID '\S+' does not exist"):
            await store.read(gone)


async def test_put_file(run: Run, store: Any, bobs_store: Any, elsewhere: str):
    artifact = await store.create(alias="mine", manifest={"name": "Mine"}, stage=True)
    await store.create(alias="example-dataset", manifest={"name": "Example"}, stage=True)
    await bobs_store.edit("example-dataset", stage=True)
    names = await run("put_file", in_workspace(elsewhere), artifact=artifact)
    committed = await bobs_store.commit("example-dataset")
    assert (await contents(bobs_store, committed.id))["data.csv"] == DATA
    requests.put(names["put_url"], data=b"too late", timeout=10)
    assert (await contents(bobs_store, committed.id))["data.csv"] == DATA
    staged = (await store.read(artifact.id, version="stage")).staging
    assert staged == [{"path": "data.csv", "download_weight": 1.0}, {"_intent": "new_version"}]


async def test_remove_file(run: Run, store: Any, bobs_store: Any, dataset: Any, elsewhere: str):
    artifact = await an_artifact(store, "mine", {"data.csv": DATA, "kept.csv": b""})
    for manager, name in ((store, artifact.id), (store, "example-dataset"), (bobs_store, "example-dataset")):
        await manager.edit(name, stage=True)
    await run("remove_file", in_workspace(elsewhere), artifact=artifact)
    assert await paths(store, artifact.id) == ["data.csv", "kept.csv"]
    await store.commit(artifact.id)
    assert await paths(store, artifact.id) == ["kept.csv"]
    assert await paths(bobs_store, "example-dataset", version="stage") == ["b.csv"]
    assert await paths(store, (await store.commit("example-dataset")).id) == []


async def test_get_file(run: Run, dataset: Any, elsewhere: str):
    names = await run("get_file", in_workspace(elsewhere), artifact=dataset)
    assert download(names["get_url"]) == b"bob's"


async def test_list_files(run: Run, dataset: Any, elsewhere: str):
    names = await run("list_files", in_workspace(elsewhere), artifact=dataset)
    assert [(file["type"], file["name"], file["size"]) for file in names["files"]] == [
        ("file", "b.csv", 0),
        ("file", "data.csv", 5),
    ]


async def test_read(run: Run, store: Any, dataset: Any, elsewhere: str):
    await store.edit(dataset.id, manifest={"name": "Second"}, version="new")
    await store.edit(dataset.id, manifest={"name": "Third"}, stage=True)
    with_v1 = await store.read(dataset.id, version="v1", silent=True)
    names = await run("read", in_workspace(elsewhere), artifact=dataset)
    assert names["artifact"].manifest == {"name": "Third"}
    assert names["artifact"].staging == [{"_intent": "edit_version"}]
    assert names["artifact"].view_count == with_v1.view_count + 4
    assert with_v1.manifest == {"name": "Second"}


async def test_list(run: Run, store: Any):
    collection = await store.create(alias="dataset-gallery", type="collection", manifest={"name": "Gallery"})
    for alias, likes, priority, stage in (("b", 3, 2, False), ("a", 10, 3, False), ("c", 7, 1, True)):
        await store.create(
            parent_id=collection.id,
            alias=alias,
            manifest={"name": "an example", "likes": likes},
            config={"priority": priority},
            stage=stage,
        )
    names = await run("list", collection=collection)
    assert [listed.alias for listed in names["results"]] == ["b", "a"]
    assert [listed.alias for listed in names["all_artifacts"]] == ["b", "a", "c"]
    by_likes = await store.list(artifact_id=collection.id, order_by="manifest.likes>", limit=20)
    assert [listed.alias for listed in by_likes] == ["a", "b"]
    assert await store.list(collection.id, keywords=["example"], filters={"created_by": "user123"}) == []


async def test_reset_stats(run: Run, store: Any, dataset: Any, elsewhere: str):
    await store.set_download_weight(dataset.id, "data.csv", 2)
    await store.get_file(dataset.id, "data.csv")
    before = await store.read(dataset.id)
    assert (before.download_count, before.view_count) == (2, 1)
    await run("reset_stats", in_workspace(elsewhere), artifact=dataset)
    after = await store.read(dataset.id, silent=True)
    assert (after.download_count, after.view_count) == (0, 0)


async def test_secrets(run: Run, store: Any, bobs_store: Any, dataset: Any, capsys: pytest.CaptureFixture[str]):
    await run("get_secret")
    assert capsys.readouterr().out == "API key not found\n"
    await store.set_secret("example-dataset", "OTHER", "kept")
    await store.set_secret("example-dataset", "API_KEY", "one")
    assert (await run("get_secret"))["api_key"] == "one"
    assert capsys.readouterr().out == "Retrieved API key\n"
    await run("set_secret")
    assert await store.get_secret("example-dataset") == {"OTHER": "kept"}
    assert "kept" not in str(await store.read("example-dataset"))
    with refusal("PermissionError: .*permission"):
        await bobs_store.get_secret(dataset.id)


async def test_files_are_read_and_written_without_urls(store: Any):
    await store.create(alias="notes", manifest={"name": "Notes"}, stage=True)
    assert await store.write_file("notes", "a/plain.txt", "zwölf") == {"success": True, "bytes_written": 6}
    await store.write_file("notes", "data.json", {"name": "test"}, format="json")
    await store.write_file("notes", "raw.bin", b"\x00\xff", format="binary")
    await store.write_file("notes", "coded.bin", "AP8=", format="base64")
    await store.commit("notes")
    assert await store.read_file("notes", "a/plain.txt") == {"name": "a/plain.txt", "content": "zwölf"}
    assert (await store.read_file("notes", "data.json", format="json"))["content"] == {"name": "test"}
    assert '"name": "test"' in (await store.read_file("notes", "data.json"))["content"]
    assert (await store.read_file("notes", "coded.bin", format="binary"))["content"] == b"\x00\xff"
    assert (await store.read_file("notes", "raw.bin", format="base64"))["content"] == "AP8="
    assert (await store.read_file("notes", "a/plain.txt", offset=1, limit=3))["content"] == "wö"


async def test_status_tells_what_is_staged(store: Any, dataset: Any):
    assert await store.get_status(dataset.id) == {"staged": False}
    await store.edit(dataset.id, stage=True)
    await store.put_file(dataset.id, "more.csv", download_weight=2)
    await store.remove_file(dataset.id, "data.csv")
    status = await store.get_status(dataset.id)
    assert status == {
        "staged": True,
        "files": [{"path": "data.csv", "_remove": True}, {"path": "more.csv", "download_weight": 2.0}],
    }


async def test_download_weights_count_downloads(store: Any, dataset: Any):
    await store.set_download_weight(dataset.id, "data.csv", 0.5)
    for _ in range(3):
        await store.get_file(dataset.id, "data.csv")
    await store.get_file(dataset.id, "data.csv", silent=True)
    assert (await store.read(dataset.id)).download_count == 1.5
    await store.set_download_weight(dataset.id, "data.csv", 0)
    await store.get_file(dataset.id, "data.csv")
    now = await store.read(dataset.id)
    assert (now.download_count, now.config.download_weights) == (1.5, {})


async def test_search_goes_deeper_than_list(store: Any):
    gallery = await store.create(alias="gallery", type="collection", manifest={"name": "Gallery"})
    await store.create(alias="deep", parent_id=gallery.id, manifest={"name": "Great auk", "tags": ["bird", "gone"]})
    assert [found.alias for found in await store.list()] == ["gallery"]
    assert [found.alias for found in await store.search(keywords=["AUK"])] == ["deep"]
    assert [found.alias for found in await store.search(filters={"manifest": {"tags": ["gone", "bird"]}})] == ["deep"]
    assert [found.alias for found in await store.search(filters={"manifest": {"name": "great*"}})] == ["deep"]
    assert await store.search(keywords=["auk", "dodo"]) == []
    assert len(await store.search(keywords=["auk", "dodo"], mode="OR")) == 1
    page = await store.search(pagination=True, limit=1)
    assert (page["total"], len(page["items"]), page["offset"], page["limit"]) == (2, 1, 0, 1)
