"""A database that restarts and a store that is away for a while: everybody is told to come again, and then it works."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from hypha_rpc import connect_to_server

from armarium.testing.postgres import RunningPostgres
from armarium.testing.s3_server import ACCESS_KEY, RunningS3
from armarium.testing.server import RunningServer

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 40.0
CONTENT = b"kept through it all" * 1000


class Place:
    """A server of two processes on a database and a store of its own."""

    def __init__(self, server: RunningServer, postgres: RunningPostgres, s3: RunningS3) -> None:
        self.server = server
        self.postgres = postgres
        self.s3 = s3
        self.headers = {"Authorization": f"Bearer {server.admin_token}"}

    def call(self, name: str, **arguments: Any) -> requests.Response:
        url = f"{self.server.url}/public/services/artifact-manager/{name}"
        return requests.post(url, json=arguments, headers=self.headers, timeout=60)

    def done(self, name: str, **arguments: Any) -> Any:
        answer = self.call(name, **arguments)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def upload(self, path: str, content: bytes) -> requests.Response:
        return requests.put(self.done("put_file", artifact_id="box", file_path=path), data=content, timeout=60)

    def download(self, path: str) -> requests.Response:
        url = f"{self.server.url}/ws-user-admin/artifacts/box/files/{path}"
        return requests.get(url, headers=self.headers, timeout=60)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder: Path = tmp_path_factory.mktemp("outages")
    with RunningPostgres() as postgres, RunningS3(folder / "s3") as s3:
        s3.make_bucket("outages")
        settings = {
            "ARMARIUM_DATABASE": postgres.url(),
            "ARMARIUM_BLOBS": "s3://outages",
            "ARMARIUM_S3_ENDPOINT": s3.endpoint,
            "ARMARIUM_S3_ACCESS_KEY_ID": ACCESS_KEY.id,
            "ARMARIUM_S3_SECRET_ACCESS_KEY": ACCESS_KEY.secret,
        }
        with RunningServer(folder / "data", options=["--workers", "2"], settings=settings) as server:
            place = Place(server, postgres, s3)
            place.done("create", alias="box", manifest={"name": "Box"}, stage=True)
            assert place.upload("first.bin", CONTENT).status_code == 200
            place.done("commit", artifact_id="box")
            yield place


def assert_come_again(answer: requests.Response) -> None:
    """A 503 that says when to come again, and nothing about where the database or the store is."""
    assert answer.status_code == 503, (answer.status_code, answer.text)
    assert int(answer.headers["retry-after"]) >= 1
    assert not any(word in answer.text for word in ("127.0.0.1", "Traceback", "asyncpg", "postgres:", "outages"))


def until(works: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not works():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_while_the_database_restarts_everybody_is_told_to_come_again(place: Place):
    place.postgres.stop()
    try:
        for _ in range(4):  # of either process
            assert_come_again(place.call("read", artifact_id="box"))
            assert_come_again(place.call("create", alias="new", manifest={"name": "New"}))
        assert requests.get(f"{place.server.url}/health", timeout=10).status_code == 200
        assert_come_again(requests.get(f"{place.server.url}/ready", timeout=30))
    finally:
        place.postgres.start()
    until(lambda: place.call("read", artifact_id="box").status_code == 200)
    place.done("create", alias="new", manifest={"name": "New"})
    assert place.download("first.bin").content == CONTENT


async def test_a_connected_client_goes_on_after_the_database_was_killed(place: Place):
    client = await connect_to_server({"server_url": place.server.url, "token": place.server.admin_token})
    try:
        store = await client.get_service("public/artifact-manager")
        assert (await store.read("box")).manifest.name == "Box"
        place.postgres.kill()
        with pytest.raises(Exception, match="RuntimeError: The catalog"):
            await store.read("box")
        place.postgres.start()
        until(lambda: place.call("read", artifact_id="box").status_code == 200)
        assert (await store.read("box")).manifest.name == "Box"
    finally:
        await client.disconnect()


def test_while_the_store_is_away_records_are_there_and_bytes_are_not(place: Place):
    place.done("edit", artifact_id="box", stage=True)
    place.s3.stop()
    try:
        assert place.done("read", artifact_id="box")["manifest"]["name"] == "Box"
        assert_come_again(place.upload("second.bin", CONTENT))
        assert_come_again(place.download("first.bin"))
    finally:
        place.s3.start()
    until(lambda: place.download("first.bin").status_code == 200)
    assert place.upload("second.bin", CONTENT).status_code == 200
    place.done("commit", artifact_id="box")
    assert place.download("second.bin").content == CONTENT
