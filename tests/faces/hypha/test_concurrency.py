"""Several clients at once: nobody's change is lost, and who loses a race is told so."""

import asyncio
from typing import Any

import pytest
from hypha_rpc.rpc import RemoteException

from tests.faces.conftest import Visit
from tests.faces.hypha.wire import an_artifact, assert_tells_nothing, contents, labels, paths, upload
from tests.faces.people import Person

Outcome = Any


@pytest.fixture
async def stores(visit: Visit, ada: Person) -> list[Any]:
    """Ada's artifact manager over four connections of their own."""
    clients = await asyncio.gather(*(visit(ada) for _ in range(4)))
    return list(await asyncio.gather(*(client.get_service("public/artifact-manager") for client in clients)))


async def together(*calls: Any) -> list[Outcome]:
    """Run calls at once; a refused one gives its error, which must be a clear one."""
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            assert isinstance(outcome, RemoteException), outcome
            assert_tells_nothing(str(outcome))
    return outcomes


def won(outcomes: list[Outcome]) -> list[Any]:
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]


def lost(outcomes: list[Outcome]) -> list[str]:
    return [str(outcome) for outcome in outcomes if isinstance(outcome, BaseException)]


async def test_twelve_uploads_at_once_leave_twelve_files(stores: list[Any]):
    artifact = await stores[0].create(alias="many", manifest={"name": "Many"}, stage=True)
    names = [f"file-{n:02}.bin" for n in range(12)]
    urls = await together(
        *(stores[n % 4].put_file(artifact.id, file_path=name, download_weight=n) for n, name in enumerate(names))
    )
    assert lost(urls) == []
    staged = (await stores[1].read(artifact.id, version="stage")).staging
    assert [entry["path"] for entry in staged[:-1]] == names
    assert [entry.get("download_weight", 0) for entry in staged[:-1]] == list(range(12))
    sent = {name: name.encode() * (n + 1) for n, name in enumerate(names)}
    await asyncio.gather(
        *(asyncio.to_thread(upload, url, content) for url, content in zip(urls, sent.values(), strict=True))
    )
    assert (await stores[2].commit(artifact.id)).file_count == 12
    assert await contents(stores[3], artifact.id) == sent


async def test_uploads_of_one_path_at_once_leave_one_of_them_whole(stores: list[Any]):
    artifact = await stores[0].create(alias="one", manifest={"name": "One"}, stage=True)
    bodies = [bytes([n]) * 200_000 for n in range(6)]
    urls = await together(*(stores[n % 4].put_file(artifact.id, file_path="same.bin") for n in range(6)))
    await asyncio.gather(*(asyncio.to_thread(upload, url, body) for url, body in zip(won(urls), bodies, strict=True)))
    await stores[0].commit(artifact.id)
    assert (await contents(stores[0], artifact.id))["same.bin"] in bodies


async def test_five_new_versions_at_once_are_five_versions(stores: list[Any]):
    artifact = await an_artifact(stores[0], "history", {})
    outcomes = await together(
        *(
            stores[n % 4].edit(artifact.id, manifest={"name": f"edit {n}"}, version="new", comment=f"edit {n}")
            for n in range(5)
        )
    )
    now = await stores[0].read(artifact.id)
    assert len(labels(now)) == 1 + len(won(outcomes))
    assert all("RuntimeError" in text for text in lost(outcomes))
    assert len(won(outcomes)) == 5, lost(outcomes)
    assert labels(now) == ["v0", "v1", "v2", "v3", "v4", "v5"]
    assert {version["comment"] for version in now.versions[1:]} == {f"edit {n}" for n in range(5)}
    for version in now.versions[1:]:
        read = await stores[0].read(artifact.id, version=version["version"])
        assert read.manifest.name == version["comment"]


async def test_one_of_many_creators_of_an_alias_wins(stores: list[Any]):
    outcomes = await together(
        *(stores[n % 4].create(alias="wanted", manifest={"name": f"creator {n}"}) for n in range(8))
    )
    (winner,) = won(outcomes)
    assert (await stores[0].read("wanted")).manifest == winner.manifest
    for text in lost(outcomes):
        assert "FileExistsError: " in text
        assert "already exists" in text


async def test_one_of_many_committers_wins(stores: list[Any]):
    artifact = await stores[0].create(alias="draft", manifest={"name": "Draft"}, stage=True)
    await stores[0].write_file(artifact.id, "a.txt", "a")
    outcomes = await together(*(store.commit(artifact.id) for store in stores))
    (winner,) = won(outcomes)
    assert labels(winner) == ["v0"]
    assert all("must be in staging mode" in text for text in lost(outcomes))
    assert labels(await stores[0].read(artifact.id)) == ["v0"]


async def test_twenty_reads_at_once_count_twenty(stores: list[Any]):
    artifact = await an_artifact(stores[0], "seen", {})
    seen = await asyncio.gather(*(stores[n % 4].read(artifact.id) for n in range(20)))
    assert sorted(read.view_count for read in seen) == list(range(1, 21))
    assert (await stores[0].read(artifact.id, silent=True)).view_count == 20


async def test_downloads_at_once_all_count(stores: list[Any]):
    artifact = await an_artifact(stores[0], "fetched", {"a.txt": b"a"})
    await stores[0].set_download_weight(artifact.id, "a.txt", 0.5)
    await asyncio.gather(*(stores[n % 4].get_file(artifact.id, "a.txt") for n in range(16)))
    assert (await stores[0].read(artifact.id)).download_count == 8


async def test_children_created_at_once_are_all_listed(stores: list[Any]):
    gallery = await stores[0].create(alias="gallery", type="collection", manifest={"name": "Gallery"})
    made = await together(
        *(
            stores[n % 4].create(alias=f"child-{n}", parent_id=gallery.id, manifest={"name": f"Child {n}"})
            for n in range(16)
        )
    )
    assert lost(made) == []
    assert len(await stores[1].list(gallery.id)) == 16


async def test_commit_and_upload_at_once_lose_no_acknowledged_byte(stores: list[Any]):
    """Whatever an upload was told is kept: in the version, if it came before the commit, or it was refused."""
    artifact = await stores[0].create(alias="raced", manifest={"name": "Raced"}, stage=True)
    await stores[0].write_file(artifact.id, "first.txt", "first")
    outcomes = await together(
        *(stores[n].write_file(artifact.id, f"{n}.txt", str(n)) for n in range(3)), stores[3].commit(artifact.id)
    )
    kept = [f"{n}.txt" for n in range(3) if not isinstance(outcomes[n], BaseException)]
    if isinstance(outcomes[3], BaseException):
        assert "FileNotFoundError" in str(outcomes[3])
        await stores[3].commit(artifact.id)
    assert await paths(stores[0], artifact.id) == sorted(["first.txt", *kept])
