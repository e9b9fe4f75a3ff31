"""The async client: the same calls, awaited."""

import asyncio
import io
from pathlib import Path

import pytest

from armarium.sdk.ivcap import AsyncArtifact, AsyncIVCAP, IvcapApiError
from tests.sdk.ivcap.conftest import CONTENT

SCHEMA = "urn:example:schema:note.1"


@pytest.fixture
async def artifact(async_ivcap: AsyncIVCAP, csv: Path) -> AsyncArtifact:
    return await async_ivcap.upload_artifact(name="my-data", file_path=csv)


async def test_an_artifact_is_uploaded_found_and_read(
    async_ivcap: AsyncIVCAP, csv: Path, artifact: AsyncArtifact, tmp_path: Path
):
    assert artifact.status == "ready"
    found = await async_ivcap.get_artifact(artifact.id)
    assert found == artifact == await async_ivcap.artifact_for_file(csv)
    assert (await found.open()).read() == CONTENT
    assert b"".join([chunk async for chunk in found.as_stream(1000)]) == CONTENT
    assert (await found.as_local_file(tmp_path / "out")).read_bytes() == CONTENT
    with await found.as_local_file() as path:
        assert path.read_bytes() == CONTENT
    assert [listed.id async for listed in async_ivcap.list_artifacts()] == [artifact.id]
    assert (await found.refresh()).size == len(CONTENT)


async def test_aspects_are_stated_updated_and_retracted(async_ivcap: AsyncIVCAP, artifact: AsyncArtifact):
    await artifact.add_metadata({"n": 1}, schema=SCHEMA)
    await async_ivcap.update_aspect(artifact.id, {"n": 2}, schema=SCHEMA)
    (aspect,) = [said async for said in artifact.metadata if said.schema == SCHEMA]
    assert aspect.content == aspect.aspect
    assert aspect.content is not None
    assert aspect.content["n"] == 2
    assert (await aspect.retract()).valid_to is not None
    assert [said async for said in async_ivcap.list_aspects(entity=artifact.id, schema=SCHEMA)] == []
    assert (await async_ivcap.get_aspect(aspect.id)).valid_to == aspect.valid_to


async def test_a_collection_is_made_filled_and_ended(async_ivcap: AsyncIVCAP, artifact: AsyncArtifact):
    birds = await async_ivcap.create_collection("urn:ivcap:collection:birds", "Birds")
    assert await async_ivcap.add_to_collection(birds, artifact.id) is not None
    assert [member.item async for member in birds.items()] == [artifact.id]
    assert [found.name async for found in async_ivcap.list_collections('== "Birds"')] == ["Birds"]
    assert (await async_ivcap.get_collection(birds.urn)).valid_from == birds.valid_from
    assert await async_ivcap.remove_from_collection(birds, artifact.id)
    assert await async_ivcap.retract_collection(birds) == 1


async def test_many_uploads_run_side_by_side(async_ivcap: AsyncIVCAP):
    async def upload(number: int) -> AsyncArtifact:
        stream = io.BytesIO(b"%d" % number)
        return await async_ivcap.upload_artifact(name="same.txt", io_stream=stream, content_type="text/plain")

    artifacts = await asyncio.gather(*map(upload, range(20)))
    assert len({artifact.id for artifact in artifacts}) == 20
    contents = [(await artifact.open()).read() for artifact in artifacts]
    assert contents == [b"%d" % number for number in range(20)]


async def test_a_refusal_is_raised(async_ivcap: AsyncIVCAP):
    with pytest.raises(IvcapApiError):
        await async_ivcap.get_artifact("urn:ivcap:artifact:0190b0f0-0000-7000-8000-000000000009")
