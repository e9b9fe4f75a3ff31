"""An artifact of several files comes out of doors that see one file as its zip, the same one everywhere."""

import io
import zipfile
from pathlib import Path

import pytest

from tests.journeys.doors import Door, HyphaRpc, put

FILES = {"readme.md": b"# Tides\n", "data/a.csv": b"1,2\n" * 5000, "data/deep/\u00fc.bin": bytes(range(256)) * 300}


@pytest.fixture(scope="module")
def tides(doors: dict[str, Door]) -> str:
    rpc = doors["hypha RPC"]
    assert isinstance(rpc, HyphaRpc)
    made = rpc.manager.create(parent_id="shelf", manifest={"name": "Tides"}, type="dataset", stage=True)
    for path, content in FILES.items():
        put(rpc.manager.put_file(made["id"], path), content)
    return str(rpc.manager.commit(made["id"])["_id"])


@pytest.mark.parametrize("door", ["dataforce", "ivcap", "aimable"])
def test_several_files_come_as_their_zip(doors: dict[str, Door], tides: str, door: str, tmp_path: Path):
    content = doors[door].fetch(tides)
    seen = doors[door].find(tides)
    assert (seen.name, seen.size) == ("Tides", len(content))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == FILES
    assert content == doors["ivcap"].fetch(tides)
