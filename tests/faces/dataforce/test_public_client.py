"""The package `luml-api` from PyPI, unmodified, in an environment of its own: it needs Python 3.12."""

import fcntl
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from armarium.testing.server import RunningServer
from tests.conftest import REPOSITORY
from tests.faces.people import JWT_SECRET, Person, a_person

STORY = Path(__file__).parent / "luml" / "story.py"
ENVIRONMENTS = REPOSITORY / "build"
NEWEST = "0.4.0"
OLDER = ["0.1.1", "0.2.0", "0.3.0"]


def python_312() -> str | None:
    """A Python 3.12 or later on this machine."""
    names = (f"python3.{minor}" for minor in (12, 13, 14))
    installed = sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/3.1[2-9]*/bin/python"))
    found = [*filter(None, map(shutil.which, names)), *map(str, installed)]
    return next((python for python in found if works(python)), None)


def works(python: str) -> bool:
    """Whether it runs here; pyenv leaves programs that only name versions which are not chosen."""
    version = subprocess.run([python, "-c", "import venv"], capture_output=True, check=False)
    return version.returncode == 0


def environment(version: str) -> str:
    """The Python of an environment with this version of the client, made where it is not there yet."""
    folder = ENVIRONMENTS / f"luml-api-{version}"
    ENVIRONMENTS.mkdir(exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            install(folder, version)
    return str(folder / "bin" / "python")


def install(folder: Path, version: str) -> None:
    python = python_312()
    if python is None:
        pytest.skip("luml-api needs Python 3.12, which is not on this machine")
    subprocess.run([python, "-m", "venv", "--clear", str(folder)], check=True)
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", f"luml-api=={version}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"pip could not install luml-api=={version}: {done.stderr.strip().splitlines()[-1:]}")
    (folder / "complete").touch()


def a_model(path: Path, weights: int) -> str:
    """A model file with so many bytes of weights; returns its SHA-256."""
    meta = [{"producer_tags": ["dataforce.studio::registry_metrics:v1"], "payload": {"metrics": {"f1": 0.5}}}]
    with tarfile.open(path, "w") as tar:
        for name, content in (("manifest.json", {"variant": "pyfunc"}), ("meta.json", meta)):
            add(tar, name, io.BytesIO(json.dumps(content).encode()))
        add(tar, "weights", Zeros(weights))
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Zeros(io.RawIOBase):
    """So many zeros, without holding them."""

    def __init__(self, length: int) -> None:
        self.length = self.left = length

    def read(self, size: int = -1) -> bytes:
        size = self.left if size < 0 else min(size, self.left)
        self.left -= size
        return bytes(size)


def add(tar: tarfile.TarFile, name: str, content: Any) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = content.length if isinstance(content, Zeros) else len(content.getvalue())
    tar.addfile(entry, content)


def tell(python: str, url: str, person: Person, folder: Path, kind: str) -> dict[str, Any]:
    command = [python, str(STORY), url, person.token, person.workspace, str(folder), kind]
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "LUML_API_KEY")}
    done = subprocess.run(command, env=clean, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return seen


def check(seen: dict[str, Any], small: str, large: str, large_size: int) -> None:
    assert seen["bucket"][0] == "models"
    assert seen["collection"] == ["models", "more about models", ["x"], 0]
    assert [(each[0], each[3]) for each in seen["uploaded"]] == [("small", small), ("large", large)]
    assert all("uploaded" in each[1].lower() for each in seen["uploaded"])
    assert seen["uploaded"][1][2] == large_size
    assert seen["downloaded"] == [small, large]
    assert seen["created"][1] is False
    assert seen["updated"] == ["renamed", ["c"], "d"]
    assert seen["got"] == [True, "large", None]
    assert seen["listed"] == ["created", "large", "renamed"]
    assert seen["page"] == [2, True]
    assert seen["left"] == []
    assert seen["refused"] == ["NotFoundError", "UnprocessableEntityError", "NotFoundError"]


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("version", [NEWEST, *(pytest.param(version, marks=pytest.mark.slow) for version in OLDER)])
def test_the_public_client_does_its_life_cycle(url: str, tmp_path: Path, version: str, kind: str):
    small, large = a_model(tmp_path / "small.fnnx", 1000), a_model(tmp_path / "large.fnnx", 1_500_000)
    seen = tell(environment(version), url, a_person(), tmp_path, kind)
    check(seen, small, large, (tmp_path / "large.fnnx").stat().st_size)


@pytest.fixture
def roomy_server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server with the limits as they are."""
    with RunningServer(tmp_path / "data", settings={"ARMARIUM_JWT_SECRET": JWT_SECRET}) as server:
        yield server


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_the_public_client_sends_a_file_above_its_limit_in_parts(
    roomy_server: RunningServer, tmp_path: Path, kind: str
):
    small, large = a_model(tmp_path / "small.fnnx", 1000), a_model(tmp_path / "large.fnnx", 501 * 1024**2)
    seen = tell(environment(NEWEST), roomy_server.url, a_person(), tmp_path, kind)
    check(seen, small, large, (tmp_path / "large.fnnx").stat().st_size)
