"""Clients in a folder and at a running server: what holds for one holds for the other."""

from pathlib import Path

import pytest

from armarium.sdk.ivcap import IVCAP, AsyncIVCAP
from armarium.testing.server import RunningServer
from tests.faces.people import Person

CONTENT = b"species,count\nAlca impennis,1\n" * 5000
PLACES = ["folder", "service"]


@pytest.fixture
def local(tmp_path: Path) -> IVCAP:
    return IVCAP.local(tmp_path / "store")


@pytest.fixture
def online(armarium_server: RunningServer, ada: Person) -> IVCAP:
    return IVCAP(url=armarium_server.url, token=ada.token)


@pytest.fixture(params=PLACES)
def ivcap(request: pytest.FixtureRequest) -> IVCAP:
    """The client, in a folder and at a server."""
    return request.getfixturevalue("local" if request.param == "folder" else "online")


@pytest.fixture(params=PLACES)
def async_ivcap(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIVCAP:
    if request.param == "folder":
        return AsyncIVCAP.local(tmp_path / "store")
    server, person = request.getfixturevalue("armarium_server"), request.getfixturevalue("ada")
    return AsyncIVCAP(url=server.url, token=person.token)


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    """A file to upload, in a folder of its own."""
    path = tmp_path / "mine" / "file.csv"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    return path
