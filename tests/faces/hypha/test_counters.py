"""Views and downloads are counted exactly: across a flush, a clean stop, and whoever looks meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import requests
from hypha_rpc import connect_to_server

from armarium.assembly import open_core
from armarium.domain.principal import ROOT
from armarium.settings import Settings
from armarium.testing.server import RunningServer
from tests.faces.hypha.wire import an_artifact
from tests.faces.people import JWT_SECRET, Person

VIEWS, DOWNLOADS = 40, 25


@asynccontextmanager
async def manager_of(server: RunningServer, ada: Person) -> AsyncIterator[Any]:
    async with connect_to_server({"server_url": server.url, "token": ada.token}) as client:
        yield await client.get_service("public/artifact-manager")


async def use(server: RunningServer, manager: Any, ada: Person) -> None:
    """Look at and download the artifact in every way that counts, and in some that do not."""
    base = f"{server.url}/{ada.workspace}/artifacts/box"
    await asyncio.gather(*(manager.read("box") for _ in range(VIEWS)))
    await asyncio.gather(*(manager.read("box", silent=True) for _ in range(5)))
    await asyncio.gather(*(manager.get_file("box", "half.txt") for _ in range(DOWNLOADS)))
    await manager.get_file("box", ["half.txt", "one.txt"])
    await manager.get_file("box", "one.txt", silent=True)
    for path in ("/files/one.txt", "/files/one.txt?silent=1", "", "?silent=1"):
        requests.get(f"{base}{path}", headers=ada.headers, timeout=10).raise_for_status()
        requests.head(f"{base}{path}", headers=ada.headers, timeout=10).raise_for_status()


async def counts(manager: Any) -> tuple[float, float]:
    artifact = await manager.read("box", silent=True)
    return artifact.view_count, artifact.download_count


async def test_counts_survive_a_clean_stop(tmp_path: Path, ada: Person):
    expected = (VIEWS + 1, DOWNLOADS * 0.5 + 1.5 + 1)
    with RunningServer(tmp_path / "data", settings={"ARMARIUM_JWT_SECRET": JWT_SECRET}) as server:
        async with manager_of(server, ada) as manager:
            await an_artifact(manager, "box", {"half.txt": b"h", "one.txt": b"1"})
            await manager.set_download_weight("box", "half.txt", 0.5)
            await manager.set_download_weight("box", "one.txt", 1)
            await use(server, manager, ada)
            assert await counts(manager) == expected
        assert server.stop() == 0
        server.start()
        async with manager_of(server, ada) as manager:
            assert await counts(manager) == expected
            assert [(item.view_count, item.download_count) for item in await manager.list()] == [expected]
            assert [item.alias for item in await manager.list(filters={"view_count": [expected[0], None]})] == ["box"]
            await manager.reset_stats("box")
        server.restart()
        async with manager_of(server, ada) as manager:
            assert await counts(manager) == (0, 0)


async def test_counts_are_on_disk_after_a_flush(tmp_path: Path):
    settings = Settings(data=tmp_path / "data")
    async with open_core(settings) as core:
        box = (await core.artifacts.create(ROOT, manifest={"name": "Box"}, alias="box", workspace="public")).artifact
        for _ in range(3):
            await core.artifacts.read(ROOT, box.id)
        await core.counters.flush()
        async with open_core(settings) as other:
            assert (await other.artifacts.read(ROOT, box.id, silent=True)).artifact.view_count == 3
        assert (await core.artifacts.read(ROOT, box.id)).artifact.view_count == 4
