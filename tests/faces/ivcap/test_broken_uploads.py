"""Uploads broken at any byte, by either side: the offset is the truth, and what is sent from there ends byte-equal."""

import io
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from ivcap_client.ivcap import IVCAP

from armarium.testing.server import RunningServer
from tests.faces.ivcap.conftest import Door
from tests.faces.people import JWT_SECRET, Person, a_person

CONTENT = os.urandom(700_001)


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that may be killed, and comes back at the same address."""
    settings = {"ARMARIUM_JWT_SECRET": JWT_SECRET, "ARMARIUM_LOG_LEVEL": "error"}
    with RunningServer(tmp_path_factory.mktemp("mortal") / "data", settings=settings) as server:
        yield server


@pytest.fixture
def mortals_door(mortal: RunningServer, ada: Person) -> Door:
    return Door(mortal.url, ada)


def begin_patch(url: str, who: Person, path: str, offset: int, length: int) -> socket.socket:
    """Send the head of a PATCH; the bytes are up to the caller."""
    host, port = url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)))
    head = (
        f"PATCH {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {who.token}\r\nTus-Resumable: 1.0.0\r\n"
        f"Upload-Offset: {offset}\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: {length}\r\n\r\n"
    )
    connection.sendall(head.encode())
    return connection


def offset_of(door: Door, path: str) -> int:
    answer = door("HEAD", path, headers={"Tus-Resumable": "1.0.0"})
    assert answer.status_code == 200
    return int(answer.headers["Upload-Offset"])


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def finish(door: Door, made: dict, content: bytes) -> None:
    """Go on at the recorded offset, as any client would, and read everything back."""
    for _ in range(5):  # a request that was cut may still be on its way in when the offset is asked for
        offset = offset_of(door, made["data-href"])
        answer = door.patch(made["data-href"], offset, content[offset:])
        if answer.status_code != 409:
            break
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(len(content)))
    record = door("GET", f"/1/artifacts/{made['id']}").json()
    assert (record["status"], record["size"]) == ("ready", len(content))
    assert door("GET", made["data-href"]).content == content


@pytest.mark.parametrize("cut", [0, 1, 65_536, 300_000, len(CONTENT) - 1])
@pytest.mark.parametrize("rudely", [False, True])
def test_a_cut_connection_keeps_what_arrived(door: Door, url: str, ada: Person, cut: int, rudely: bool):
    made = door.created(len(CONTENT))
    connection = begin_patch(url, ada, made["data-href"], 0, len(CONTENT))
    connection.sendall(CONTENT[:cut])
    if rudely:  # a reset
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
    # Less than was sent: a reset takes back what was not read yet, and who asks for the offset ends the reading.
    assert offset_of(door, made["data-href"]) <= cut
    finish(door, made, CONTENT)


def test_a_lost_answer_is_given_once_more(door: Door, url: str, ada: Person):
    made = door.created(len(CONTENT))
    connection = begin_patch(url, ada, made["data-href"], 0, len(CONTENT))
    connection.sendall(CONTENT)
    connection.close()
    eventually(lambda: door("GET", f"/1/artifacts/{made['id']}").json()["status"] == "ready")
    assert offset_of(door, made["data-href"]) == len(CONTENT)
    finish(door, made, CONTENT)  # a PATCH of no bytes
    assert door.patch(made["data-href"], len(CONTENT), b"more").status_code == 403
    assert door.patch(made["data-href"], 5, b"").status_code == 409


def test_a_connection_that_hangs_makes_way_for_the_next(door: Door, url: str, ada: Person):
    made = door.created(len(CONTENT))
    hanging = begin_patch(url, ada, made["data-href"], 0, len(CONTENT))
    hanging.sendall(CONTENT[:1000])
    time.sleep(0.2)
    assert offset_of(door, made["data-href"]) <= 1000
    finish(door, made, CONTENT)
    hanging.close()


@pytest.mark.parametrize("at", [0, 200_000])
def test_a_killed_server_tells_the_truth_afterwards(mortal: RunningServer, mortals_door: Door, ada: Person, at: int):
    made = mortals_door.created(len(CONTENT))
    if at:
        assert mortals_door.patch(made["data-href"], 0, CONTENT[:at]).status_code == 204
    connection = begin_patch(mortal.url, ada, made["data-href"], at, len(CONTENT) - at)
    connection.sendall(CONTENT[at : at + 300_000])
    mortal.kill()
    connection.close()
    mortal.start()
    assert offset_of(mortals_door, made["data-href"]) == at
    assert mortals_door("GET", f"/1/artifacts/{made['id']}").json()["status"] == ("partial" if at else "pending")
    finish(mortals_door, made, CONTENT)


def test_an_upload_whose_end_nobody_tells_survives_a_killed_server(mortal: RunningServer, mortals_door: Door):
    made = mortals_door.created(None)
    for offset in (0, 1000, 2000):
        assert mortals_door.patch(made["data-href"], offset, CONTENT[offset : offset + 1000]).status_code == 204
    mortal.kill()
    mortal.start()
    record = mortals_door("GET", f"/1/artifacts/{made['id']}").json()
    assert (record["status"], record["size"]) == ("ready", 3000)
    assert mortals_door("GET", made["data-href"]).content == CONTENT[:3000]


def test_the_unmodified_client_goes_on_when_the_server_is_back(mortal: RunningServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    who = a_person("persistent")
    ivcap = IVCAP(url=mortal.url, token=who.token)

    class Source(io.BytesIO):
        """Kills the server while it is read for the fourth chunk."""

        def read(self, size: int | None = -1) -> bytes:
            if self.tell() == 3 * 100_000 and not done.is_set():
                done.set()
                mortal.kill()
                threading.Thread(target=mortal.start).start()
            return super().read(size)

    done = threading.Event()
    artifact = ivcap.upload_artifact(
        name="persistent", io_stream=Source(CONTENT), content_type="text/plain", content_size=len(CONTENT),
        chunk_size=100_000, retries=10, retry_delay=1,
    )  # fmt: skip
    assert done.is_set()
    assert (artifact.status, artifact.open().read() == CONTENT) == ("ready", True)


def test_what_a_killed_client_has_sent_is_kept(door: Door, url: str, ada: Person, tmp_path: Path):
    (tmp_path / "data.bin").write_bytes(CONTENT)
    program = textwrap.dedent(
        f"""
        import sys, time
        from ivcap_client.ivcap import IVCAP
        class Slow:
            def __init__(self, file): self.file = file
            def read(self, size=-1): time.sleep(0.01); return self.file.read(size)
            def seek(self, *a): return self.file.seek(*a)
            def tell(self): return self.file.tell()
        ivcap = IVCAP(url={url!r}, token={ada.token!r})
        ivcap.upload_artifact(name="killed", io_stream=Slow(open({str(tmp_path / "data.bin")!r}, "rb")),
            content_type="text/plain", content_size={len(CONTENT)}, chunk_size=5000)
        """
    )
    client = subprocess.Popen([sys.executable, "-c", program], env=os.environ | {"NO_PROXY": "127.0.0.1"})
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            items = door("GET", "/1/artifacts?filter=name='killed'").json()["items"]
            if items and items[0]["status"] == "partial":
                break
            assert client.poll() is None
            time.sleep(0.05)
    finally:
        client.send_signal(signal.SIGKILL)
        client.wait()
    (made,) = items
    assert 0 < offset_of(door, made["data-href"]) < len(CONTENT)
    finish(door, made, CONTENT)


@pytest.mark.slow
@pytest.mark.parametrize("known", [True, False])
def test_a_hundred_megabytes(mortal: RunningServer, tmp_path: Path, known: bool):
    who = a_person("large")
    ivcap = IVCAP(url=mortal.url, token=who.token)
    block = os.urandom(1 << 20)
    (tmp_path / "large.bin").write_bytes(block * 100)
    with (tmp_path / "large.bin").open("rb") as source:
        artifact = ivcap.upload_artifact(
            name="large", io_stream=source, content_type="application/octet-stream",
            content_size=100 << 20 if known else -1, chunk_size=8 << 20,
        )  # fmt: skip
    assert (artifact.status, artifact.size) == ("ready", 100 << 20)
    with artifact.as_local_file() as path:
        assert path.read_bytes() == block * 100
    by_file = ivcap.upload_artifact(file_path=str(tmp_path / "large.bin"), content_type="application/octet-stream")
    assert by_file.etag == artifact.etag


def test_requests_that_make_no_sense_are_refused_and_change_nothing(door: Door):
    made = door.created(10)
    path = made["data-href"]
    assert door.patch(path, 0, b"12345").status_code == 204
    refusals = [
        (412, door.patch(path, 5, b"x", **{"Tus-Resumable": "0.2.2"})),
        (415, door.patch(path, 5, b"x", **{"Content-Type": "text/plain"})),
        (413, door.patch(path, 5, b"123456")),
        (409, door.patch(path, 4, b"x")),
        (400, door.patch(path, 5, b"x", **{"Upload-Offset": "-5"})),
        (400, door.patch(path, 5, b"x", **{"Upload-Length": "11"})),
        (404, door.patch(path.replace(made["id"][-4:], "0000"), 0, b"x")),
    ]
    assert [answer.status_code for _, answer in refusals] == [status for status, _ in refusals]
    assert refusals[0][1].headers["Tus-Version"] == "1.0.0"
    assert refusals[3][1].headers["Upload-Offset"] == "5"
    assert all("message" in answer.json() for _, answer in refusals)
    assert offset_of(door, path) == 5
    assert door("GET", path).status_code == 409
    assert door("DELETE", path, headers={"Tus-Resumable": "1.0.0"}).status_code == 204
    assert door("GET", f"/1/artifacts/{made['id']}").json()["status"] == "error"


def test_uploads_are_for_those_who_may_write(door: Door, bobs_door: Door, strangers_door: Door):
    made = door.created(3)
    for other, status in ((bobs_door, 404), (strangers_door, 401)):
        answers: list[requests.Response] = [
            other.patch(made["data-href"], 0, b"abc"),
            other("HEAD", made["data-href"], headers={"Tus-Resumable": "1.0.0"}),
            other("DELETE", made["data-href"], headers={"Tus-Resumable": "1.0.0"}),
            other("GET", made["data-href"]),
        ]
        assert [answer.status_code for answer in answers] == [status] * 4
    assert offset_of(door, made["data-href"]) == 0
