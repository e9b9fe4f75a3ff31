"""One server with everything on; the doors of this module's person on a shelf of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from armarium.testing.server import RunningServer
from tests.faces.people import JWT_SECRET, Person, a_person
from tests.journeys.doors import Door, all_doors


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    settings = {"ARMARIUM_JWT_SECRET": JWT_SECRET, "ARMARIUM_LOG_LEVEL": "warning"}
    with RunningServer(tmp_path_factory.mktemp("journeys") / "data", settings=settings) as server:
        yield server


@pytest.fixture(scope="module")
def ada() -> Person:
    return a_person("ada")


@pytest.fixture(scope="module")
def doors(server: RunningServer, ada: Person, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Door]]:
    with all_doors(server.url, ada, tmp_path_factory.mktemp("fetched")) as doors:
        yield doors


@pytest.fixture(scope="module")
def parcel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what is brought in."""
    return tmp_path_factory.mktemp("brought")
