"""Zips on the fly and files inside zips, over HTTP from a real server."""

import io
import itertools
import zipfile
from types import SimpleNamespace

import pytest
import requests

ALIASES = (f"zips-{number}" for number in itertools.count())
FILES = {"a.txt": b"first", "sub/b.bin": bytes(range(256)) * 1000, "sub/empty": b"", "ü/漢.txt": "ß".encode() * 9}


@pytest.fixture(scope="module")
def http(running_server):
    """Requests as the administrator, with `url` made from a path."""
    session = requests.Session()
    session.headers["authorization"] = f"Bearer {running_server.admin_token}"

    def call(function, **arguments):
        response = session.post(f"{running_server.url}/public/services/artifact-manager/{function}", json=arguments)
        assert response.ok, response.text
        return response.json()

    return SimpleNamespace(session=session, url=running_server.url, call=call)


def an_artifact(http, files, *, alias=None, config=None):
    """Commit an artifact with files; returns its URL."""
    alias = alias or next(ALIASES)
    config = {"permissions": {"*": "r"}} | (config or {})
    made = http.call("create", alias=alias, workspace="public", manifest={"name": "x"}, config=config, stage=True)
    url = f"{http.url}/{made['id'].split('/')[0]}/artifacts/{alias}"
    for path, content in files.items():
        assert http.session.put(f"{url}/files/{path}", data=content).ok
    http.call("commit", artifact_id=made["id"])
    return url


@pytest.fixture(scope="module")
def artifact(http):
    return an_artifact(http, FILES, alias="all-files")


def unzipped(response) -> dict[str, bytes]:
    assert response.status_code == 200, response.text
    assert int(response.headers["content-length"]) == len(response.content)
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


# an artifact as one zip


def test_all_files_come_as_one_zip_of_the_size_the_protocol_says(artifact):
    response = requests.get(f"{artifact}/create-zip-file")
    assert unzipped(response) == FILES
    assert len(response.content) == 22 + sum(94 + len(data) + 2 * len(name.encode()) for name, data in FILES.items())
    assert response.headers["content-type"] == "application/zip"
    assert response.headers["content-disposition"] == "attachment; filename=all-files.zip"


def test_chosen_files_come_in_the_order_asked_for(artifact):
    response = requests.get(f"{artifact}/create-zip-file", params=[("file", "sub/b.bin"), ("file", "a.txt")])
    assert list(unzipped(response)) == ["sub/b.bin", "a.txt"]


def test_a_zip_can_be_resumed_anywhere(artifact):
    whole = requests.get(f"{artifact}/create-zip-file")
    for first in (0, 10, 35, 5000, 200_000, len(whole.content) - 300, len(whole.content) - 1):
        for last in (first, first + 100, len(whole.content) - 1):
            part = requests.get(
                f"{artifact}/create-zip-file",
                headers={"range": f"bytes={first}-{last}", "if-range": whole.headers["etag"]},
            )
            assert part.status_code == 206
            assert part.content == whole.content[first : last + 1]


def test_head_tells_the_length_without_the_bytes(artifact):
    head = requests.head(f"{artifact}/create-zip-file")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == len(requests.get(f"{artifact}/create-zip-file").content)


def test_an_artifact_without_files_is_an_empty_zip(http):
    assert unzipped(requests.get(f"{an_artifact(http, {})}/create-zip-file")) == {}


def test_an_unknown_file_or_version_is_not_found(artifact):
    assert requests.get(f"{artifact}/create-zip-file?file=no").status_code == 404
    assert requests.get(f"{artifact}/create-zip-file?version=v9").status_code == 400
    assert requests.get(f"{artifact}-no/create-zip-file").json() == {"detail": "Artifact not found"}


def test_who_may_not_read_files_gets_no_zip(http):
    url = an_artifact(http, FILES, config={"permissions": {"*": "l"}})
    assert requests.get(f"{url}/create-zip-file").status_code == 403
    token = http.session.headers["authorization"].removeprefix("Bearer ")
    assert requests.get(f"{url}/create-zip-file", params={"token": token}).status_code == 200


def downloads(http, url):
    return http.session.get(url, params={"silent": "true"}).json()["download_count"]


def test_a_zip_counts_what_its_files_weigh(http):
    url = an_artifact(http, FILES, config={"download_weights": {"a.txt": 0.5, "sub/b.bin": 2}})
    requests.get(f"{url}/create-zip-file")
    assert downloads(http, url) == 2.5
    requests.get(f"{url}/create-zip-file?file=a.txt")
    requests.get(f"{url}/create-zip-file?silent=true")
    requests.head(f"{url}/create-zip-file")
    assert downloads(http, url) == 3.0


def test_a_zip_can_have_a_weight_of_its_own(http):
    url = an_artifact(http, FILES, config={"download_weights": {"a.txt": 0.5, "create-zip-file": 10}})
    requests.get(f"{url}/create-zip-file")
    requests.get(f"{url}/create-zip-file?file=a.txt")
    assert downloads(http, url) == 20


