"""The must-rules of tus 1.0.0 and its extensions, over the wire, and its standard clients."""

import base64
import hashlib
import io
import itertools
import json
import os
import random
import shutil
import subprocess
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from tusclient.client import TusClient

from armarium.testing.server import RunningServer
from tests.conftest import REPOSITORY
from tests.faces.people import JWT_SECRET, Person, a_person

VERSION = {"Tus-Resumable": "1.0.0"}
BODY = {"Content-Type": "application/offset+octet-stream"}
SCRIPT = Path(__file__).with_name("tus_client.mjs")
INSTALLED = REPOSITORY / "build" / "tus-js"
JS_CLIENT = "tus-js-client@4.3.1"

_numbers = itertools.count(1)


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class Draft:
    """A draft, and uploads into it as one person."""

    def __init__(self, url: str, person: Person) -> None:
        self.url = url
        self.person = person
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update(person.headers)
        self.name = self.call("create", manifest={"name": "Draft"}, stage=True)["id"]

    def call(self, function: str, **arguments: Any) -> Any:
        answer = self.session.post(
            f"{self.url}/public/services/artifact-manager/{function}", json=arguments, timeout=30
        )
        assert answer.ok, answer.text
        return answer.json()

    def metadata(self, path: str, **more: str) -> str:
        named = {"artifact": self.name, "path": path, **more}
        return ",".join(f"{key} {base64_of(value)}" for key, value in named.items())

    def send(self, method: str, url: str, body: bytes = b"", **headers: str) -> requests.Response:
        url = url if url.startswith("http") else self.url + url
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.session.request(method, url, data=body, headers={**VERSION, **named}, timeout=60)

    def begin(self, length: int | None, path: str = "a.bin", **headers: str) -> str:
        size = {"Upload_Length": str(length)} if length is not None else {"Upload_Defer_Length": "1"}
        answer = self.send("POST", "/-/tus", Upload_Metadata=self.metadata(path), **size, **headers)
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"]

    def patch(self, url: str, offset: int, body: bytes, **headers: str) -> requests.Response:
        return self.send("PATCH", url, body, Upload_Offset=str(offset), Content_Type=BODY["Content-Type"], **headers)

    def offset(self, url: str) -> int:
        answer = self.send("HEAD", url)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        return int(answer.headers["Upload-Offset"])

    def committed(self, path: str = "a.bin") -> bytes:
        self.call("commit", artifact_id=self.name)
        workspace, _, alias = self.name.partition("/")
        return self.session.get(f"{self.url}/{workspace}/artifacts/{alias}/files/{path}", timeout=60).content


@pytest.fixture
def draft(url: str, ada: Person) -> Draft:
    return Draft(url, ada)


def test_an_upload_goes_through_in_pieces(draft):
    content = os.urandom(100_000)
    url = draft.begin(len(content), "data/\u00e4.bin")
    for start in range(0, len(content), 30_000):
        answer = draft.patch(url, start, content[start : start + 30_000])
        assert (answer.status_code, answer.headers["Tus-Resumable"]) == (204, "1.0.0")
        assert int(answer.headers["Upload-Offset"]) == min(start + 30_000, len(content)) == draft.offset(url)
    assert draft.send("HEAD", url).headers["Upload-Length"] == str(len(content))
    assert draft.committed("data/\u00e4.bin") == content


def test_what_the_server_knows_is_told_to_whoever_asks(url):
    answer = requests.options(f"{url}/-/tus", timeout=30)
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    extensions = set(answer.headers["Tus-Extension"].split(","))
    assert extensions >= {"creation", "creation-with-upload", "creation-defer-length", "expiration", "checksum"}
    assert "sha1" in answer.headers["Tus-Checksum-Algorithm"]
    assert int(answer.headers["Tus-Max-Size"]) > 0


