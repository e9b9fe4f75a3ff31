"""The Hypha door's tests once more, with the other databases and stores behind it."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

OTHERS = [("sqlite", "s3"), ("postgres", "disk"), ("postgres", "s3")]


@pytest.mark.parametrize(("catalog", "blobs"), OTHERS)
def test_the_hypha_door_is_the_same(repository: Path, catalog: str, blobs: str):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow", "-n", "2"]
    options = [f"--catalog={catalog}", f"--blobs={blobs}"]
    done = subprocess.run(
        [*command, *options, "tests/faces/hypha"], cwd=repository, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
