"""Publishing as unmodified clients do it, to a small Zenodo of ours."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypha_rpc import connect_to_server
from hypha_rpc.rpc import RemoteException

from armarium.testing.server import RunningServer
from tests.adapters.archive.zenodo_server import TOKEN, Zenodo, running_zenodo
from tests.faces.hypha.wire import an_artifact, refusal

MANIFEST = {"name": "Tides", "description": "All of them"}


@pytest.fixture(scope="module")
def zenodo() -> Iterator[Zenodo]:
    with running_zenodo() as served:
        yield served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, zenodo: Zenodo) -> Iterator[RunningServer]:
    settings = {"ARMARIUM_SANDBOX_ZENODO_URL": zenodo.url, "ARMARIUM_LOG_LEVEL": "debug"}
    with RunningServer(tmp_path_factory.mktemp("publishing") / "data", settings=settings) as running:
        yield running


@pytest.fixture
async def store(server: RunningServer) -> AsyncIterator[Any]:
    client = await connect_to_server({"server_url": server.url, "token": server.admin_token})
    yield await client.get_service("public/artifact-manager")
    await client.disconnect()


async def test_an_artifact_is_published_and_its_record_can_be_read(store: Any, zenodo: Zenodo):
    files = {"example.txt": b"text", "dir/a b.bin": bytes(1000)}
    tides = await an_artifact(store, "tides", files, manifest=MANIFEST, type="dataset")
    await store.set_secret(tides.id, "SANDBOX_ZENODO_ACCESS_TOKEN", TOKEN)
    record = await store.publish(artifact_id=tides.id, to="sandbox_zenodo", metadata={"upload_type": "poster"})
    assert record["doi"]
    assert zenodo.contents(record["id"]) == files
    assert (await store.read(tides.id))["config"]["zenodo"]["doi"] == record["doi"]


async def test_an_alias_is_the_number_of_the_concept(store: Any):
    gallery = await store.create(
        alias="gallery", type="collection", manifest=MANIFEST, secrets={"SANDBOX_ZENODO_ACCESS_TOKEN": TOKEN}
    )
    dataset = await store.create(
        type="dataset",
        alias="{zenodo_conceptrecid}",
        parent_id=gallery.id,
        manifest=MANIFEST,
        config={"publish_to": "sandbox_zenodo"},
        version="stage",
    )
    assert dataset.alias.isdigit()
    with refusal("ValueError: .*needs config.publish_to"):
        await store.create(alias="{zenodo_id}", parent_id=gallery.id, manifest=MANIFEST)


async def test_refusals_are_told_in_words_and_never_with_the_token(store: Any, zenodo: Zenodo, server: RunningServer):
    empty = await an_artifact(store, "empty", {}, manifest=MANIFEST)
    with refusal("ValueError: .*Zenodo access token is not configured"):
        await store.publish(empty.id, to="sandbox_zenodo")
    await store.set_secret(empty.id, "SANDBOX_ZENODO_ACCESS_TOKEN", TOKEN)
    with refusal("ValueError: Publishing to 'nowhere' is not supported"):
        await store.publish(empty.id, to="nowhere")
    with refusal("RuntimeError: Failed to publish deposition"):
        await store.publish(empty.id, to="sandbox_zenodo")
    zenodo.fail("PUT .*depositions/", 400)
    with pytest.raises(Exception, match="deposition") as caught:
        await store.publish(empty.id, to="sandbox_zenodo")
    assert TOKEN not in str(caught.value)
    assert TOKEN not in server.output


async def test_a_server_killed_half_way_goes_on_with_the_same_draft(zenodo: Zenodo, tmp_path: Path):
    with RunningServer(tmp_path / "data", settings={"ARMARIUM_SANDBOX_ZENODO_URL": zenodo.url}) as server:
        files = {"1.bin": b"1" * 100_000, "2.bin": b"2" * 100_000}
        token = server.admin_token
        async with connect_to_server({"server_url": server.url, "token": token}) as client:
            store = await client.get_service("public/artifact-manager")
            await an_artifact(store, "tides", files, manifest=MANIFEST)
            await store.set_secret("tides", "SANDBOX_ZENODO_ACCESS_TOKEN", TOKEN)
            zenodo.requests.clear()
            zenodo.fail("PUT /api/files/.*2.bin", "hang")
            publishing = asyncio.ensure_future(store.publish("tides", to="sandbox_zenodo"))
            while not zenodo.count("PUT /api/files/.*2.bin"):
                await asyncio.sleep(0.01)
            server.kill()
            publishing.cancel()
        server.start()
        async with connect_to_server({"server_url": server.url, "token": token}) as client:
            store = await client.get_service("public/artifact-manager")
            draft = (await store.read("tides"))["config"]["zenodo"]
            assert not draft["submitted"]
            record = await publish_once_the_dead_are_forgotten(store, "tides")
    assert record["id"] == draft["id"]
    assert zenodo.contents(record["id"]) == files
    assert zenodo.count("PUT /api/files/.*1.bin") == 1


async def publish_once_the_dead_are_forgotten(store: Any, name: str) -> Any:
    """Publish as soon as the process that was killed does not count as publishing any more."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await store.publish(name, to="sandbox_zenodo")
            except RemoteException as error:
                if "being published already" not in str(error):
                    raise
                await asyncio.sleep(0.5)
