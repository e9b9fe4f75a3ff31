"""One real server for all SDK tests of this process; every test has people, and so workspaces, of its own."""

from collections.abc import Iterator

import pytest

from armarium.testing.server import RunningServer
from tests.faces.people import JWT_SECRET, Person, a_person


@pytest.fixture(scope="session")
def armarium_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    settings = {"ARMARIUM_JWT_SECRET": JWT_SECRET, "ARMARIUM_LOG_LEVEL": "warning"}
    with RunningServer(tmp_path_factory.mktemp("sdk") / "data", settings=settings) as server:
        yield server


@pytest.fixture
def ada() -> Person:
    return a_person("ada")


@pytest.fixture
def bob() -> Person:
    return a_person("bob")
