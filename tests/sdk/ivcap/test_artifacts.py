"""Artifacts through the blocking client, in a folder and at a server."""

import dataclasses
import io
import os
from pathlib import Path
from typing import Any

import pytest

from armarium.sdk.ivcap import IVCAP, Artifact, ArtifactStatusRTStatus, CMPath, IvcapApiError, SafePath
from tests.sdk.ivcap.conftest import CONTENT


class Once(io.RawIOBase):
    """A stream that cannot go back."""

    def __init__(self, content: bytes) -> None:
        self._rest = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._rest.read(size)


@pytest.fixture
def artifact(ivcap: IVCAP, csv: Path) -> Artifact:
    return ivcap.upload_artifact(name="my-data", file_path=csv)


def test_what_was_uploaded_is_known_and_comes_back(ivcap: IVCAP, artifact: Artifact):
    found = ivcap.get_artifact(artifact.id)
    assert (found.name, found.size, found.mime_type) == ("my-data", len(CONTENT), "text/csv")
    assert found.urn == found.id == artifact.id
    assert found.created_at is not None
    assert found.etag
    assert found.open().read() == CONTENT


def test_the_status_is_a_string_and_a_member_of_the_list(artifact: Artifact):
    assert artifact.status == "ready"
    assert artifact.status is ArtifactStatusRTStatus.READY
    assert f"{artifact.status}" == "ready"


@pytest.mark.parametrize("content", [b"", b"x", os.urandom(3_000_000)], ids=["0", "1", "3 MB"])
@pytest.mark.parametrize("source", [io.BytesIO, Once], ids=["seekable", "passing"])
@pytest.mark.parametrize("size_is_known", [True, False], ids=["sized", "unsized"])
def test_a_stream_of_any_size_is_stored(ivcap: IVCAP, content: bytes, source: Any, size_is_known: bool):
    size = len(content) if size_is_known else -1
    artifact = ivcap.upload_artifact(
        name="stream", io_stream=source(content), content_type="application/x-thing", content_size=size
    )
    assert artifact.open().read() == content
    assert (artifact.size, artifact.mime_type) == (len(content), "application/x-thing")


def test_an_empty_file_is_stored(ivcap: IVCAP, tmp_path: Path):
    (tmp_path / "empty.txt").touch()
    artifact = ivcap.upload_artifact(file_path=tmp_path / "empty.txt")
    assert artifact.status == "ready"
    assert list(artifact.as_stream()) == []


def test_a_file_goes_up_in_chunks(ivcap: IVCAP, csv: Path):
    assert ivcap.upload_artifact(file_path=csv, chunk_size=40_000).open().read() == CONTENT


def test_a_stream_starts_where_it_stands(ivcap: IVCAP):
    stream = io.BytesIO(b"header:body")
    stream.seek(7)
    assert ivcap.upload_artifact(name="b", io_stream=stream, content_type="text/plain").open().read() == b"body"


