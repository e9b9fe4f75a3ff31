"""Uploads over plain HTTP: in parts, of unknown length, with any credential that may."""

from typing import Any

import pytest
import requests

from tests.faces.conftest import Visit
from tests.faces.hypha.wire import an_artifact, contents
from tests.faces.people import Person

PARTS = [b"one " * (5 << 18), b"two " * (5 << 18), b"three"]


class Uploads:
    """The upload routes of Ada's artifact `box`, as one caller."""

    def __init__(self, web: requests.Session, url: str, workspace: str, headers: dict[str, str]) -> None:
        self._web = web
        self._base = f"{url}/{workspace}/artifacts"
        self._headers = headers

    def begin(self, alias: str = "box", **query: Any) -> requests.Response:
        url = f"{self._base}/{alias}/create-multipart-upload"
        return self._web.post(url, params=query, headers=self._headers, timeout=10)

    def complete(self, alias: str = "box", *, data: bytes | None = None, **body: Any) -> requests.Response:
        url = f"{self._base}/{alias}/complete-multipart-upload"
        if data is not None:
            return self._web.post(url, data=data, headers=self._headers, timeout=10)
        return self._web.post(url, json=body, headers=self._headers, timeout=10)


@pytest.fixture
async def box(store: Any) -> Any:
    return await store.create(alias="box", manifest={"name": "Box"}, stage=True)


@pytest.fixture
def as_ada(web: requests.Session, url: str, ada: Person) -> Uploads:
    return Uploads(web, url, ada.workspace, ada.headers)


@pytest.fixture
def as_bob(web: requests.Session, url: str, ada: Person, bob: Person) -> Uploads:
    return Uploads(web, url, ada.workspace, bob.headers)


def send_parts(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Upload each part and return what completes the upload."""
    sent = []
    for part, content in zip(parts, PARTS, strict=True):
        answer = requests.put(part["url"], data=content, timeout=10)
        assert answer.status_code == 200
        sent.append({"part_number": part["part_number"], "etag": answer.headers["etag"]})
    return sent


async def test_parts_become_one_file(store: Any, box: Any, as_ada: Uploads):
    begun = as_ada.begin(path="dir/large.bin", part_count=3, download_weight=0.5, expires_in=600)
    assert begun.status_code == 200, begun.text
    upload = begun.json()
    assert [part["part_number"] for part in upload["parts"]] == [1, 2, 3]
    sent = send_parts(upload["parts"])
    done = as_ada.complete(upload_id=upload["upload_id"], parts=list(reversed(sent)))
    assert (done.status_code, done.json()["success"]) == (200, True)
    await store.commit(box.id)
    assert await contents(store, "box") == {"dir/large.bin": b"".join(PARTS)}
    assert (await store.read(box.id)).config.download_weights == {"dir/large.bin": 0.5}
    again = as_ada.complete(upload_id=upload["upload_id"], parts=sent)
    assert again.status_code == 400


async def test_the_artifact_may_be_named_by_its_uuid(box: Any, as_ada: Uploads):
    assert as_ada.begin(box["_id"], path="x", part_count=1).status_code == 200


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ({"path": "x", "part_count": 0}, 422, "greater than 0"),
        ({"path": "x", "part_count": -1}, 422, "greater than 0"),
        ({"path": "x", "part_count": "many"}, 422, "greater than 0"),
        ({"path": "x"}, 422, "part_count"),
        ({"part_count": 1}, 422, "path"),
        ({"path": "x", "part_count": 10_001}, 400, "maximum number of parts is 10,000"),
        ({"path": "x", "part_count": "9" * 5000}, 400, "maximum number of parts is 10,000"),
        ({"path": "x", "part_count": 1, "download_weight": -1}, 400, "non-negative"),
        ({"path": "x", "part_count": 1, "download_weight": "nan"}, 400, "non-negative"),
        ({"path": "../x", "part_count": 1}, 400, r"'..'"),
        ({"path": "x", "part_count": 1, "expires_in": "soon"}, 400, "expires_in"),
    ],
)
async def test_what_cannot_be_begun_says_why(box: Any, as_ada: Uploads, query: dict[str, Any], status: int, words: str):
    answer = as_ada.begin(**query)
    assert answer.status_code == status, answer.text
    assert words in answer.text
    assert set(answer.json()) == {"detail"}


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"{}", b'{"upload_id": 7, "parts": []}', b'{"upload_id": "x", "parts": [7]}',
             b'{"upload_id": "x", "parts": [{"part_number": "1", "etag": "x"}]}', b'{"upload_id": "x"}', b"[" * 100_000]
)  # fmt: skip
async def test_malformed_completions_are_422(box: Any, as_ada: Uploads, data: bytes):
    answer = as_ada.complete(data=data)
    assert answer.status_code == 422, answer.text
    assert isinstance(answer.json()["detail"], list)


async def test_bad_parts_are_refused_and_the_upload_goes_on(store: Any, box: Any, as_ada: Uploads):
    upload = as_ada.begin(path="x", part_count=3).json()
    sent = send_parts(upload["parts"])
    for parts in ([], [{**sent[0], "etag": "other"}], [{**sent[0], "part_number": 4}], [{**sent[0], "part_number": 0}]):
        assert as_ada.complete(upload_id=upload["upload_id"], parts=parts).status_code == 400
    unknown = as_ada.complete(upload_id="unheard-of", parts=sent)
    assert (unknown.status_code, unknown.json()["detail"]) == (400, "Upload session expired or not found.")
    assert as_ada.complete(upload_id=upload["upload_id"], parts=sent).status_code == 200


async def test_who_may_not_upload_may_not_upload_in_parts(box: Any, store: Any, as_ada: Uploads, as_bob: Uploads):
    assert as_bob.begin(path="x", part_count=1).status_code == 403
    upload = as_ada.begin(path="x", part_count=3).json()
    sent = send_parts(upload["parts"])
    assert as_bob.complete(upload_id=upload["upload_id"], parts=sent).status_code == 403
    assert as_ada.begin("missing", path="x", part_count=1).status_code == 404
    await an_artifact(store, "committed", {"a": b"a"})
    refused = as_ada.begin("committed", path="x", part_count=1)
    assert refused.status_code == 400
    assert "staging mode" in refused.json()["detail"]


async def test_a_token_for_one_upload_begins_that_one_only(
    box: Any, web: requests.Session, url: str, ada: Person, visit: Visit
):
    token = await (await visit(ada)).generate_token({"extra_scopes": [f"put_file:{box.id}:dir%2Fone.bin"]})
    uploads = Uploads(web, url, ada.workspace, {"Authorization": f"Bearer {token}"})
    assert uploads.begin(path="dir/one.bin", part_count=1).status_code == 200
    assert uploads.begin(path="dir/two.bin", part_count=1).status_code == 403


async def test_a_put_without_a_length_and_an_empty_one_arrive(store: Any, box: Any, url: str, ada: Person):
    base = f"{url}/{ada.workspace}/artifacts/box/files"
    pieces = (bytes([n]) * 999 for n in range(100))
    chunked = requests.put(f"{base}/pieces.bin?download_weight=1", data=pieces, headers=ada.headers, timeout=10)
    assert (chunked.status_code, chunked.json()["message"]) == (200, "File uploaded successfully")
    assert requests.put(f"{base}/empty", data=b"", headers=ada.headers, timeout=10).headers["etag"]
    found = await contents(store, "box", stage=True)
    assert (len(found["pieces.bin"]), found["empty"]) == (99_900, b"")
