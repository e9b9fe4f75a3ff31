"""A process that is killed at any step leaves the old state or the new one, and nothing that nobody needs.

Every operation is killed (SIGKILL) before each of its steps, one after the other; see `tests/killing.py`.
"""

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests

from armarium.assembly import open_core
from armarium.core import Core
from armarium.domain.errors import NotFound
from armarium.testing.server import RunningServer
from tests.killing import ADA, AT_THE_END, DONE, OPERATIONS, PIECES, Trap, do, prepare, settings_of


async def state_of(core: Core) -> dict[str, Any]:
    """What Ada can see of everything, without ids and times."""
    return {alias: await _artifact(core, alias) for alias in ("kept", "work", "child", "made")}


async def _artifact(core: Core, alias: str) -> Any:
    try:
        published = (await core.artifacts.read(ADA, alias, silent=True)).artifact
    except NotFound:
        return None
    draft = (await core.artifacts.read(ADA, alias, stage=True, silent=True)).artifact
    staged = await core.files.status(ADA, alias)
    return {
        "manifest": msgspec.json.decode(published.manifest),
        "config": msgspec.json.decode(published.config),
        "parent": published.parent_name,
        "file_count": published.file_count,
        "versions": {v.label: (v.comment, await _files(core, alias, v.label)) for v in published.versions},
        "drafted": msgspec.json.decode(draft.manifest),
        "draft": await _files(core, alias, "stage"),
        "staged": None if staged is None else [(f.path, f.removed, f.blob_id is None) for f in staged],
        "secrets": await core.secrets.read(ADA, alias),
    }


async def _files(core: Core, alias: str, version: str, directory: str = "") -> dict[str, bytes]:
    """Every file, read through to its bytes."""
    listed = await core.files.list(ADA, alias, directory or None, version=version)
    found = {file.path: await core.files.read(ADA, alias, file.path, version=version) for file in listed.files}
    for name in listed.subdirectories:
        found |= await _files(core, alias, version, f"{directory}{name}/")
    return found


async def referenced(core: Core) -> set[str]:
    """The blobs that versions and drafts still need."""
    needed: set[str] = set()
    for alias in ("kept", "work", "child", "made"):
        try:
            artifact = (await core.artifacts.read(ADA, alias, silent=True)).artifact
        except NotFound:
            continue
        for version in artifact.versions:
            needed |= {entry.blob_id for entry in await core.catalog.list_files(version.id)}
        staged = (await core.catalog.staged_files([artifact.id])).get(artifact.id, ())
        needed |= {file.blob_id for file in staged if file.blob_id}
    return needed


def stored(data: Path) -> tuple[set[str], list[Path]]:
    """The names of finished blobs, and what else is kept in the folder of files."""
    files = [path for path in (data / "files").rglob("*") if path.is_file()]
    blobs = {path.name for path in files if path.parent.parent.name == "blobs"}
    return blobs, [path for path in files if path.parent.parent.name != "blobs"]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("kill") / "before"

    async def fill() -> None:
        async with open_core(settings_of(data)) as core:
            await prepare(core)

    asyncio.run(fill())
    return data


async def read_state(data: Path) -> dict[str, Any]:
    async with open_core(settings_of(data)) as core:
        return await state_of(core)


async def after_state(operation: str, prepared: Path, tmp_path: Path) -> dict[str, Any]:
    """The state when the operation got through."""
    shutil.copytree(prepared, tmp_path / "after")
    await do(operation, tmp_path / "after", Trap(tmp_path / "after", -1))
    return await read_state(tmp_path / "after")


async def before_state(operation: str, prepared: Path, tmp_path: Path) -> dict[str, Any]:
    """The state when the operation begins, after what it needs was set up."""
    shutil.copytree(prepared, tmp_path / "before")

    class Reached(BaseException):
        pass

    class Stopping(Trap):
        async def arm(self) -> None:
            raise Reached

    with pytest.raises(Reached):
        await do(operation, tmp_path / "before", Stopping(tmp_path / "before", -1))
    return await read_state(tmp_path / "before")


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_kill_at_any_step_leaves_the_old_state_or_the_new(operation: str, prepared: Path, tmp_path: Path):
    before = await before_state(operation, prepared, tmp_path)
    after = await after_state(operation, prepared, tmp_path)
    results = tmp_path / "killed"
    results.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.killing", operation, str(prepared), str(results)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    assert done.returncode == 0, done.stdout + done.stderr
    steps = done.stdout.splitlines()
    assert len(steps) >= 4, steps
    found = {step: await check_after_kill(results / step.split()[0], [before, after], step) for step in steps}
    assert found[f"{AT_THE_END} {DONE}"] == after, "what was done is kept, though nobody was told"
    assert before in found.values()


async def check_after_kill(data: Path, allowed: list[dict[str, Any]], step: str) -> dict[str, Any]:
    """Restart on what a kill left, sweep, and return the state."""
    async with open_core(settings_of(data)) as core:
        state = await state_of(core)
        assert state in allowed, f"killed before step {step}"
        await core.sweeper.sweep()
        assert await state_of(core) == state, f"swept after step {step}"
        needed = await referenced(core)
    blobs, others = stored(data)
    assert blobs == needed, f"left over after step {step}"
    assert others == [], f"left over after step {step}"
    return state


def test_a_server_killed_in_the_middle_of_an_upload_comes_back_with_all_it_said_it_had(tmp_path: Path):
    with RunningServer(tmp_path / "data") as server:
        server.make_user("ada")
        headers = {"Authorization": f"Bearer {server.make_token('ada')}"}
        calls = f"{server.url}/public/services/artifact-manager"

        def call(name: str, **arguments: Any) -> Any:
            answer = requests.post(f"{calls}/{name}", json=arguments, headers=headers, timeout=30)
            assert answer.status_code == 200, answer.text
            return answer.json()

        call("create", alias="box", manifest={"name": "Box"}, stage=True)
        requests.put(call("put_file", artifact_id="box", file_path="whole.bin"), data=PIECES[0], timeout=30)
        half = call("put_file", artifact_id="box", file_path="half.bin")

        def body() -> Any:
            yield PIECES[1]
            server.kill()
            yield PIECES[2]

        with pytest.raises(requests.ConnectionError):
            requests.put(half, data=body(), timeout=30)
        server.restart()
        listed = call("list_files", artifact_id="box", stage=True)
        assert [entry["name"] for entry in listed] == ["whole.bin"]
        assert requests.put(half, data=PIECES[1], timeout=30).status_code == 200
        assert call("commit", artifact_id="box")["file_count"] == 2
        for path, content in (("whole.bin", PIECES[0]), ("half.bin", PIECES[1])):
            assert requests.get(call("get_file", artifact_id="box", file_path=path), timeout=30).content == content
