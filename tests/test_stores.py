"""Every database and store: the tests of the Hypha door and the journeys pass on each, and one story is told alike."""

import itertools
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from hypha_rpc import connect_to_server

from armarium.testing.server import RunningServer
from armarium.testing.storage import BLOBS, CATALOGS, storage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

COMBINATIONS = list(itertools.product(CATALOGS, BLOBS))
VARYING = {"_id", "created_at", "last_modified", "upload_time", "sha256", "etag"}
WORDS = ("Straße", "STRASSE", "apple", "Apple pie", "zebra", "", "100%", "a_b")


@pytest.mark.parametrize("tests", ["tests/journeys", "tests/faces/hypha"])
@pytest.mark.parametrize(("catalog", "blobs"), COMBINATIONS[1:])
def test_what_passes_on_one_passes_on_all(repository: Path, catalog: str, blobs: str, tests: str):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow", "-n", "2"]
    options = [f"--catalog={catalog}", f"--blobs={blobs}"]
    done = subprocess.run([*command, *options, tests], cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


async def test_a_story_has_the_same_answers_on_all(tmp_path: Path):
    told = {}
    for catalog, blobs in COMBINATIONS:
        data = tmp_path / f"{catalog}-{blobs}"
        with (
            storage(catalog, blobs, tmp_path / f"at-{catalog}-{blobs}") as settings_of,
            RunningServer(data, settings=settings_of(data)) as server,
        ):
            told[catalog, blobs] = await _story(server)
    first = told.pop(COMBINATIONS[0])
    assert len(first) > 60
    for combination, answers in told.items():
        for (asked, here), (_, there) in zip(first, answers, strict=True):
            assert here == there, f"{combination}: {asked}"


async def _story(server: RunningServer) -> list[tuple[str, Any]]:
    """What a client asks, and what it is told."""
    told: list[tuple[str, Any]] = []
    client = await connect_to_server({"server_url": server.url, "token": server.admin_token})
    store = await client.get_service("public/artifact-manager")

    async def ask(function: str, **arguments: Any) -> Any:
        try:
            answer = await getattr(store, function)(**arguments)
        except Exception as error:
            answer = str(error).strip().splitlines()[-1]
        told.append((f"{function}({arguments})", _comparable(answer)))
        return answer

    try:
        for chapter in (_fill, _look, _versions):
            await chapter(ask)
    finally:
        await client.disconnect()
    return told


async def _fill(ask: Any) -> None:
    """A collection of forty, some of them drafts."""
    await ask("create", alias="box", type="collection", manifest={"name": "Box"})
    for number in range(40):
        manifest = {
            "name": f"Sample {number}",
            "word": WORDS[number % len(WORDS)],
            "rank": (number * 7) % 13 - 3.5 if number % 5 else str(number),
            "tags": [f"t{number % 3}", f"t{number % 4}"],
            "nested": {"a": number % 2 == 0, "b": None},
        }
        where = {"parent_id": "box", "type": ("model", "Model", "dataset")[number % 3], "stage": number % 9 == 8}
        await ask("create", alias=f"sample-{number}", manifest=manifest, **where)


async def _look(ask: Any) -> None:
    filters: list[dict[str, Any]] = [
        {},
        {"type": "model"},
        {"manifest": {"word": "strasse"}},
        {"manifest": {"word": "stra*"}},
        {"manifest": {"tags": {"$all": ["t1", "t2"]}}},
        {"manifest": {"nested": {"a": True}}},
        {"manifest": {"rank": "0"}},
        {"alias": "sample-1*"},
    ]
    orders = [None, "manifest.rank", "manifest.rank>", "manifest.word", "manifest.missing", "created_by>", "type"]
    for chosen, order in itertools.product(filters, orders):
        page = {"filters": chosen, "order_by": order, "pagination": True, "limit": 7, "offset": 2}
        await ask("list", parent_id="box", **page)
    for words in (["straße"], ["APPLE"], ["pie", "sample"], ["%"], ["a"], ["nothing of the sort"]):
        await ask("list", parent_id="box", keywords=words, limit=50, pagination=True)
    for stage in (True, False, "all"):
        await ask("list", parent_id="box", stage=stage, limit=50, order_by="manifest.name")


async def _versions(ask: Any) -> None:
    """Files that come, change, go and are copied."""
    name = {"artifact_id": "files"}
    await ask("create", alias="files", manifest={"name": "Files"}, stage=True)
    for path, content in (("a.txt", b"one"), ("d/b.txt", b"two"), ("d/e/c.txt", b"three"), ("ü/Z.bin", bytes(2000))):
        await _send(ask, path, content)
    await ask("list_files", **name, version="stage")
    await ask("commit", **name, comment="first")
    await ask("edit", **name, stage=True, version="new", manifest={"name": "Files", "n": 2})
    await _send(ask, "a.txt", b"changed")
    await ask("remove_file", **name, file_path="d/b.txt")
    await ask("commit", **name, version="second")
    for version in ("v0", "second", None, "missing"):
        await ask("list_files", **name, version=version)
        await ask("list_files", **name, version=version, dir_path="d")
        await ask("read", **name, version=version, silent=True)
    await ask("duplicate", source_id="files", alias="copy")
    await ask("list_files", artifact_id="copy")
    await ask("delete", **name, version="v0")
    await ask("read", **name)
    await ask("delete", artifact_id="box", recursive=True)
    await ask("search", stage="all")


async def _send(ask: Any, path: str, content: bytes) -> None:
    url = await ask("put_file", artifact_id="files", file_path=path)
    assert requests.put(url, data=content, timeout=60).status_code == 200


def _comparable(answer: Any) -> Any:
    """Without what differs from one time to the next: ids, times and where the server is."""
    if isinstance(answer, Mapping):
        return {name: _comparable(answer[name]) for name in answer if name not in VARYING}
    if isinstance(answer, list | tuple):
        return [_comparable(item) for item in answer]
    return "a URL" if isinstance(answer, str) and answer.startswith("http://127.0.0.1") else answer
