"""Wrong URLs, bodies and queries over HTTP: plain errors, no way out of an artifact, nothing told of the server."""

import http.client
import json
from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.faces.conftest import LARGEST_BODY
from tests.faces.hypha.wire import assert_tells_nothing, contents
from tests.faces.people import Person


def raw(url: str, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    try:
        connection.putrequest(method, path, skip_host=False, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


ESCAPES = [
    "../../box/files/a.txt",
    "..%2F..%2Fcatalog.sqlite",
    "%2e%2e%2f%2e%2e%2fcatalog.sqlite",
    "%2e%2e/a.txt",
    "d/..%2fa.txt",
    "d/%2e%2e/a.txt",
    "%2Fetc%2Fpasswd",
    "/etc/passwd",
    "..%5Ca.txt",
    "a%5Cb",
    "a.txt%00",
    "a.txt%00.png",
    "%00",
    "C:%2Fa.txt",
    "C:/a.txt",
    "..%252F..%252Fcatalog.sqlite",
    "%c0%ae%c0%ae%2fa.txt",
    "a%0Ab",
    "%ff%fe",
    "%ed%a0%80",
    "x" * 2000,
]


@pytest.mark.parametrize("escape", ESCAPES, ids=lambda escape: escape[:30])
async def test_paths_in_urls_never_leave_the_artifact(store: Any, box: Any, url: str, ada: Person, escape: str):
    before = await contents(store, box.id, stage=True)
    for method, query in (("GET", ""), ("GET", "?stage=true"), ("HEAD", ""), ("PUT", "")):
        path = f"/{box.workspace}/artifacts/box/files/{escape}{query}"
        status, body = raw(url, method, path, ada.headers, b"escaped" if method == "PUT" else None)
        allowed = (400, 404) if "252F" not in escape and "%c0" not in escape and method != "PUT" else (200, 400, 404)
        assert status in allowed, (method, status, body)
        assert b"SQLite format" not in body
        assert b"root:" not in body
        assert status == 200 or body == b"" or set(json.loads(body)) == {"detail"}
        assert_tells_nothing(body.decode())
    after = await contents(store, box.id, stage=True)
    assert {path: after[path] for path in before} == before
    assert all(".." not in path.split("/") for path in after)


@pytest.mark.parametrize("escape", ESCAPES, ids=lambda escape: escape[:30])
async def test_paths_after_a_signed_link_lead_nowhere(store: Any, box: Any, url: str, escape: str):
    link = (await store.get_file(box.id, "a.txt")).removeprefix(url)
    ticket = link.rpartition("/")[0]
    for path in (f"/-/blobs/{escape}", f"/-/blobs/{escape}/a.txt", f"/-/uploads/{escape}"):
        status, body = raw(url, "PUT" if "uploads" in path else "GET", path, {}, b"x" if "uploads" in path else None)
        assert status in (401, 403, 404, 405), (path, status, body)
        assert_tells_nothing(body.decode())
    status, body = raw(url, "GET", f"{ticket}/{escape}", {})
    assert body == b"two" if status == 200 else status in (400, 401, 403, 404)


@pytest.mark.parametrize("place", ["", "%2e%2e/", "..%2f", "%00", "x%20y", "a/b", "-", "a\\b", "%ff", "x" * 300])
async def test_odd_aliases_and_workspaces_in_urls_are_plain_errors(box: Any, url: str, ada: Person, place: str):
    for path in (
        f"/{box.workspace}/artifacts/{place}/files/a.txt",
        f"/{box.workspace}/artifacts/{place}/children",
        f"/{place}/artifacts/box",
        f"/{place}/artifacts/box/files/a.txt",
        f"/{place}/services/artifact-manager/list",
    ):
        status, body = raw(url, "GET", path.replace("\\", "%5C"), ada.headers)
        assert status in (400, 403, 404), (path, status, body)
        assert_tells_nothing(body.decode())


# bodies and queries

BAD_BODIES: list[tuple[bytes, str, int]] = [
    (b"{", "application/json", 400),
    (b"not json", "application/json", 400),
    (b"[1, 2]", "application/json", 400),
    (b'"text"', "application/json", 400),
    (b"7", "application/json", 400),
    (b"\xff\xfe", "application/json", 400),
    (b'{"artifact_id": "\\ud800"}', "application/json", 400),
    (b'{"artifact_id": NaN}', "application/json", 400),
    (b'{"artifact_id": 1e999}', "application/json", 400),
    (b"[" * 100_000, "application/json", 400),
    (b'{"a":' * 50_000, "application/json", 400),
    (b"\xc1", "application/msgpack", 400),
    (b"\x91\x01", "application/msgpack", 400),
    (b"\x81\x01\x02", "application/msgpack", 400),
    (b'{"artifact_id": "box", "unheard_of": 1}', "application/json", 400),
    (b'{"artifact_id": "box", "session": 1}', "application/json", 400),
    (b'{"artifact_id": "box", "self": 1}', "application/json", 400),
    (b"{}", "application/json", 400),
    (b"", "application/json", 400),
    (b" " * (LARGEST_BODY + 1), "application/json", 413),
]


@pytest.mark.parametrize(("body", "media_type", "status"), BAD_BODIES, ids=[repr(body[:30]) for body, *_ in BAD_BODIES])
async def test_bad_bodies(
    box: Any, web: requests.Session, url: str, ada: Person, body: bytes, media_type: str, status: int
):
    headers = {**ada.headers, "Content-Type": media_type}
    answer = web.post(f"{url}/public/services/artifact-manager/read", data=body, headers=headers, timeout=10)
    assert answer.status_code == status, answer.text
    assert answer.json()["success"] is False
    assert_tells_nothing(answer.text)


@pytest.mark.parametrize(
    "query",
    [
        "filters={",
        "filters=[1]",
        'filters="text"',
        'filters={"unheard_of":1}',
        "limit=x",
        "limit=-1",
        "offset=1.5",
        "offset=99999999999999999999999",
        "order_by=a;b",
        "keywords=%00",
        "keywords=%ff",
        "filters=" + quote('{"manifest":' * 50 + "1" + "}" * 50),
    ],
)
async def test_bad_queries(web: requests.Session, url: str, ada: Person, box: Any, query: str):
    for path in ("", "-/search", "box/children"):
        answer = web.get(f"{url}/{ada.workspace}/artifacts/{path}?{query}", headers=ada.headers, timeout=10)
        harmless = query.startswith(("keywords", "offset=9"))
        assert answer.status_code in ((200, 400) if harmless else (400,)), (path, answer.text)
        if answer.status_code == 400:
            assert set(answer.json()) == {"detail"}
            assert_tells_nothing(answer.text)
