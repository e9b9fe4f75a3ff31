"""The client in a folder: nothing leaves it, nothing in it is overwritten, and history is kept."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from armarium.sdk.ivcap import IVCAP, Artifact, IvcapApiError, SafePath

SCHEMA = "urn:example:schema:note.1"


def a_text(ivcap: IVCAP, name: str | None = "a.txt", content: bytes = b"text") -> Artifact:
    return ivcap.upload_artifact(name=name, io_stream=io.BytesIO(content), content_type="text/plain")


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_name_may_have_directories(local: IVCAP, tmp_path: Path):
    assert a_text(local, "deep/in/a.txt").id == f"urn:file://{tmp_path}/store/artifacts/deep/in/a.txt"
    assert files_below(tmp_path / "store" / "artifacts") == {"deep/in/a.txt"}


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "..", "a\\..\\x", "a\0b"])
def test_a_name_that_leads_out_of_the_folder_is_refused(local: IVCAP, tmp_path: Path, name: str):
    with pytest.raises(IvcapApiError) as refused:
        a_text(local, name)
    assert refused.value.status_code == 400
    assert files_below(tmp_path) == set()


def test_a_link_that_leads_out_of_the_folder_is_not_followed(local: IVCAP, tmp_path: Path):
    a_text(local)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    (tmp_path / "store" / "artifacts" / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(IvcapApiError):
        a_text(local, "link/new/x")
    with pytest.raises(IvcapApiError):
        local.get_artifact(f"urn:file://{tmp_path}/store/artifacts/link/secret")
    assert [artifact.name for artifact in local.list_artifacts()] == ["a.txt"]
    assert files_below(tmp_path / "outside") == {"secret"}


@pytest.mark.parametrize(
    "id", ["urn:file:///etc/hostname", "file:///etc/hostname", "urn:ivcap:artifact:x", "", "a.txt"]
)
def test_what_is_outside_the_folder_is_no_artifact(local: IVCAP, id: str):
    with pytest.raises(IvcapApiError) as refused:
        local.get_artifact(id)
    assert refused.value.status_code == 404


def test_a_path_with_dots_is_no_artifact_even_if_it_leads_back(local: IVCAP, tmp_path: Path):
    a_text(local)
    with pytest.raises(IvcapApiError):
        local.get_artifact(f"urn:file://{tmp_path}/store/artifacts/x/../a.txt")


def test_a_name_that_is_taken_gets_a_number_and_keeps_what_it_is_called(local: IVCAP):
    first, second = a_text(local, content=b"1"), a_text(local, content=b"2")
    assert first.id != second.id
    assert second.id.endswith("/a-2.txt")
    assert (first.name, second.name) == ("a.txt", "a.txt")
    assert (first.open().read(), second.open().read()) == (b"1", b"2")


def test_an_artifact_without_a_name_gets_one_nobody_has(local: IVCAP):
    assert a_text(local, None).id != a_text(local, None).id


def test_a_file_laid_into_the_folder_is_an_artifact_too(local: IVCAP, tmp_path: Path):
    a_text(local)
    (tmp_path / "store" / "artifacts" / "table.csv").write_text("a\n")
    artifact = local.get_artifact(f"urn:file://{tmp_path}/store/artifacts/table.csv")
    assert (artifact.name, artifact.mime_type, artifact.size, artifact.status) == ("table.csv", "text/csv", 2, "ready")


def test_what_was_said_at_the_upload_is_known_to_the_next_client(local: IVCAP, tmp_path: Path):
    given = local.upload_artifact(
        name="a.bin",
        io_stream=io.BytesIO(b"x"),
        content_type="image/png",
        policy="urn:ivcap:policy:ivcap.open.artifact",
    )
    found = IVCAP.local(tmp_path / "store").get_artifact(given.id)
    assert (found.mime_type, found.policy, found.etag) == ("image/png", given.policy, given.etag)
    assert found == given


def test_the_stored_file_is_handed_out_and_cannot_be_deleted_through_it(local: IVCAP):
    artifact = a_text(local)
    with artifact.as_local_file() as path:
        assert isinstance(path, SafePath)
        path.unlink()
    assert artifact.open().read() == b"text"


def test_a_download_is_a_copy(local: IVCAP, tmp_path: Path):
    artifact = a_text(local)
    artifact.as_local_file(tmp_path / "new" / "copy").write_bytes(b"changed")
    assert artifact.open().read() == b"text"


def test_artifacts_are_listed_by_any_field_and_as_of_a_time(local: IVCAP):
    a_text(local, "b.txt", b"four")
    between = datetime.now(UTC)
    a_text(local, "a.txt", b"fifth")
    assert [artifact.name for artifact in local.list_artifacts(order_by="name")] == ["a.txt", "b.txt"]
    assert [artifact.size for artifact in local.list_artifacts(order_by="size", order_desc=True)] == [5, 4]
    assert [artifact.name for artifact in local.list_artifacts(at_time=between)] == ["b.txt"]
    assert len(list(local.list_artifacts(limit=1))) == 1
    with pytest.raises(IvcapApiError):
        local.list_artifacts(order_by="colour")


def test_a_long_list_comes_whole(local: IVCAP, tmp_path: Path):
    (tmp_path / "store" / "artifacts").mkdir(parents=True)
    for number in range(120):
        (tmp_path / "store" / "artifacts" / f"{number}.txt").write_text("x")
    assert len({artifact.id for artifact in local.list_artifacts(limit=None)}) == 120
    assert len(list(local.list_artifacts(limit=70))) == 70
    assert len(list(local.list_artifacts())) == 10


def test_an_aspect_is_a_file_other_programs_can_read(local: IVCAP, tmp_path: Path):
    aspect = local.add_aspect("urn:example:entity:1", {"$schema": SCHEMA, "n": 1})
    (path,) = (tmp_path / "store" / "aspects").iterdir()
    assert path.name == f"{aspect.id.rpartition(':')[2]}.json"
    stored = json.loads(path.read_text())
    assert (stored["id"], stored["entity"], stored["schema"]) == (aspect.id, "urn:example:entity:1", SCHEMA)
    assert stored["content"]["n"] == 1


def test_a_broken_file_among_the_aspects_does_not_hide_the_others(local: IVCAP, tmp_path: Path):
    aspect = local.add_aspect("urn:example:entity:1", {"$schema": SCHEMA, "n": 1})
    (tmp_path / "store" / "aspects" / "x.json").write_text("{")
    (tmp_path / "store" / "aspects" / "y.json").write_text("[]")
    assert [found.id for found in local.list_aspects()] == [aspect.id]


@pytest.mark.parametrize(
    "call",
    [
        lambda ivcap: ivcap.search(":- ivcap_artifact(Id, Name, Type)."),
        lambda ivcap: ivcap.list_secrets(),
        lambda ivcap: ivcap.set_secret("name", "value"),
        lambda ivcap: ivcap.get_secret("name"),
        lambda ivcap: ivcap.list_artifacts(filter="name ~= 'a%'"),
    ],
)
def test_what_needs_a_service_says_so(local: IVCAP, call, tmp_path: Path):
    with pytest.raises(IvcapApiError) as refused:
        call(local)
    assert refused.value.status_code == 501
    assert files_below(tmp_path) == set()
