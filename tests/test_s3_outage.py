"""A store that goes away and comes back, under a real server and unmodified clients."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from hypha_rpc import connect_to_server

from armarium.testing.s3_server import RunningS3, settings_of
from armarium.testing.server import RunningServer
from tests.faces.people import JWT_SECRET, Person, a_person

pytestmark = pytest.mark.slow


@pytest.fixture
def ada() -> Person:
    return a_person("ada")


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[RunningS3]:
    """A store of its own, since this one is stopped."""
    with RunningS3(tmp_path / "s3") as running:
        yield running


@pytest.mark.parametrize("public", [True, False], ids=["direct", "through the server"])
async def test_an_outage_is_told_politely_and_everything_works_after(
    tmp_path: Path, s3: RunningS3, ada: Person, public: bool
) -> None:
    settings = settings_of(s3.make_bucket(f"bucket-{uuid4()}", public=public))
    settings |= {"ARMARIUM_JWT_SECRET": JWT_SECRET, "ARMARIUM_LOG_LEVEL": "warning"}
    with RunningServer(tmp_path / "data", settings=settings) as server:
        client: Any = await connect_to_server({"server_url": server.url, "token": ada.token, "method_timeout": 90})
        store = await client.get_service("public/artifact-manager")
        artifact = await store.create(alias="box", manifest={"name": "box"}, stage=True)
        files = f"{server.url}/{artifact.workspace}/artifacts/box/files"

        def put(name: str) -> requests.Response:
            return requests.put(f"{files}/{name}", data=b"four", headers=ada.headers, timeout=90)

        assert put("a.txt").status_code == 200
        assert requests.put(await store.put_file(artifact.id, "c.txt"), data=b"client", timeout=30).status_code == 200
        s3.stop()
        for answer in (put("b.txt"), requests.get(f"{files}/a.txt?stage=true", headers=ada.headers, timeout=90)):
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["retry-after"]) >= 1
            for told in (s3.endpoint, settings["ARMARIUM_S3_ACCESS_KEY_ID"], "bucket-", "blobs/"):
                assert told not in answer.text
        if public:
            with pytest.raises(Exception, match="cannot be reached at the moment"):
                await store.commit(artifact.id)
        assert (await store.read(artifact.id, version="stage")).manifest.name == "box"
        s3.start()
        assert put("b.txt").status_code == 200
        await store.commit(artifact.id)
        assert requests.get(f"{files}/a.txt", headers=ada.headers, timeout=30).content == b"four"
        assert requests.get(await store.get_file(artifact.id, "c.txt"), timeout=30).content == b"client"
        await client.disconnect()
