"""Clients in a folder and, when there is a door, at a running server: what holds for one holds for the other."""

from pathlib import Path

import pytest

from armarium.sdk.ivcap import IVCAP

CONTENT = b"species,count\nAlca impennis,1\n" * 5000


@pytest.fixture
def local(tmp_path: Path) -> IVCAP:
    return IVCAP.local(tmp_path / "store")


@pytest.fixture
def ivcap(local: IVCAP) -> IVCAP:
    return local


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    """A file to upload, in a folder of its own."""
    path = tmp_path / "mine" / "file.csv"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    return path
