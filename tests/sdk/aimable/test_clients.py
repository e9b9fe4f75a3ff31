"""The clients for artifacts in spaces at a running server."""

import os
from pathlib import Path

import pytest

from armarium import AimableClient, AsyncAimableClient, Conflict, GenerationFailed, Invalid, NotAuthenticated, NotFound
from armarium.sdk.aimable import Space
from armarium.testing.server import RunningServer
from tests.faces.people import Person

NOWHERE = "0190b0f0-0000-7000-8000-000000000009"


@pytest.fixture
def client(armarium_server: RunningServer, ada: Person) -> AimableClient:
    return AimableClient(armarium_server.url, api_key=ada.token)


@pytest.fixture
def space(client: AimableClient) -> Space:
    return client.spaces.create("Field notes", description="Orkney")


def test_a_space_is_made_changed_and_deleted(client: AimableClient, space: Space):
    assert (space.name, space.description) == ("Field notes", "Orkney")
    assert client.spaces.get(space.id).created_at is not None
    assert [found.id for found in client.spaces.list()] == [space.id]
    changed = client.spaces.update(space.id, name="Notes", description=None, fast_pdf_extraction=True)
    assert (changed.name, changed.description) == ("Notes", None)
    assert changed.settings["fast_pdf_extraction"] is True
    client.artifacts.generate(space.id, "a", b"x")
    with pytest.raises(Conflict):
        client.spaces.delete(space.id)
    client.spaces.delete(space.id, force=True)
    with pytest.raises(NotFound):
        client.spaces.get(space.id)


@pytest.mark.parametrize("content", [b"", os.urandom(100_000), "naïve\n"], ids=["nothing", "bytes", "text"])
def test_an_artifact_comes_back_as_it_was_made(
    client: AimableClient, space: Space, content: bytes | str, tmp_path: Path
):
    made = client.artifacts.generate(space.id, "a.bin", content, metadata={"n": 1}, thread_id="t")
    stored = content if isinstance(content, bytes) else content.encode()
    found = client.artifacts.get(space.id, made.id)
    assert (found.status, found.name, found.size, found.thread_id) == ("completed", "a.bin", len(stored), "t")
    assert found.metadata == {"n": 1}
    assert client.artifacts.read(space.id, made.id) == stored
    assert b"".join(client.artifacts.stream(space.id, made.id, chunk_size=1000)) == stored
    assert client.artifacts.download(space.id, made.id, tmp_path / "new" / "copy").read_bytes() == stored
    assert [job.status for job in client.artifacts.jobs(space.id, made.id)] == ["completed"]


def test_a_file_is_replaced_and_takes_its_name_along(client: AimableClient, space: Space, tmp_path: Path):
    made = client.artifacts.generate(space.id, "table", b"old")
    (tmp_path / "table.csv").write_bytes(b"1,2\n" * 500_000)
    replaced = client.artifacts.put_content(space.id, made.id, tmp_path / "table.csv")
    assert (replaced.size, replaced.mime_type) == (2_000_000, "text/csv")
    assert client.artifacts.read(space.id, made.id) == (tmp_path / "table.csv").read_bytes()
    assert client.artifacts.put_content(space.id, made.id, b"new", media_type="text/plain").size == 3


def test_the_same_key_makes_one_artifact(client: AimableClient, space: Space):
    first = client.artifacts.generate(space.id, "a", b"x", idempotency_key="k")
    assert client.artifacts.generate(space.id, "a", b"x", idempotency_key="k").id == first.id
    with pytest.raises(Invalid):
        client.artifacts.generate(space.id, "a", b"another", idempotency_key="k")
    assert len(client.artifacts.list(space.id).data) == 1
    assert client.artifacts.generate(space.id, "a", b"x").id != first.id


def test_artifacts_are_listed_page_by_page_and_filtered(client: AimableClient, space: Space):
    made = [client.artifacts.generate(space.id, f"{n}", b"x", type="even" if n % 2 == 0 else "odd") for n in range(7)]
    newest_first = [artifact.id for artifact in reversed(made)]
    page = client.artifacts.list(space.id, limit=5)
    assert [artifact.id for artifact in page.data] == newest_first[:5]
    rest = client.artifacts.list(space.id, limit=5, cursor=page.cursor)
    assert [artifact.id for artifact in rest.data] == newest_first[5:]
    assert rest.cursor is None
    assert [artifact.id for artifact in client.artifacts.iterate(space.id, limit=2)] == newest_first
    assert len(list(client.artifacts.iterate(space.id, document_type="odd", limit=1))) == 3


def test_a_document_is_made_from_text_and_waited_for(client: AimableClient, space: Space):
    made = client.artifacts.generate(space.id, "page", source="# Auks\n", source_format="markdown", format="html")
    assert made.status == "completed"
    assert b"Auks" in client.artifacts.read(space.id, made.id)


def test_what_cannot_be_made_is_told(client: AimableClient, space: Space):
    picture = client.artifacts.generate(space.id, "p.png", b"\x89PNG\r\n\x1a\n", mime_type="image/png")
    with pytest.raises((GenerationFailed, Invalid)):
        client.artifacts.generate(space.id, "page", source_artifact_id=picture.id, format="pdf")


def test_refusals_are_told_apart(client: AimableClient, space: Space, armarium_server: RunningServer, bob: Person):
    with pytest.raises(NotFound):
        client.artifacts.get(space.id, NOWHERE)
    with pytest.raises(Invalid, match="space_id"):
        client.spaces.get("not-a-uuid")
    with pytest.raises(Invalid) as refused:
        client.artifacts.generate(space.id, "")
    assert refused.value.field == "body.name"
    with pytest.raises(NotFound):
        AimableClient(armarium_server.url, token=bob.token).spaces.get(space.id)
    with pytest.raises(NotAuthenticated):
        AimableClient(armarium_server.url, api_key="nobody's").spaces.list()


def test_artifacts_go_with_their_space(client: AimableClient, space: Space):
    made = client.artifacts.generate(space.id, "a", b"x")
    client.spaces.delete(space.id, force=True)
    with pytest.raises(NotFound):
        client.artifacts.read(space.id, made.id)


async def test_the_async_client_does_the_same(armarium_server: RunningServer, ada: Person, tmp_path: Path):
    client = AsyncAimableClient(f"{armarium_server.url}/api-proxy", token=ada.token)
    space = await client.spaces.create("Notes")
    assert (await client.spaces.update(space.id, name="More notes")).name == "More notes"
    assert [found.name for found in await client.spaces.list()] == ["More notes"]
    made = await client.artifacts.generate(space.id, "a.txt", "text", type="note")
    await client.artifacts.put_content(space.id, made.id, b"longer text")
    assert await client.artifacts.read(space.id, made.id) == b"longer text"
    assert b"".join([piece async for piece in client.artifacts.stream(space.id, made.id)]) == b"longer text"
    assert (await client.artifacts.download(space.id, made.id, tmp_path)).name == "a.txt"
    assert [artifact.id async for artifact in client.artifacts.iterate(space.id)] == [made.id]
    assert (await client.artifacts.list(space.id)).cursor is None
    assert [job.status for job in await client.artifacts.jobs(space.id, made.id)][-1] == "completed"
    await client.artifacts.delete(space.id, made.id)
    with pytest.raises(NotFound):
        await client.artifacts.get(space.id, made.id)
    await client.spaces.delete(space.id)
