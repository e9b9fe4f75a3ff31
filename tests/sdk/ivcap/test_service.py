"""What only a service has: filters, other people, and a process that can die."""

import io
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from armarium.sdk.ivcap import IVCAP, IvcapApiError, NotAuthorizedException, UploadFailed
from armarium.testing.server import RunningServer
from tests.faces.people import JWT_SECRET, Person, a_person

SCHEMA = "urn:example:schema:note.1"


def a_text(ivcap: IVCAP, name: str, content: bytes = b"text", **how: str) -> str:
    return ivcap.upload_artifact(name=name, io_stream=io.BytesIO(content), content_type="text/plain", **how).id


def test_a_long_list_is_walked_through_page_by_page(online: IVCAP):
    made = {a_text(online, f"{number:03}") for number in range(120)}
    assert {artifact.id for artifact in online.list_artifacts(limit=None)} == made
    names = [artifact.name for artifact in online.list_artifacts(limit=75, order_by="name")]
    assert names == [f"{number:03}" for number in range(75)]


def test_artifacts_are_filtered(online: IVCAP):
    for name in ("auk", "awl", "gull"):
        a_text(online, name)
    found = online.list_artifacts(filter="name ~= 'a%'", order_by="name")
    assert [artifact.name for artifact in found] == ["auk", "awl"]
    with pytest.raises(IvcapApiError) as refused:
        online.list_artifacts(filter="colour = 'red'")
    assert refused.value.status_code == 422
    assert "filter" in refused.value.content.decode()


def test_an_upload_may_join_a_collection(online: IVCAP):
    birds = online.create_collection("urn:ivcap:collection:birds", "Birds")
    auk = a_text(online, "auk", collection=birds.urn)
    assert [member.item for member in birds.items()] == [auk]


def test_a_name_of_any_script_is_kept(online: IVCAP):
    assert online.get_artifact(a_text(online, "Übersicht 鳥.txt")).name == "Übersicht 鳥.txt"


def test_strangers_and_others_are_refused(online: IVCAP, armarium_server: RunningServer, bob: Person):
    artifact = a_text(online, "auk")
    with pytest.raises(NotAuthorizedException) as refused:
        IVCAP(url=armarium_server.url, token="nobody's").get_artifact(artifact)
    assert (refused.value.status_code, refused.value.operation) == (401, "artifact_read")
    with pytest.raises(IvcapApiError) as hidden:
        IVCAP(url=armarium_server.url, token=bob.token).get_artifact(artifact)
    assert hidden.value.status_code == 404


def test_a_service_that_is_not_there_is_told_so():
    with pytest.raises(IvcapApiError) as refused:
        IVCAP(url="http://127.0.0.1:9", token="t").upload_artifact(
            io_stream=io.BytesIO(b"x"), content_type="text/plain"
        )
    assert refused.value.status_code == 0
    assert "127.0.0.1" in str(refused.value)


def test_a_url_may_end_in_a_slash(armarium_server: RunningServer, ada: Person):
    ivcap = IVCAP(url=armarium_server.url + "/", token=ada.token)
    assert ivcap.get_artifact(a_text(ivcap, "auk")).open().read() == b"text"


@pytest.fixture
def mortal_server(tmp_path: Path) -> Iterator[RunningServer]:
    with RunningServer(tmp_path / "data", settings={"ARMARIUM_JWT_SECRET": JWT_SECRET}) as server:
        yield server


class KillingFile(io.BytesIO):
    """Kills the server when a part of it was read."""

    def __init__(self, content: bytes, server: RunningServer, *, after: int, revive: bool) -> None:
        super().__init__(content)
        self._server = server
        self._after = after
        self._revive = revive

    def read(self, size: int | None = -1) -> bytes:
        if self._after is not None and self.tell() >= self._after and self._server is not None:
            server, self._server = self._server, None  # type: ignore[assignment]
            server.kill()
            if self._revive:
                threading.Thread(target=server.start).start()
        return super().read(size)


@pytest.mark.parametrize("chunk_size", [None, 1_000_000])
def test_an_upload_survives_the_death_of_the_server(mortal_server: RunningServer, chunk_size: int | None):
    content = os.urandom(10_000_000)
    ivcap = IVCAP(url=mortal_server.url, token=a_person().token)
    stream = KillingFile(content, mortal_server, after=4_000_000, revive=True)
    artifact = ivcap.upload_artifact(
        io_stream=stream, content_type="text/plain", chunk_size=chunk_size, retries=60, retry_delay=0.25
    )
    assert artifact.open().read() == content


def test_an_upload_that_failed_goes_on_with_the_next_call(mortal_server: RunningServer, tmp_path: Path):
    (tmp_path / "a.bin").write_bytes(os.urandom(10_000_000))
    ivcap = IVCAP(url=mortal_server.url, token=a_person().token)
    sent: list[int] = []

    def kill_half_way(done: int, _all: int | None) -> None:
        sent.append(done)
        if done >= 5_000_000:
            mortal_server.kill()

    with pytest.raises(UploadFailed):
        ivcap.upload_artifact(
            file_path=tmp_path / "a.bin",
            content_type="text/plain",
            chunk_size=1_000_000,
            progress_callback=kill_half_way,
        )
    mortal_server.start()
    sent.clear()
    artifact = ivcap.upload_artifact(
        file_path=tmp_path / "a.bin",
        content_type="text/plain",
        chunk_size=1_000_000,
        progress_callback=lambda done, _all: sent.append(done),
    )
    assert artifact.open().read() == (tmp_path / "a.bin").read_bytes()
    assert min(sent) > 4_000_000, "what had arrived was not sent again"
    assert len(list(ivcap.list_artifacts())) == 1