# inside a zip


def a_zip(files, method=zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 2, 29, 12, 30, 58)), content, method)
    return buffer.getvalue()


INSIDE = {"readme.txt": b"hello " * 100, "data/deep/x.bin": bytes(range(256)) * 5000, "data/y": b"", "hollow/": b""}


@pytest.fixture(scope="module", params=[zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"])
def inside(http, request):
    """The URL of an uploaded zip."""
    archive = a_zip(INSIDE, request.param)
    broken = archive.replace(b"PK\3\4", b"PK\7\7", 1)
    url = an_artifact(http, {"in/some.zip": archive, "text.zip": b"no zip at all", "broken.zip": broken})
    return f"{url}/zip-files/in/some.zip"


def test_a_directory_inside_a_zip_is_listed(inside):
    when = 1709209858.0
    assert requests.get(inside).json() == [
        {"type": "file", "name": "readme.txt", "size": 600, "last_modified": when},
        {"type": "directory", "name": "data"},
        {"type": "directory", "name": "hollow", "size": None, "last_modified": when},
    ]
    assert requests.get(f"{inside}/~/data/").json() == requests.get(f"{inside}?path=data/").json()
    assert [entry["name"] for entry in requests.get(f"{inside}/~/data/").json()] == ["y", "deep"]
    assert requests.get(f"{inside}/~/").json() == requests.get(inside).json()
    response = requests.get(f"{inside}?path=nowhere/")
    assert (response.status_code, response.json()) == (200, [])


@pytest.mark.parametrize("place", ["?path=", "/~/"])
def test_a_file_inside_a_zip_is_sent(inside, place):
    for name, content in INSIDE.items():
        if not name.endswith("/"):
            response = requests.get(f"{inside}{place}{name}")
            assert (response.status_code, response.content) == (200, content)
            assert int(response.headers["content-length"]) == len(content)
            assert response.headers["content-disposition"] == f'attachment; filename="{name.split("/")[-1]}"'
    assert requests.get(f"{inside}{place}readme.txt").headers["content-type"] == "text/plain; charset=utf-8"
    assert requests.get(f"{inside}{place}data/y").headers["content-type"] == "application/octet-stream"


def test_a_range_of_a_file_inside_a_zip_is_sent(inside):
    content = INSIDE["data/deep/x.bin"]
    for first, last in ((0, 0), (1, 700_000), (len(content) - 5, len(content) - 1)):
        response = requests.get(f"{inside}/~/data/deep/x.bin", headers={"range": f"bytes={first}-{last}"})
        assert (response.status_code, response.content) == (206, content[first : last + 1])


def test_what_is_missing_is_told_in_the_words_clients_know(inside):
    response = requests.get(f"{inside}?path=nonexistent.txt")
    assert response.status_code == 404
    assert response.json() == {"success": False, "detail": "File not found inside ZIP: nonexistent.txt"}
    response = requests.get(f"{inside}.no?path=readme.txt")
    assert response.status_code == 404
    assert response.json() == {"success": False, "detail": "ZIP file not found: in/some.zip.no"}


def test_both_ways_to_name_a_path_at_once_are_refused(inside):
    assert requests.get(f"{inside}/~/readme.txt?path=readme.txt").status_code == 400


def test_a_file_that_is_no_zip_is_told(inside):
    response = requests.get(inside.replace("in/some.zip", "text.zip"))
    assert response.status_code == 400
    assert response.json()["success"] is False
    assert response.json()["detail"].startswith("Invalid ZIP file")


def test_a_damaged_member_is_told_before_anything_is_sent(inside):
    response = requests.get(inside.replace("in/some.zip", "broken.zip") + "?path=readme.txt")
    assert response.status_code == 400
    assert "damaged" in response.json()["detail"] or "directory" in response.json()["detail"]


@pytest.mark.parametrize("path", ["../readme.txt", "/readme.txt", "a\\b"])
def test_a_path_that_leaves_the_zip_is_refused(inside, path):
    assert requests.get(inside, params={"path": path}).status_code == 400


def test_who_may_not_read_files_sees_nothing_inside(http):
    url = an_artifact(http, {"a.zip": a_zip(INSIDE)}, config={"permissions": {"*": "l"}})
    assert requests.get(f"{url}/zip-files/a.zip").status_code == 403
    assert requests.get(f"{url}/zip-files/a.zip?path=readme.txt").status_code == 403


def test_a_large_archive_with_many_members_is_read_by_the_look(http):
    names = {f"group{n % 128}/chunk{n}": f"{n}".encode() for n in range(12_800)}
    url = an_artifact(http, {"big.zip": a_zip(names | {"zeros": bytes(210 << 20)}, zipfile.ZIP_STORED)})
    assert requests.get(f"{url}/zip-files/big.zip/~/group5/chunk12677").content == b"12677"
    assert len(requests.get(f"{url}/zip-files/big.zip/~/group5/").json()) == 100
    assert len(requests.get(f"{url}/zip-files/big.zip").json()) == 129
