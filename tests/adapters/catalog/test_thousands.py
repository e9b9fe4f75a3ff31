"""Thousands of random searches on random trees, pages and facets included, on both databases."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from armarium.testing.contracts.listing import EXAMPLES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

SUITES = ["test_sqlite.py::TestOnAFile", "test_postgres.py::TestOnPostgres"]


@pytest.mark.parametrize("suite", SUITES)
def test_thousands_of_random_searches_are_what_plain_python_says(repository: Path, suite: str):
    chosen = ["-n", "2", "-k", "plain_python or rows_are_added", f"tests/adapters/catalog/{suite}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen],
        cwd=repository,
        env={**os.environ, EXAMPLES: "1000"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
