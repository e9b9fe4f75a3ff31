"""A server with an organization, an orbit and a fresh collection for each test, and clients of both kinds."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import msgspec
import pytest

from armarium import AsyncDataForceClient, DataForceClient
from armarium.testing.server import RunningServer
from tests.sdk.dataforce.model_files import model_file

MULTIPART_ABOVE = 8 * 1024 * 1024
_numbers = count()


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a test works. root: a client without default collection, to prepare and to look."""

    url: str
    key: str
    organization: str
    orbit: str
    collection: str
    root: DataForceClient

    @property
    def ids(self) -> dict[str, str]:
        return {"organization": self.organization, "orbit": self.orbit, "collection": self.collection}

    def sync(self) -> DataForceClient:
        return DataForceClient(self.url, self.key, **self.ids)

    def asynchronous(self) -> AsyncDataForceClient:
        client = AsyncDataForceClient(self.url, self.key)
        client.setup_config(**self.ids)
        return client


@pytest.fixture(scope="session")
def dataforce_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    settings = {"ARMARIUM_DATAFORCE_MULTIPART_ABOVE": str(MULTIPART_ABOVE)}
    with RunningServer(tmp_path_factory.mktemp("dataforce") / "data", settings=settings) as server:
        server.make_user("ada")
        yield server


@pytest.fixture(scope="session")
def key(dataforce_server: RunningServer) -> str:
    return dataforce_server.make_token("ada")


@pytest.fixture(scope="session")
def root(dataforce_server: RunningServer, key: str) -> DataForceClient:
    client = DataForceClient(dataforce_server.url, key)
    (organization,) = client.organizations.list()
    client.organization = organization.id
    bucket = client.bucket_secrets.list()[0]
    client.orbit = client.orbits.create("research", bucket.id).id
    return client


@pytest.fixture
def place(dataforce_server: RunningServer, key: str, root: DataForceClient) -> Place:
    collection = root.collections.create("for one test", f"collection {next(_numbers)}", "mixed")
    return Place(
        url=dataforce_server.url,
        key=key,
        organization=root.organization or "",
        orbit=root.orbit or "",
        collection=collection.id,
        root=root,
    )


@pytest.fixture(params=["sync", "async"])
def client(place: Place, request: pytest.FixtureRequest) -> DataForceClient | AsyncDataForceClient:
    """Each test that asks for it runs with both clients; `done` takes what either returns."""
    return place.sync() if request.param == "sync" else place.asynchronous()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return model_file(tmp_path / "model.fnnx")
