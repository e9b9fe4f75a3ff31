"""The unmodified client: a life cycle, every call for artifacts, aspects and collections, every error it knows."""

import datetime as dt
import io
import os

import httpx
import pytest
from ivcap_client.artifact import TarMember
from ivcap_client.exception import IvcapApiError, NotAuthorizedException, ResourceNotFound
from ivcap_client.ivcap import IVCAP

from tests.faces.people import a_person

SCHEMA = "urn:lab:schema:note.1"


def stream(ivcap, content, **values):
    return ivcap.upload_artifact(
        **{"io_stream": io.BytesIO(content), "content_type": "text/plain", "content_size": len(content), **values}
    )


@pytest.mark.parametrize("size", [0, 1, 300_000])
@pytest.mark.parametrize("chunk_size", [None, 65_536])
def test_a_file_goes_up_and_comes_down_three_ways(ivcap, tmp_path, size, chunk_size):
    content = os.urandom(size)
    (tmp_path / "data.csv").write_bytes(content)
    options = {"chunk_size": chunk_size} if chunk_size else {}
    artifact = ivcap.upload_artifact(name="my data ä", file_path=str(tmp_path / "data.csv"), **options)
    assert (artifact.status, artifact.name, artifact.size, artifact.mime_type) == (
        "ready",
        "my data ä",
        size,
        "text/csv",
    )
    with artifact.open() as opened:
        assert opened.read() == content
    assert b"".join(artifact.as_stream()) == content
    with artifact.as_local_file() as path:
        assert path.read_bytes() == content
    again = ivcap.get_artifact(artifact.id)
    assert again.id == artifact.urn
    assert again.etag == artifact.etag
    assert again.policy == "urn:ivcap:policy:ivcap.base.artifact"


@pytest.mark.parametrize("chunk_size", [None, 1000])
@pytest.mark.parametrize("known", [True, False])
def test_a_stream_of_known_or_unknown_length(ivcap, chunk_size, known):
    content = os.urandom(10_500)
    options = {"chunk_size": chunk_size} if chunk_size else {}
    artifact = stream(ivcap, content, content_size=len(content) if known else -1, name="s", **options)
    assert artifact.status == "ready"
    assert artifact.open().read() == content


def test_an_archive_of_unknown_length_is_ended_by_its_length(ivcap):
    members = [TarMember.from_bytes(os.urandom(600_000), arcname=f"{n}.bin") for n in range(3)]
    artifact = ivcap.upload_tar_artifact(members, name="set.tar.gz", chunk_size=512 * 1024)
    assert (artifact.status, artifact.mime_type) == ("ready", "application/gzip")
    assert len(artifact.open().read()) == artifact.size > 1_800_000


def test_what_is_known_already_is_not_sent_again(ivcap, tmp_path):
    (tmp_path / "a.txt").write_bytes(b"same")
    first = ivcap.upload_artifact(file_path=str(tmp_path / "a.txt"))
    assert ivcap.upload_artifact(file_path=str(tmp_path / "a.txt")).id == first.id
    assert ivcap.artifact_for_file(str(tmp_path / "a.txt")).id == first.id
    assert ivcap.upload_artifact(file_path=str(tmp_path / "a.txt"), force_upload=True).id != first.id


def test_lists_go_over_as_many_pages_as_it_takes(client_of):
    ivcap = client_of(a_person("lister"))
    made = [stream(ivcap, b"", name=f"n{number:03}") for number in range(121)]
    found = list(ivcap.list_artifacts(limit=None))
    assert [artifact.id for artifact in found] == [artifact.id for artifact in made]
    assert len(list(ivcap.list_artifacts())) == 10
    assert len(list(ivcap.list_artifacts(limit=73))) == 73
    newest = next(ivcap.list_artifacts(order_by="name", order_desc=True))
    assert newest.name == "n120"
    assert newest.open().read() == b""
    assert [one.name for one in ivcap.list_artifacts(filter="name ~= 'n01%'", limit=20)] == [
        f"n01{n}" for n in range(10)
    ]
    assert [one.name for one in ivcap.list_artifacts(filter="name = 'n007' or name eq 'n008'")] == ["n007", "n008"]
    assert list(ivcap.list_artifacts(at_time=dt.datetime(2020, 1, 1))) == []


def test_metadata_is_added_listed_updated_and_retracted(ivcap):
    artifact = stream(ivcap, b"x", name="with notes")
    assert [aspect.schema for aspect in artifact.metadata] == ["urn:ivcap:schema:artifact.1"]
    assert artifact.add_metadata({"$schema": SCHEMA, "text": "one"}) is artifact
    (note,) = ivcap.list_aspects(entity=artifact.id, schema=SCHEMA)
    assert note.aspect["text"] == "one"
    before = dt.datetime.now(dt.UTC)
    updated = ivcap.update_aspect(artifact.id, {"text": "two"}, schema=SCHEMA)
    assert updated.refresh().aspect["text"] == "two"
    assert [one.aspect["text"] for one in ivcap.list_aspects(entity=artifact.id, schema=SCHEMA)] == ["two"]
    then = ivcap.list_aspects(entity=artifact.id, schema=SCHEMA, at_time=before)
    assert [one.aspect["text"] for one in then] == ["one"]
    updated.retract()
    assert updated.valid_to
    assert list(ivcap.list_aspects(entity=artifact.id, schema=SCHEMA)) == []
    assert note.refresh().aspect["text"] == "one"
    ivcap.add_aspect(artifact.id, {"text": "a"}, schema=SCHEMA)
    ivcap.add_aspect(artifact.id, {"text": "b"}, schema=SCHEMA)
    with pytest.raises(IvcapApiError) as refused:
        ivcap.update_aspect(artifact.id, {"text": "c"}, schema=SCHEMA)
    assert refused.value.status_code == 424


