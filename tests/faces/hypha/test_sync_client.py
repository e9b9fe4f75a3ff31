"""The synchronous wrapper of `hypha-rpc`, and its HTTP transport: unmodified clients, whole stories."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypha_rpc import connect_to_server
from hypha_rpc.sync import connect_to_server as connect

from tests.faces.conftest import Visit
from tests.faces.hypha.wire import an_artifact, contents, download, fill, refusal, upload
from tests.faces.people import Person, a_person

LARGE = 700 * 1024


@pytest.fixture
def server(url: str) -> Iterator[Any]:
    """Somebody's blocking connection."""
    server = connect({"server_url": url, "token": a_person("sync").token})
    yield server
    server.disconnect()


def test_a_story_without_await(server: Any):
    manager = server.get_service("public/artifact-manager")
    gallery = manager.create(alias="gallery", type="collection", manifest={"name": "Gallery"})
    staged = manager.create(parent_id=gallery.id, alias="birds", manifest={"name": "Birds"}, stage=True)
    upload(manager.put_file(staged.id, file_path="a.txt", download_weight=1), b"text")
    assert manager.commit(staged.id)["file_count"] == 1
    assert [child.alias for child in manager.list(gallery.id)] == ["birds"]
    assert download(manager.get_file("birds", "a.txt")) == b"text"
    assert manager.read("birds").download_count == 1
    assert manager.read_file("birds", "a.txt")["content"] == "text"
    manager.delete("birds")
    with refusal("KeyError: .*does not exist"):
        manager.read("birds")


def test_large_values_go_through_without_await(server: Any):
    assert server.echo(b"x" * LARGE) == b"x" * LARGE
    manager = server.get_service("public/artifact-manager")
    manager.create(alias="large", manifest={"name": "Large", "text": "y" * LARGE})
    assert manager.read("large").manifest.text == "y" * LARGE


async def test_the_http_transport_tells_a_whole_story(visit: Visit, ada: Person):
    client = await visit(ada, transport="http")
    manager = await client.get_service("public/artifact-manager")
    artifact = await an_artifact(manager, "over-http", {"a.txt": b"text", "d/b.txt": b"b"})
    assert artifact.workspace == ada.workspace
    assert await contents(manager, artifact.id) == {"a.txt": b"text", "d/b.txt": b"b"}
    await manager.edit(artifact.id, stage=True, version="new")
    await fill(manager, artifact.id, {"a.txt": b"second"})
    await manager.commit(artifact.id, version="second")
    assert await contents(manager, artifact.id, version="second") == {"a.txt": b"second"}
    assert [item.alias for item in await manager.list()] == ["over-http"]
    with refusal("KeyError: .*does not exist"):
        await manager.read("missing")


async def test_the_http_transport_carries_large_values_and_many_calls(visit: Visit, ada: Person):
    client = await visit(ada, transport="http")
    assert await client.echo(b"x" * LARGE) == b"x" * LARGE
    manager = await client.get_service("public/artifact-manager")
    await asyncio.gather(*(manager.create(alias=f"n{n}", manifest={"name": str(n)}) for n in range(20)))
    assert len(await manager.list()) == 20


async def test_the_http_transport_takes_no_bad_token(url: str, ada: Person):
    """The client itself is silent about a refused stream until its time is over, so the stream is asked for here."""
    headers = {"Authorization": "Bearer nonsense"}
    answer = requests.get(f"{url}/rpc", params={"client_id": "c"}, headers=headers, timeout=10)
    assert answer.status_code == 401
    with pytest.raises(Exception, match=r"(?i)timed? ?out|connect|fail"):
        await connect_to_server({"server_url": url, "token": "nonsense", "transport": "http", "method_timeout": 2})


def test_a_head_opens_no_stream(url: str, ada: Person):
    assert requests.head(f"{url}/rpc", params={"client_id": "c"}, headers=ada.headers, timeout=10).status_code == 405
