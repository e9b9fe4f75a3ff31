import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypha_rpc import connect_to_server

from tests.faces.hypha.serving import serving_toy
from tests.faces.hypha.wire import an_artifact, contents, fill


@pytest.fixture(scope="module")
def toy():
    with serving_toy() as running:
        yield running


@pytest.fixture
async def connect(toy):
    """Connect unmodified clients; all of them are disconnected afterwards."""
    async with contextlib.AsyncExitStack() as stack:

        async def connect_client(token="alice-token", **config):
            client = await connect_to_server({"server_url": toy.url, "token": token, **config})
            stack.push_async_callback(client.disconnect)
            return client

        yield connect_client


@pytest.fixture
async def box(store: Any) -> Any:
    """Ada's private artifact with two versions, an open draft, a secret and a weight."""
    artifact = await an_artifact(store, "box", {"a.txt": b"one", "d/b.txt": b"b"}, secrets={"KEY": "sesame"})
    await store.edit(artifact.id, stage=True, version="new", manifest={"name": "box", "n": 2})
    await fill(store, artifact.id, {"a.txt": b"two"}, download_weight=1)
    await store.commit(artifact.id)
    await store.edit(artifact.id, stage=True, manifest={"name": "drafted"})
    await fill(store, artifact.id, {"new.txt": b"new"})
    await store.put_file(artifact.id, "pending.txt")
    return await store.read(artifact.id, silent=True)


async def snapshot(store: Any) -> dict[str, Any]:
    """Everything its owner can see of a workspace."""
    listed = await store.search(stage="all")
    seen: dict[str, Any] = {"listed": listed}
    for artifact in listed:
        name = artifact["_id"]
        versions = [version["version"] for version in artifact.versions]
        seen[name] = [
            await store.read(name, silent=True),
            await store.read(name, silent=True, version="stage"),
            await store.get_status(name),
            await store.get_secret(name),
            [await contents(store, name, version=version) for version in [*versions, "stage"]],
        ]
    return seen


@pytest.fixture
async def untouched(store: Any, box: Any) -> Any:
    """Within the block nothing that Ada has changes."""

    @contextlib.asynccontextmanager
    async def check() -> AsyncIterator[None]:
        before = await snapshot(store)
        yield
        after = await snapshot(store)
        assert [item.alias for item in after["listed"]] == [item.alias for item in before["listed"]]
        assert after == before

    return check
