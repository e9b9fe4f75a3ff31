"""One real server for all tests of the doors in this process; every test has people, and so workspaces, of its own."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
import requests
from hypha_rpc import connect_to_server

from armarium.testing.server import RunningServer
from tests.adapters.archive.zenodo_server import Zenodo, running_zenodo
from tests.faces.people import JWT_SECRET, Person, a_person

LARGEST_FILE = 12 * 1024 * 1024
LARGEST_BODY = 1024 * 1024

Visit = Callable[..., Awaitable[Any]]


@pytest.fixture(scope="session")
def zenodo() -> Iterator[Zenodo]:
    """A small Zenodo of ours, where the server publishes to."""
    with running_zenodo() as served:
        yield served


@pytest.fixture(scope="session")
def armarium_server(tmp_path_factory: pytest.TempPathFactory, zenodo: Zenodo) -> Iterator[RunningServer]:
    settings = {
        "ARMARIUM_JWT_SECRET": JWT_SECRET,
        "ARMARIUM_MAX_FILE_BYTES": str(LARGEST_FILE),
        "ARMARIUM_MAX_BODY_BYTES": str(LARGEST_BODY),
        "ARMARIUM_DATAFORCE_MULTIPART_ABOVE": "1MiB",
        "ARMARIUM_SANDBOX_ZENODO_URL": zenodo.url,
        "ARMARIUM_LOG_LEVEL": "warning",
    }
    with RunningServer(tmp_path_factory.mktemp("doors") / "data", settings=settings) as server:
        yield server


@pytest.fixture(scope="session")
def url(armarium_server: RunningServer) -> str:
    return armarium_server.url


@pytest.fixture(scope="session")
def web() -> Iterator[requests.Session]:
    """Plain HTTP. It brings no credential of its own."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def ada() -> Person:
    return a_person("ada")


@pytest.fixture
def bob() -> Person:
    return a_person("bob")


@pytest.fixture
async def visit(url: str) -> AsyncIterator[Visit]:
    """Connect unmodified Hypha clients, with a person's token or with none; all of them leave after the test."""
    async with contextlib.AsyncExitStack() as stack:

        async def connect(person: Person | None = None, **config: Any) -> Any:
            token = {"token": person.token} if person else {}
            client = await connect_to_server({"server_url": url, **token, **config})
            stack.push_async_callback(client.disconnect)
            return client

        yield connect


async def _store(visit: Visit, person: Person | None) -> Any:
    client = await visit(person)
    return await client.get_service("public/artifact-manager")


@pytest.fixture
async def store(visit: Visit, ada: Person) -> Any:
    """The artifact manager as Ada has it."""
    return await _store(visit, ada)


@pytest.fixture
async def bobs_store(visit: Visit, bob: Person) -> Any:
    return await _store(visit, bob)


@pytest.fixture
async def strangers_store(visit: Visit) -> Any:
    """The artifact manager as somebody without a token has it."""
    return await _store(visit, None)