def test_another_offset_is_refused_and_the_true_one_told(draft):
    url = draft.begin(10)
    for offset in (1, 10, 11):
        answer = draft.patch(url, offset, b"x")
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (409, "0")
    assert draft.patch(url, 0, b"01234").status_code == 204
    assert draft.patch(url, 0, b"01234").status_code == 409
    assert draft.offset(url) == 5


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Tus-Resumable": "0.2.2"}, 412),
        ({"Content-Type": "application/octet-stream"}, 415),
        ({"Upload-Offset": "x"}, 400),
        ({"Upload-Offset": "-1"}, 400),
        ({"Upload-Checksum": "md4 AAAA"}, 400),
        ({"Upload-Checksum": "sha1 !"}, 400),
    ],
)
def test_a_piece_that_does_not_keep_to_the_protocol_is_refused(draft, headers, status):
    url = draft.begin(5)
    usual = {**VERSION, **BODY, "Upload-Offset": "0"}
    answer = draft.session.patch(url, data=b"01234", headers=usual | headers, timeout=30)
    assert answer.status_code == status
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert (status != 412) or answer.headers["Tus-Version"] == "1.0.0"
    assert draft.offset(url) == 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 400),
        ({"Upload-Length": "5", "Upload-Defer-Length": "1"}, 400),
        ({"Upload-Defer-Length": "2"}, 400),
        ({"Upload-Length": "-5"}, 400),
        ({"Upload-Length": "5", "Upload-Metadata": ""}, 400),
        ({"Upload-Length": "5", "Upload-Metadata": "artifact !"}, 400),
        ({"Upload-Length": "99999999999999"}, 413),
        ({"Upload-Length": "5", "Tus-Resumable": "2.0.0"}, 412),
    ],
)
def test_a_creation_that_makes_no_sense_is_refused(draft, headers, status):
    usual = {**VERSION, "Upload-Metadata": draft.metadata("a.bin")}
    assert draft.session.post(f"{draft.url}/-/tus", headers=usual | headers, timeout=30).status_code == status


def test_paths_that_leave_the_artifact_are_refused(draft):
    for path in ("../x", "/etc/passwd", "a/../../b", "a\\b"):
        answer = draft.send("POST", "/-/tus", Upload_Length="1", Upload_Metadata=draft.metadata(path))
        assert answer.status_code == 400


def test_more_than_was_announced_is_refused_and_nothing_of_it_kept(draft):
    url = draft.begin(4)
    assert draft.patch(url, 0, b"012345").status_code == 413
    assert draft.offset(url) == 0


def test_a_length_may_be_told_later_and_only_once(draft):
    url = draft.begin(None)
    assert draft.send("HEAD", url).headers["Upload-Defer-Length"] == "1"
    assert draft.patch(url, 0, b"0123").status_code == 204
    assert draft.patch(url, 4, b"", Upload_Length="2").status_code == 400
    assert draft.patch(url, 4, b"45", Upload_Length="6").status_code == 204
    assert draft.send("HEAD", url).headers["Upload-Length"] == "6"
    assert draft.committed() == b"012345"


def test_the_first_bytes_may_come_with_the_creation(draft):
    answer = draft.send(
        "POST", "/-/tus", b"0123", Upload_Length="6", Upload_Metadata=draft.metadata("a.bin"),
        Content_Type=BODY["Content-Type"],
    )  # fmt: skip
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "4")
    assert draft.patch(answer.headers["Location"], 4, b"45").status_code == 204
    assert draft.committed() == b"012345"


def test_an_empty_file_is_whole_at_once(draft):
    draft.begin(0)
    assert draft.committed() == b""


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5", "crc32"])
def test_a_checksum_is_checked_before_anything_is_kept(draft, algorithm):
    offered = draft.session.options(f"{draft.url}/-/tus", timeout=30).headers["Tus-Checksum-Algorithm"].split(",")
    if algorithm not in offered:
        assert algorithm not in ("sha1", "sha256")
        return
    crc = zlib.crc32(b"0123").to_bytes(4, "big")
    digest = crc if algorithm == "crc32" else hashlib.new(algorithm, b"0123").digest()
    url = draft.begin(4)
    right = f"{algorithm} {base64.b64encode(digest).decode()}"
    assert draft.patch(url, 0, b"0124", Upload_Checksum=right).status_code == 460
    assert draft.offset(url) == 0
    assert draft.patch(url, 0, b"0123", Upload_Checksum=right).status_code == 204


def test_an_upload_that_was_given_up_is_gone(draft):
    url = draft.begin(5)
    assert draft.send("DELETE", url).status_code == 204
    assert draft.send("HEAD", url).status_code == 404
    assert draft.patch(url, 0, b"01234").status_code == 404


def test_it_says_when_an_unfinished_upload_is_forgotten(draft):
    assert "GMT" in draft.send("HEAD", draft.begin(5)).headers["Upload-Expires"]


def test_uploads_are_for_those_who_may_put_files_into_the_draft(draft, url, bob):
    upload = draft.begin(5)
    for headers in ({}, bob.headers):
        usual = {**VERSION, **BODY, "Upload-Offset": "0", **headers}
        assert requests.patch(upload, data=b"01234", headers=usual, timeout=30).status_code in (401, 403)
        assert requests.head(upload, headers={**VERSION, **headers}, timeout=30).status_code in (401, 403)
        assert requests.delete(upload, headers={**VERSION, **headers}, timeout=30).status_code in (401, 403)
        created = {**VERSION, "Upload-Length": "5", "Upload-Metadata": draft.metadata("b.bin"), **headers}
        assert requests.post(f"{url}/-/tus", headers=created, timeout=30).status_code in (401, 403)
    assert draft.offset(upload) == 0


