"""A zip far larger than memory should ever hold, streamed by a real server."""

from pathlib import Path

import psutil
import pytest
import requests

from armarium.assembly import open_core
from armarium.domain.principal import ROOT
from armarium.domain.version import StagedFile
from armarium.settings import Settings
from armarium.testing.server import RunningServer

MIB = 1 << 20
PIECE = 256 * MIB
COPIES = 20
MOST_GROWTH = 64 * MIB


async def _store_copies(data: Path) -> None:
    """One blob under twenty names: five gigabytes to send, a quarter of one on the disk."""

    async def zeros():
        for _ in range(PIECE // MIB):
            yield bytes(MIB)

    async with open_core(Settings(data=data)) as core:
        await core.artifacts.create(
            ROOT,
            workspace="public",
            alias="huge",
            manifest={"name": "Huge"},
            config={"permissions": {"*": "r"}},
            stage=True,
        )
        staged = (await core.files.stage(ROOT, "public/huge", ["0.bin"], weights=[0.0]))[0]
        entry = await core.files.receive(staged.slot, zeros())
        view = await core.artifacts.read(ROOT, "public/huge", silent=True)
        copies = [
            StagedFile(
                path=f"{number}.bin",
                slot=core.clock.new_id(),
                blob_id=entry.blob_id,
                size_bytes=entry.size_bytes,
                modified_at=entry.modified_at,
            )
            for number in range(1, COPIES)
        ]
        async with core.catalog.transaction() as tx:
            await tx.stage_files(view.artifact.id, copies)
        await core.versions.commit(ROOT, "public/huge")


@pytest.mark.slow
async def test_memory_stays_flat_while_five_gigabytes_stream(tmp_path):
    await _store_copies(tmp_path)
    with RunningServer(tmp_path) as server:
        process = psutil.Process(server.pid)
        requests.get(f"{server.url}/public/artifacts/huge", timeout=10).raise_for_status()
        before = highest = process.memory_info().rss
        received = 0
        with requests.get(f"{server.url}/public/artifacts/huge/create-zip-file", stream=True, timeout=60) as answer:
            for chunk in answer.iter_content(4 * MIB):
                received += len(chunk)
                highest = max(highest, process.memory_info().rss)
        assert received == int(answer.headers["content-length"]) > COPIES * PIECE
        assert highest - before < MOST_GROWTH
