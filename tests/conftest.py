"""What every test may ask for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from armarium.testing.postgres import Databases, databases
from armarium.testing.s3_server import S3Server, s3_servers
from armarium.testing.server import RunningServer
from armarium.testing.storage import BLOBS, CATALOGS, servers_stored

REPOSITORY = Path(__file__).parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--chaos-seconds", type=float, default=20.0, help="how long the chaos test lasts")
    parser.addoption("--catalog", choices=CATALOGS, default="sqlite", help="where servers under test keep records")
    parser.addoption("--blobs", choices=BLOBS, default="disk", help="where servers under test keep files")


@pytest.fixture(scope="session", autouse=True)
def _storage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Every server of the tests keeps its things where the command line says."""
    chosen = (request.config.getoption("--catalog"), request.config.getoption("--blobs"))
    with servers_stored(*chosen, tmp_path_factory.getbasetemp()):
        yield


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="module")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A real server on `<fresh folder>/data`, shared by the tests of one module."""
    with RunningServer(tmp_path_factory.mktemp("served") / "data") as server:
        yield server


@pytest.fixture(scope="session")
def keeps_files_itself(request: pytest.FixtureRequest) -> bool:
    """Whether servers of the tests take the bytes, and not a store behind them."""
    return bool(request.config.getoption("--blobs") == "disk")


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real S3 server for all tests of one process: a fresh one, or the one `ARMARIUM_TEST_S3` names."""
    with s3_servers(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Databases]:
    """A PostgreSQL server: a fresh one, or the one `ARMARIUM_TEST_POSTGRES` names."""
    with databases() as made:
        yield made