def test_without_a_draft_there_is_nothing_to_upload_into(draft):
    draft.call("commit", artifact_id=draft.name)
    answer = draft.send("POST", "/-/tus", Upload_Length="5", Upload_Metadata=draft.metadata("a.bin"))
    assert answer.status_code == 400
    assert "staging" in answer.json()["detail"]


def test_the_client_of_pypi_uploads_and_resumes(draft, tmp_path):
    content = os.urandom(300_000)
    client = TusClient(f"{draft.url}/-/tus", headers=dict(draft.person.headers))
    metadata = {"artifact": draft.name, "path": "a.bin"}
    first = client.uploader(file_stream=io.BytesIO(content), chunk_size=100_000, metadata=metadata)
    first.upload_chunk()
    later = client.uploader(file_stream=io.BytesIO(content), chunk_size=70_000, url=first.url)
    later.upload()
    assert draft.committed() == content


@pytest.fixture(scope="module")
def javascript() -> list[str]:
    """The command that uploads with the client from npm, installed at its exact version in an ignored folder."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip(f"{'node' if node is None else 'npm'} is not on this machine")
    INSTALLED.mkdir(parents=True, exist_ok=True)
    if not (INSTALLED / "node_modules" / "tus-js-client").exists():
        command = [npm, "install", JS_CLIENT, "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(command, cwd=INSTALLED, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"npm could not install {JS_CLIENT}: {done.stderr.strip().splitlines()[-1:]}")
    shutil.copy(SCRIPT, INSTALLED / SCRIPT.name)
    return [node, str(INSTALLED / SCRIPT.name)]


def test_the_client_of_npm_uploads_in_pieces(draft, javascript, tmp_path):
    content = os.urandom(250_000)
    (tmp_path / "a.bin").write_bytes(content)
    asked = {
        "endpoint": f"{draft.url}/-/tus", "headers": dict(draft.person.headers), "file": str(tmp_path / "a.bin"),
        "metadata": {"artifact": draft.name, "path": "a.bin"}, "chunkSize": 60_000,
    }  # fmt: skip
    done = subprocess.run(javascript, input=json.dumps(asked), capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert draft.committed() == content


# -- broken anywhere ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that is killed."""
    settings = {"ARMARIUM_JWT_SECRET": JWT_SECRET, "ARMARIUM_LOG_LEVEL": "error"}
    with RunningServer(tmp_path_factory.mktemp("mortal") / "data", settings=settings) as server:
        yield server


def broken_off(draft: Draft, url: str, offset: int, body: bytes, sent: int, after: Callable[[], None]) -> None:
    """Announce a body, send part of it, and let something happen before the rest."""

    def pieces() -> Iterator[bytes]:
        yield body[:sent]
        after()

    usual = {**VERSION, **BODY, "Upload-Offset": str(offset), "Content-Length": str(len(body))}
    try:
        draft.session.patch(url, data=pieces(), headers=usual, timeout=30)
    except (requests.RequestException, OSError, ZeroDivisionError):
        draft.session.close()


def test_a_connection_cut_at_any_byte_goes_on_from_what_is_kept(draft):
    content = random.Random(7).randbytes(200_000)
    url, chance = draft.begin(len(content)), random.Random(8)
    for _ in range(12):
        offset = draft.offset(url)
        rest = content[offset:]
        if not rest:
            break
        broken_off(draft, url, offset, rest, chance.randrange(len(rest)) // 2, lambda: 1 / 0)
        assert draft.offset(url) >= offset
    offset = draft.offset(url)
    assert draft.patch(url, offset, content[offset:]).status_code == 204
    assert draft.committed() == content


def test_a_server_killed_at_any_byte_has_kept_what_it_says(mortal):
    content = random.Random(9).randbytes(3_000_000)
    draft = Draft(mortal.url, a_person("ada"))
    place = draft.begin(len(content)).removeprefix(mortal.url)
    chance = random.Random(10)
    for _ in range(3):
        offset = draft.offset(draft.url + place)
        assert draft.patch(draft.url + place, offset, content[offset : offset + 100_001]).status_code == 204
        offset += 100_001
        rest = content[offset:]
        broken_off(draft, draft.url + place, offset, rest, chance.randrange(len(rest)), mortal.kill)
        mortal.restart()
        draft.url = mortal.url
        assert draft.offset(draft.url + place) >= offset
    offset = draft.offset(draft.url + place)
    assert draft.patch(draft.url + place, offset, content[offset:]).status_code == 204
    assert draft.committed() == content