def test_chunks_are_as_long_as_asked(artifact: Artifact):
    lengths = [len(chunk) for chunk in artifact.as_stream(chunk_size=65_536)]
    assert lengths == [65_536, 65_536, len(CONTENT) - 2 * 65_536]
    assert {len(chunk) for chunk in artifact.as_stream()} == {len(CONTENT) // 10}


@pytest.mark.parametrize("chunk_size", [0, -2])
def test_chunks_of_no_length_are_refused(artifact: Artifact, chunk_size: int):
    with pytest.raises(ValueError):
        list(artifact.as_stream(chunk_size=chunk_size))


def test_a_download_makes_folders_and_replaces_what_was_there(artifact: Artifact, tmp_path: Path):
    target = tmp_path / "new" / "folder" / "out.csv"
    assert type(artifact.as_local_file(str(target))) is type(Path())
    target.write_bytes(b"old")
    assert artifact.as_local_file(target, 1024) == target
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["out.csv"]


def test_a_download_without_a_path_is_a_path_to_use_in_a_block(ivcap: IVCAP, artifact: Artifact):
    with artifact.as_local_file() as path:
        assert path.read_bytes() == CONTENT
    assert isinstance(path, SafePath if ivcap.url is None else CMPath)


def test_the_same_content_is_not_uploaded_twice(ivcap: IVCAP, csv: Path, artifact: Artifact):
    assert ivcap.artifact_for_file(csv) == artifact
    assert ivcap.upload_artifact(name="again", file_path=csv) == artifact
    assert ivcap.upload_artifact(name="again", file_path=csv, force_upload=True) != artifact
    csv.write_bytes(b"changed")
    assert ivcap.artifact_for_file(csv) is None
    assert ivcap.upload_artifact(name="changed", file_path=csv).open().read() == b"changed"


def test_the_note_beside_a_file_is_the_one_other_clients_know(csv: Path, artifact: Artifact):
    digest, urn = (csv.parent / ".ivcap-file.csv.txt").read_text().rstrip("\n").split("|")
    assert urn == artifact.id
    assert len(bytes.fromhex(digest)) == 16


@pytest.mark.parametrize("note", ["", "nonsense", "{digest}|urn:ivcap:artifact:{gone}", "{digest}|urn:file:///gone"])
def test_a_note_that_leads_nowhere_is_ignored(ivcap: IVCAP, csv: Path, artifact: Artifact, note: str):
    place = csv.parent / ".ivcap-file.csv.txt"
    digest = place.read_text().partition("|")[0]
    place.write_text(note.format(digest=digest, gone="0190b0f0-0000-7000-8000-000000000009"))
    again = ivcap.upload_artifact(name="again", file_path=csv)
    assert again != artifact
    assert again.open().read() == CONTENT


def test_a_folder_that_cannot_be_written_to_keeps_no_notes(ivcap: IVCAP, csv: Path):
    (csv.parent / ".ivcap-file.csv.txt").mkdir()
    (csv.parent / ".ivcap-file.csv.partial").mkdir()
    assert ivcap.upload_artifact(file_path=csv).open().read() == CONTENT


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"file_path": "a.csv", "io_stream": io.BytesIO(b"")},
        {"file_path": "not-there.csv"},
        {"io_stream": io.BytesIO(b""), "name": "without an ending"},
        {"io_stream": io.BytesIO(b""), "content_type": "text/plain", "collection": "not a urn"},
        {"io_stream": io.BytesIO(b""), "content_type": "text/plain", "policy": "urn:example:policy"},
        {"io_stream": io.BytesIO(b"12"), "content_type": "text/plain", "content_size": 3},
    ],
)
def test_what_cannot_be_uploaded_is_refused_before_anything_is_made(ivcap: IVCAP, asked: dict[str, Any]):
    with pytest.raises(ValueError):
        ivcap.upload_artifact(**asked)
    assert list(ivcap.list_artifacts()) == []


def test_an_artifact_that_is_not_there_is_told_so(ivcap: IVCAP):
    with pytest.raises(IvcapApiError) as refused:
        ivcap.get_artifact("urn:ivcap:artifact:0190b0f0-0000-7000-8000-000000000009")
    assert refused.value.status_code == 404


def test_artifacts_of_a_list_can_be_read_at_once(ivcap: IVCAP, artifact: Artifact):
    (listed,) = ivcap.list_artifacts()
    assert listed == artifact
    assert listed.open().read() == CONTENT


def test_an_artifact_is_made_of_a_record_of_the_protocol(ivcap: IVCAP):
    artifact = Artifact(ivcap, **{"id": "urn:ivcap:artifact:1", "mime-type": "text/plain", "unknown": 1})
    assert [field.name for field in dataclasses.fields(artifact)] == [
        "id", "status", "name", "size", "mime_type", "created_at", "last_modified_at", "etag", "policy", "account",
    ]  # fmt: skip
    assert (artifact.mime_type, artifact.name, artifact.size) == ("text/plain", None, None)
    assert repr(artifact) == "<Artifact id=urn:ivcap:artifact:1, status=???>"
    with pytest.raises(ValueError, match="id"):
        Artifact(ivcap)
    with pytest.raises(ValueError, match="ivcap"):
        Artifact(None, id="urn:ivcap:artifact:1")  # type: ignore[arg-type]


def test_artifacts_are_equal_by_their_id(ivcap: IVCAP, artifact: Artifact):
    assert len({artifact, ivcap.get_artifact(artifact.id)}) == 1
    assert artifact != Artifact(ivcap, id="urn:ivcap:artifact:1")
