"""The examples are programs, and they run."""

import os
import re
import subprocess
import sys
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from armarium.testing.server import RunningServer
from tests.markdown_pages import code_blocks


def run_example(repository: Path, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, repository / "examples" / name, *arguments],
        env=os.environ | {"PYTHONPATH": str(repository / "src"), "KEEP": ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_gallery_can_be_published_twice(repository: Path, running_server: RunningServer):
    running_server.make_user("ada")
    options = ("--server", running_server.url, "--token", running_server.make_token("ada"))
    for _ in range(2):
        done = run_example(repository, "gallery.py", *options)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count("as uploaded") == 3
        assert f"{running_server.url}/ws-user-ada/view/dataset-gallery/" in done.stdout


@pytest.mark.parametrize("place", ["folder", "service"])
def test_a_dataset_is_kept_with_the_ivcap_client(repository: Path, running_server: RunningServer, place: str):
    options: tuple[str, ...] = ()
    if place == "service":
        running_server.make_user("edda")
        options = ("--server", running_server.url, "--token", running_server.make_token("edda"))
    done = run_example(repository, "ivcap.py", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("bytes as uploaded, 10000 rows") == 2
    assert "The collection 'Soil plots' has 2 members" in done.stdout


def test_notes_are_kept_in_a_space(repository: Path, running_server: RunningServer):
    running_server.make_user("iris")
    options = ("--server", running_server.url, "--token", running_server.make_token("iris"))
    done = run_example(repository, "aimable.py", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "day-2.txt (text/plain, job completed): Day 2: 6 auks, 2 gulls." in done.stdout


def test_a_model_can_be_published_twice(repository: Path, running_server: RunningServer):
    running_server.make_user("charles")
    options = ("--server", running_server.url, "--token", running_server.make_token("charles"))
    for _ in range(2):
        done = run_example(repository, "dataforce.py", *options)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "bytes as uploaded: {'slope': 2.0" in done.stdout


def test_one_artifact_is_seen_alike_through_four_doors(repository: Path, running_server: RunningServer):
    for name in ("dora", "emil"):
        running_server.make_user(name)
    tokens = ("--token", running_server.make_token("dora"), "--other-token", running_server.make_token("emil"))
    done = run_example(repository, "four_doors.py", "--server", running_server.url, *tokens)
    assert done.returncode == 0, done.stdout + done.stderr
    doors = "by hypha, dataforce, ivcap, aimable"
    said = [line for line in done.stdout.splitlines() if line.endswith(doors)]
    seen = [(line.partition(":")[0], "refused" not in line) for line in said]
    assert seen == [
        ("owner", True), ("other", False),
        ("owner", True), ("other", True),
        ("owner", True), ("other", False),
    ]  # fmt: skip


def test_the_demonstration_cleans_up_after_itself(repository: Path):
    done = run_example(repository, "demo.py")
    assert done.returncode == 0, done.stdout + done.stderr
    folder = done.stdout.split("is serving ")[1].split(" on ")[0]
    assert not Path(folder).exists()


def test_the_walk_prints_what_its_page_shows(repository: Path, capsys: pytest.CaptureFixture[str]):
    page = repository / "docs" / "walkthrough.md"
    blocks = code_blocks(page)
    session: dict[str, Any] = {}
    try:
        for block, following in zip_longest(blocks, blocks[1:]):
            if block.language == "python":
                exec(compile(block.text, f"{page.name}:{block.line}", "exec"), session)
                shown = following.text if following is not None and following.language == "text" else ""
                printed = capsys.readouterr().out
                assert re.fullmatch(re.escape(shown).replace(r"\.\.\.", ".*"), printed), f"line {block.line}: {printed}"
    finally:
        session["server"].kill()
        session["folder"].cleanup()