def test_a_path_chooses_aspects_by_content(ivcap, ada):
    for size in (5, 20_000):
        ivcap.add_aspect(f"urn:lab:{ada.id}", {"images": [{"size": size}, {"size": 1}]}, schema=SCHEMA)
    chosen = ivcap.list_aspects(entity=f"urn:lab:{ada.id}", content_path="$.images[*] ? (@.size > 10000)")
    assert [one.aspect["images"][0]["size"] for one in chosen] == [20_000]


def test_a_collection_of_120_members_is_taken_apart(ivcap, ada):
    urn = f"urn:ivcap:collection:{ada.id}"
    ivcap.create_collection(urn, name="All of it", description="d")
    ivcap.create_collection(urn, name="All of them", description="d")
    collection = ivcap.get_collection(urn)
    assert (collection.name, isinstance(collection.valid_from, dt.datetime)) == ("All of them", True)
    members = [f"urn:lab:item:{number}" for number in range(120)]
    for member in members:
        assert ivcap.add_to_collection(urn, member) is not None
    assert ivcap.add_to_collection(urn, members[7]) is None
    assert {item.item for item in collection.items(limit=None)} == set(members)
    assert [one.urn for one in ivcap.list_collections(name_filter='starts with "All of th"')] == [urn]
    assert ivcap.remove_from_collection(urn, members[3]) is True
    assert ivcap.remove_from_collection(urn, members[3]) is False
    assert ivcap.retract_collection(urn) == 120
    with pytest.raises(ResourceNotFound):
        ivcap.get_collection(urn)


def test_an_upload_into_a_collection_is_an_item_of_it(ivcap, ada):
    urn = f"urn:ivcap:collection:{ada.id}"
    ivcap.create_collection(urn, name="c")
    artifact = stream(ivcap, b"x", collection=urn)
    assert [item.item for item in ivcap.get_collection(urn).items()] == [artifact.id]
    assert sorted(aspect.schema for aspect in artifact.metadata) == [
        "urn:ivcap:schema:artifact-in-collection.1", "urn:ivcap:schema:artifact.1",
    ]  # fmt: skip


def test_what_is_open_can_be_read_by_everybody_logged_in(ivcap, client_of, bob):
    opened = stream(ivcap, b"public", policy="urn:ivcap:policy:ivcap.open.artifact")
    theirs = client_of(bob).get_artifact(opened.id)
    assert (theirs.policy, theirs.open().read()) == ("urn:ivcap:policy:ivcap.open.artifact", b"public")
    assert [aspect.schema for aspect in theirs.metadata] == ["urn:ivcap:schema:artifact.1"]
    closed = stream(ivcap, b"private")
    with pytest.raises(IvcapApiError) as refused:
        client_of(bob).get_artifact(closed.id)
    assert refused.value.status_code == 404


def test_errors_arrive_as_the_exceptions_they_are(ivcap, client_of, url, bob):
    artifact = stream(ivcap, b"x")
    missing = "urn:ivcap:artifact:00000000-0000-7000-8000-000000000000"
    expected = [
        (404, IvcapApiError, lambda: ivcap.get_artifact(missing)),
        (422, IvcapApiError, lambda: list(ivcap.list_aspects(entity="urn:a:b", content_path="$..x"))),
        (422, IvcapApiError, lambda: list(ivcap.list_aspects(entity="urn:a:b", order_by="colour"))),
        (422, IvcapApiError, lambda: ivcap.add_aspect("no urn", {"a": 1}, schema=SCHEMA)),
        (422, IvcapApiError, lambda: ivcap.add_aspect("urn:a:b", {}, schema=SCHEMA, policy="urn:ivcap:policy:x")),
        (400, IvcapApiError, lambda: stream(ivcap, b"", policy="urn:ivcap:policy:unheard")),
        (403, NotAuthorizedException, lambda: ivcap.add_aspect(artifact.id, {}, schema="urn:ivcap:schema:artifact.1")),
        (403, NotAuthorizedException, lambda: client_of(bob).add_aspect(artifact.id, {"a": 1}, schema=SCHEMA)),
        (401, NotAuthorizedException, lambda: type(ivcap)(url=url, token="nonsense").get_artifact(artifact.id)),
    ]
    for status, kind, call in expected:
        with pytest.raises(kind) as raised:
            call()
        assert raised.value.status_code == status
    artifact._data_href = "/1/artifacts/nothing/blob"
    with pytest.raises(httpx.HTTPStatusError):
        artifact.open()


def test_a_base_url_that_ends_in_a_slash_works(url, ada):
    ivcap = IVCAP(url=url + "/", token=ada.token)
    assert stream(ivcap, b"slash").open().read() == b"slash"
