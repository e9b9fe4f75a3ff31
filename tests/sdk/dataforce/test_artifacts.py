"""What people rely on when they store, find, fetch and change model files."""

import asyncio
import hashlib
import os
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from armarium import (
    Artifact,
    ArtifactStatus,
    BadRequestError,
    FileError,
    FileUploadError,
    MultipleResourcesFoundError,
    NotFoundError,
    UnprocessableEntityError,
)
from tests.sdk.dataforce.awaiting import done
from tests.sdk.dataforce.conftest import MULTIPART_ABOVE, Place
from tests.sdk.dataforce.model_files import model_file

UNKNOWN = "0199c455-21ee-74c6-b747-19a82f1a1e67"


def quietly(_done: int, _total: int | None) -> None: ...


async def announced(place: Place, name: str, file_name: str = "m.fnnx", size: int = 1) -> Artifact:
    created = await place.asynchronous().artifacts.create(None, file_name, {}, {}, "", {}, size, name=name)
    artifact = created["model"]
    assert isinstance(artifact, Artifact)
    return artifact


# -- finding -----------------------------------------------------------------------------------------------------------


async def test_an_id_is_found_however_it_is_written(client: Any, place: Place):
    artifact = await announced(place, "a")
    for written in (artifact.id.upper(), artifact.id.replace("-", ""), f"urn:uuid:{artifact.id}"):
        assert await done(client.artifacts.get(written)) == artifact


async def test_what_is_not_there_is_none(client: Any, place: Place):
    await announced(place, "Name")
    for value in (UNKNOWN, "name", "Nam", "no.fnnx"):
        assert await done(client.artifacts.get(value)) is None


async def test_an_unknown_collection_is_an_error_and_not_none(client: Any):
    for value in (UNKNOWN, "name"):
        with pytest.raises(NotFoundError):
            await done(client.artifacts.get(value, collection_id=UNKNOWN))


async def test_a_name_of_several_is_refused_also_when_it_is_a_file_name_of_one(client: Any, place: Place):
    first = await announced(place, "twice", "one.fnnx")
    await announced(place, "twice", "two.fnnx")
    await announced(place, "one.fnnx", "three.fnnx")
    for name in ("twice", "one.fnnx"):
        with pytest.raises(MultipleResourcesFoundError, match=name):
            await done(client.artifacts.get(name))
    assert (await done(client.artifacts.get("two.fnnx"))).name == "twice"
    assert (await done(client.artifacts.get(first.id))) == first


async def test_lists_and_names_reach_beyond_the_first_page(client: Any, place: Place):
    oldest = await announced(place, "oldest")
    made = await asyncio.gather(*(announced(place, f"n{number}") for number in range(104)))
    listed = await done(client.artifacts.list())
    assert {one.id for one in listed} == {oldest.id, *(one.id for one in made)}
    assert len(listed) == 105
    assert listed[0] == oldest
    assert await done(client.artifacts.get("oldest")) == oldest


# -- uploading ---------------------------------------------------------------------------------------------------------


async def test_an_upload_keeps_what_the_file_says_of_itself(client: Any, model: Path):
    artifact = await done(client.artifacts.upload(model, "m", on_progress=quietly))
    content = model.read_bytes()
    assert artifact.file_hash == hashlib.sha256(content).hexdigest()
    offset, size = artifact.file_index["ops_artifacts/w.onnx"]
    assert content[offset : offset + size] == b"weights" * 1000
    assert artifact.tags is None
    assert len(artifact.unique_identifier) == 32


async def test_an_upload_prints_what_it_sends_and_when_it_is_done(
    client: Any, model: Path, capsys: pytest.CaptureFixture[str]
):
    await done(client.artifacts.upload(str(model), "m"))
    first, bar = capsys.readouterr().out.splitlines()
    assert first == 'Uploading model "model.fnnx"...'
    assert bar.endswith("100.0%")


async def test_a_large_file_goes_in_parts_and_comes_back_the_same(client: Any, tmp_path: Path):
    content = os.urandom(MULTIPART_ABOVE) * 5
    path = model_file(tmp_path / "large.dfs", content=content)
    told: list[tuple[int, int | None]] = []
    artifact = await done(client.artifacts.upload(path, "large", on_progress=lambda *at: told.append(at)))
    assert artifact.status == ArtifactStatus.UPLOADED
    assert told[-1] == (path.stat().st_size, path.stat().st_size)
    await done(client.artifacts.download(artifact.id, tmp_path / "back.dfs", on_progress=quietly))
    assert (tmp_path / "back.dfs").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", ["model.onnx", "model.fnnx"])
async def test_a_file_that_cannot_be_used_makes_no_artifact(name: str, client: Any, tmp_path: Path):
    (tmp_path / name).write_bytes(b"no archive")
    with pytest.raises(FileError):
        await done(client.artifacts.upload(tmp_path / name, "m"))
    assert await done(client.artifacts.list()) == []


