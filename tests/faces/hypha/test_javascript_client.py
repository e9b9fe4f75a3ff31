"""The package `hypha-rpc` from npm, unmodified, under node."""

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.faces.people import Person

HERE = Path(__file__).parent / "javascript"
INSTALLED = REPOSITORY / "build" / "javascript"
NODE_WITHOUT_WEBSOCKET = 22
"""The first version of node that has WebSocket without being asked for it."""


@pytest.fixture(scope="module")
def program() -> list[str]:
    """The command that runs the story, with the client installed at its exact version in an ignored folder."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip(f"{'node' if node is None else 'npm'} is not on this machine")
    INSTALLED.parent.mkdir(exist_ok=True)
    with INSTALLED.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        install(npm)
    shutil.copy(HERE / "story.mjs", INSTALLED / "story.mjs")
    major = int(subprocess.check_output([node, "--version"], text=True).strip("v\n").partition(".")[0])
    options = ["--experimental-websocket"] if major < NODE_WITHOUT_WEBSOCKET else []
    return [node, *options, str(INSTALLED / "story.mjs")]


def install(npm: str) -> None:
    wanted = (HERE / "package.json").read_text()
    version = json.loads(wanted)["dependencies"]["hypha-rpc"]
    client = INSTALLED / "node_modules" / "hypha-rpc" / "package.json"
    if client.exists() and json.loads(client.read_text())["version"] == version:
        return
    INSTALLED.mkdir(exist_ok=True)
    (INSTALLED / "package.json").write_text(wanted)
    command = [npm, "install", f"hypha-rpc@{version}", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(command, cwd=INSTALLED, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"npm could not install hypha-rpc@{version}: {done.stderr.strip().splitlines()[-1:]}")


def tell(program: list[str], url: str, person: Person, transport: str) -> dict[str, Any]:
    environment = {**os.environ, "SERVER_URL": url, "TOKEN": person.token, "TRANSPORT": transport}
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return seen


@pytest.mark.parametrize("transport", ["websocket", "http"])
def test_a_story_in_javascript(program: list[str], url: str, ada: Person, transport: str):
    seen = tell(program, url, ada, transport)
    assert seen["workspace"] == ada.workspace
    assert seen["gallery"] == f"{ada.workspace}/gallery"
    assert (seen["put"], seen["fileCount"]) == (200, 1)
    assert (seen["got"], seen["text"], seen["range"]) == ("über 魚", "über 魚", "ü")
    assert seen["manifest"] == {"name": "Birds", "count": 2, "nested": {"list": [1, 2.5, None]}}
    assert seen["listed"] == ["birds"]
    assert seen["files"] == [["directory", "dir"]]
    assert "KeyError: " in seen["missing"]
    assert "does not exist" in seen["missing"]
    assert "unexpected keyword argument" in seen["badArgument"]
    assert seen["echoed"] is True
    assert seen["left"] == []
