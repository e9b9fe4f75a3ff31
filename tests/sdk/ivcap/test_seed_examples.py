"""The examples of the IVCAP documentation run as printed.

What differs from the printed text: the module IVCAP comes from, the paths of the files, and the UUID.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from armarium.sdk.ivcap import IVCAP, Artifact
from tests.sdk.ivcap.conftest import CONTENT

EXAMPLES = Path(__file__).parent / "examples"

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(ivcap: IVCAP, csv: Path, tmp_path: Path) -> Run:
    """Run an example; returns the names it leaves behind."""

    def run_text(name: str, artifact: Artifact | None = None) -> dict[str, Any]:
        replaced = {
            "from ivcap_client.ivcap import IVCAP": "",
            "/path/to/file.csv": str(csv),
            "/tmp/output": str(tmp_path / "output"),
            "urn:ivcap:artifact:<uuid>": artifact.id if artifact else "",
        }
        text = (EXAMPLES / f"{name}.txt").read_text()
        for printed, meant in replaced.items():
            text = text.replace(printed, meant)
        names: dict[str, Any] = {"IVCAP": lambda: ivcap, "ivcap": ivcap, "artifact": artifact}
        exec(compile(text, f"{name}.txt", "exec"), names)
        return names

    return run_text


@pytest.fixture
def artifact(ivcap: IVCAP, csv: Path) -> Artifact:
    return ivcap.upload_artifact(name="my-data", file_path=csv)


def test_quick_reference(run: Run, ivcap: IVCAP, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    names = run("quick_reference")
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"{names['artifact'].id} text/csv"
    assert second == f"Downloaded to: {names['path']}"
    assert (tmp_path / "output.csv").read_bytes() == CONTENT
    assert names["path"].exists() == (ivcap.url is None), "a temporary file goes, a stored one stays"


def test_reading(run: Run, artifact: Artifact, tmp_path: Path):
    names = run("reading", artifact)
    assert names["data"] == CONTENT
    assert names["path"] == tmp_path / "output.jpg"
    assert names["path"].read_bytes() == CONTENT


def test_open(run: Run, artifact: Artifact):
    assert run("open", artifact)["text"] == CONTENT.decode()


def test_as_stream(run: Run, artifact: Artifact, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run("as_stream", artifact)["total"] == len(CONTENT)
    assert capsys.readouterr().out == f"Downloaded {len(CONTENT)} bytes\n"
    assert (tmp_path / "output.dat").read_bytes() == CONTENT


def test_as_local_file(run: Run, ivcap: IVCAP, artifact: Artifact):
    names = run("as_local_file", artifact)
    assert names["data"] == CONTENT
    assert names["path"].exists() == (ivcap.url is None)


def test_as_local_file_kept(run: Run, artifact: Artifact, tmp_path: Path):
    assert run("as_local_file_kept", artifact)["path"] == tmp_path / "output.jpg"
    assert (tmp_path / "output.jpg").read_bytes() == CONTENT