@pytest.mark.parametrize("large", [False, True])
async def test_an_upload_that_fails_on_the_way_is_told_and_marked(large: bool, client: Any, tmp_path: Path):
    path = model_file(tmp_path / "m.fnnx", content=bytes(MULTIPART_ABOVE * (2 if large else 1) // 2 + 2**20))

    def cut(_done: int, _total: int | None) -> None:
        os.truncate(path, 1000)

    with pytest.raises(FileUploadError, match="Error uploading file to bucket"):
        await done(client.artifacts.upload(path, "m", on_progress=cut))
    (artifact,) = await done(client.artifacts.list())
    assert artifact.status == ArtifactStatus.UPLOAD_FAILED


async def test_a_file_that_changes_while_it_is_sent_is_not_stored(client: Any, tmp_path: Path):
    path = model_file(tmp_path / "m.fnnx", content=bytes(4 * 2**20))

    def change(_done: int, _total: int | None) -> None:
        with path.open("r+b") as file:
            file.seek(-200_000, os.SEEK_END)
            file.write(b"changed")

    with pytest.raises(FileUploadError):
        await done(client.artifacts.upload(path, "m", on_progress=change))
    (artifact,) = await done(client.artifacts.list())
    assert artifact.status == ArtifactStatus.UPLOAD_FAILED


async def test_a_cancelled_upload_is_marked(place: Place, tmp_path: Path):
    path = model_file(tmp_path / "m.fnnx", content=bytes(MULTIPART_ABOVE // 2))
    client = place.asynchronous()
    upload = asyncio.create_task(client.artifacts.upload(path, "m", on_progress=lambda *_: upload.cancel() and None))
    await asyncio.wait([upload])
    assert upload.cancelled()
    (artifact,) = await client.artifacts.list()
    assert artifact.status == ArtifactStatus.UPLOAD_FAILED


# -- downloading -------------------------------------------------------------------------------------------------------


async def test_a_download_takes_the_name_of_the_file_into_the_current_folder(
    client: Any, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    artifact = await done(client.artifacts.upload(model, "m", on_progress=quietly))
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "model.fnnx").write_bytes(b"old")
    await done(client.artifacts.download(artifact.id))
    assert [path.name for path in folder.iterdir()] == ["model.fnnx"]
    assert (folder / "model.fnnx").read_bytes() == model.read_bytes()
    assert capsys.readouterr().out.startswith(f'Downloading model id="{artifact.id}"...\n')


@pytest.mark.parametrize("target", [None, "m.fnnx"])
async def test_an_unknown_artifact_is_a_value_error_and_not_found(target: str | None, client: Any, tmp_path: Path):
    with pytest.raises(ValueError, match=UNKNOWN) as missing:
        await done(client.artifacts.download(UNKNOWN, target and tmp_path / target))
    assert isinstance(missing.value, NotFoundError)
    assert list(tmp_path.iterdir()) == []


async def test_both_clients_at_once_and_inside_a_running_loop(place: Place, model: Path, tmp_path: Path):
    blocking, client = place.sync(), place.asynchronous()
    artifact = blocking.artifacts.upload(model, "m", on_progress=quietly)
    downloads = [client.artifacts.download(artifact.id, tmp_path / f"{n}.fnnx", on_progress=quietly) for n in range(8)]
    downloads += [
        asyncio.to_thread(blocking.artifacts.download, artifact.id, tmp_path / f"t{n}.fnnx", on_progress=quietly)
        for n in range(8)
    ]
    await asyncio.gather(*downloads)
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1
    assert len(list(tmp_path.iterdir())) == 17


# -- creating, changing, removing --------------------------------------------------------------------------------------


async def test_bytes_may_be_sent_by_whoever_has_the_url(client: Any, model: Path):
    content = model.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    created = await done(
        client.artifacts.create(
            file_name="m.fnnx", extra_values={}, manifest={}, file_hash=digest, file_index={}, size=len(content)
        )
    )
    assert isinstance(created["url"], str)
    assert (created["url"].multipart, created["model"].name) == (False, "m.fnnx")
    async with aiohttp.ClientSession() as session:
        await session.put(created["url"], data=content)
    assert (await done(client.artifacts.update(created["model"].id, status="uploaded"))).status == "uploaded"


async def test_an_update_changes_what_is_given_and_leaves_the_rest(client: Any, model: Path, tmp_path: Path):
    before = await done(client.artifacts.upload(model, "m", "about", ["a"], on_progress=quietly))
    after = await done(client.artifacts.update(before.id, "renamed.dfs", description="new", tags=[]))
    assert (after.file_name, after.name, after.description, after.tags) == ("renamed.dfs", "m", "new", [])
    assert (after.file_hash, after.size, after.manifest) == (before.file_hash, before.size, before.manifest)
    await done(client.artifacts.download(before.id, tmp_path / "back", on_progress=quietly))
    assert (tmp_path / "back").read_bytes() == model.read_bytes()


async def test_illegal_moves_are_refused(client: Any, model: Path):
    artifact = await done(client.artifacts.upload(model, "m", on_progress=quietly))
    with pytest.raises(BadRequestError, match="Invalid status transition"):
        await done(client.artifacts.update(artifact.id, status=ArtifactStatus.UPLOADED))
    with pytest.raises(UnprocessableEntityError):
        await done(client.artifacts.update(artifact.id, status=ArtifactStatus.PENDING_UPLOAD))


@pytest.mark.parametrize("method", ["download_url", "delete_url", "update", "delete"])
async def test_an_unknown_artifact_is_not_found(method: str, client: Any):
    with pytest.raises(NotFoundError) as missing:
        await done(getattr(client.artifacts, method)(UNKNOWN))
    assert missing.value.status_code == 404
    assert "Artifact not found" in str(missing.value)


async def test_an_artifact_is_removed_in_any_status(client: Any, place: Place, model: Path):
    pending = await announced(place, "pending")
    uploaded = await done(client.artifacts.upload(model, "m", on_progress=quietly))
    condemned = await done(client.artifacts.upload(model, "m", on_progress=quietly))
    await done(client.artifacts.delete_url(condemned.id))
    for artifact in (pending, uploaded, condemned):
        assert await done(client.artifacts.delete(artifact.id)) is None
    assert await done(client.artifacts.list()) == []
