"""Artifacts over plain HTTP: manifests, listings, files, and the credentials that open them."""

import time
from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.faces.conftest import Visit
from tests.faces.hypha.wire import an_artifact, assert_tells_nothing, contents, download, fill
from tests.faces.people import Person, a_person, signed_token

PUBLIC = {"permissions": {"*": "r"}}
TEXT = b"0123456789abcdef"


class Routes:
    """The artifact routes of one workspace, as one caller or as nobody."""

    def __init__(self, web: requests.Session, base: str, headers: dict[str, str] | None = None) -> None:
        self._web = web
        self._base = base
        self._headers = headers or {}

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.send("GET", path, **options)

    def send(self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any) -> Any:
        headers = {**self._headers, **(headers or {})}
        answer = self._web.request(method, f"{self._base}{path}", headers=headers, timeout=30, **options)
        if answer.status_code >= 400:
            assert_tells_nothing(answer.text)
        return answer


@pytest.fixture
def base(url: str, ada: Person) -> str:
    return f"{url}/{ada.workspace}/artifacts"


@pytest.fixture
def as_ada(web: requests.Session, base: str, ada: Person) -> Routes:
    return Routes(web, base, ada.headers)


@pytest.fixture
def as_bob(web: requests.Session, base: str, bob: Person) -> Routes:
    return Routes(web, base, bob.headers)


@pytest.fixture
def as_stranger(web: requests.Session, base: str) -> Routes:
    return Routes(web, base)


@pytest.fixture
async def public(store: Any) -> Any:
    files = {"a.txt": TEXT, "dir/b.bin": b"\x00\x01", "dir/sub/c.json": b"{}", "empty": b""}
    return await an_artifact(store, "public", files, config=PUBLIC, manifest={"name": "Public", "likes": 3})


@pytest.fixture
async def private(store: Any) -> Any:
    return await an_artifact(store, "private", {"secret file.txt": TEXT})


# manifests


async def test_a_manifest_is_the_artifact_as_the_rpc_gives_it(store: Any, public: Any, as_stranger: Routes):
    answer = as_stranger.get("/public?silent=true")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == await store.read(public.id, silent=True)


async def test_a_manifest_is_found_by_uuid_too(public: Any, as_stranger: Routes):
    assert as_stranger.get(f"/{public._id}").json()["id"] == public.id


async def test_reading_a_manifest_counts_a_view_unless_silent(public: Any, as_stranger: Routes):
    assert [as_stranger.get("/public").json()["view_count"] for _ in range(3)] == [1, 2, 3]
    assert as_stranger.get("/public?silent=1").json()["view_count"] == 3


async def test_versions_and_the_draft_are_read_by_name(store: Any, public: Any, as_ada: Routes):
    await store.edit(public.id, manifest={"name": "Second"}, version="new")
    await store.edit(public.id, manifest={"name": "Third"}, stage=True)
    assert as_ada.get("/public").json()["manifest"]["name"] == "Second"
    assert as_ada.get("/public?version=v0").json()["manifest"]["name"] == "Public"
    assert as_ada.get("/public?stage=true").json()["manifest"]["name"] == "Third"
    assert as_ada.get("/public?version=stage").json()["manifest"]["name"] == "Third"
    assert as_ada.get("/public?version=v9").status_code in (400, 404)


async def test_what_is_missing_or_private_is_told_apart_only_where_it_may(private: Any, as_stranger: Routes):
    missing = as_stranger.get("/missing")
    assert (missing.status_code, missing.json()) == (404, {"detail": "Artifact not found"})
    denied = as_stranger.get("/private")
    assert denied.status_code == 403
    assert "ermission denied" in denied.json()["detail"]


# listings


@pytest.fixture
async def gallery(store: Any) -> Any:
    gallery = await store.create(alias="gallery", type="collection", manifest={"name": "Gallery"}, config=PUBLIC)
    for alias, likes, stage in (("one", 1, False), ("three", 3, False), ("two", 2, False), ("draft", 9, True)):
        manifest = {"name": f"Bird {alias}", "likes": likes}
        await store.create(alias=alias, parent_id=gallery.id, manifest=manifest, stage=stage)
    return gallery


def aliases(answer: requests.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    listed = answer.json()
    return [item["alias"] for item in (listed["items"] if isinstance(listed, dict) else listed)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["one", "three", "two"]),
        ("?order_by=manifest.likes>", ["three", "two", "one"]),
        ("?order_by=manifest.likes<&limit=2", ["one", "two"]),
        ("?order_by=manifest.likes<&limit=2&offset=2", ["three"]),
        ('?filters={"manifest":{"likes":3}}', ["three"]),
        ("?keywords=bird,two", ["two"]),
        ("?keywords=one,two&mode=OR", ["one", "two"]),
        ("?stage=true", ["draft"]),
        ("?stage=all", ["one", "three", "two", "draft"]),
        ("?stage=false", ["one", "three", "two"]),
        ("?pagination=true&limit=1", ["one"]),
    ],
)
async def test_children_are_listed_as_asked(gallery: Any, as_stranger: Routes, query: str, expected: list[str]):
    assert aliases(as_stranger.get(f"/gallery/children{query}")) == expected


async def test_a_page_says_how_many_there_are(gallery: Any, as_stranger: Routes):
    page = as_stranger.get("/gallery/children?pagination=true&limit=1&offset=1").json()
    assert (page["total"], page["offset"], page["limit"], len(page["items"])) == (3, 1, 1, 1)


async def test_listing_children_counts_a_view_of_the_collection(store: Any, gallery: Any, as_stranger: Routes):
    as_stranger.get("/gallery/children")
    as_stranger.get("/gallery/children?silent=true&no_cache=1")
    assert (await store.read(gallery.id, silent=True)).view_count == 1


async def test_a_new_child_is_in_the_next_listing(store: Any, gallery: Any, as_stranger: Routes):
    before = aliases(as_stranger.get("/gallery/children?no_cache=1"))
    await store.create(alias="late", parent_id=gallery.id, manifest={"name": "Late"})
    assert aliases(as_stranger.get("/gallery/children?no_cache=1")) == [*before, "late"]


@pytest.mark.usefixtures("private")
async def test_strangers_list_only_what_they_may(
    gallery: Any, public: Any, as_ada: Routes, as_bob: Routes, as_stranger: Routes
):
    assert set(aliases(as_ada.get("/"))) == {"gallery", "public", "private"}
    assert set(aliases(as_bob.get("/"))) == {"gallery", "public"}
    assert set(aliases(as_stranger.get("/"))) == {"gallery", "public"}
    assert "three" in aliases(as_ada.get("/-/search?keywords=bird"))
    assert aliases(as_stranger.get("/-/search?keywords=private")) == []
    assert set(aliases(as_stranger.get("/?stage=all"))) == {"gallery", "public"}


async def test_totals_count_only_what_the_caller_may_see(private: Any, public: Any, as_stranger: Routes):
    assert as_stranger.get("/?pagination=true").json()["total"] == 1


async def test_children_of_a_private_collection_are_refused(store: Any, as_stranger: Routes, as_bob: Routes):
    await store.create(alias="closed", type="collection", manifest={"name": "Closed"})
    assert as_stranger.get("/closed/children").status_code == 403
    assert as_bob.get("/closed/children").status_code == 403
    assert as_bob.get("/missing/children").status_code == 404


async def test_an_unknown_workspace_is_an_empty_one(web: requests.Session, url: str):
    answer = web.get(f"{url}/ws-user-nobody-at-all/artifacts/", timeout=10)
    assert (answer.status_code, answer.json()) == (200, [])


# files


async def test_directories_are_listed_one_level_at_a_time(public: Any, as_stranger: Routes):
    listed = as_stranger.get("/public/files/").json()
    assert [(entry["type"], entry["name"]) for entry in listed] == [
        ("file", "a.txt"),
        ("file", "empty"),
        ("directory", "dir"),
    ]
    assert [entry["name"] for entry in as_stranger.get("/public/files/dir/").json()] == ["b.bin", "sub"]
    assert [entry["name"] for entry in as_stranger.get("/public/files/?limit=1&offset=1").json()] == ["empty"]
    assert as_stranger.get("/public/files/missing/").json() == {"detail": "File or directory not found"}
    assert as_stranger.get("/public/files/missing/").status_code == 404


async def test_a_file_is_served_whole(public: Any, as_stranger: Routes):
    answer = as_stranger.get("/public/files/a.txt")
    assert (answer.status_code, answer.content) == (200, TEXT)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-length"] == "16"
    assert answer.headers["accept-ranges"] == "bytes"
    assert "content-range" not in answer.headers
    assert as_stranger.get("/public/files/dir/b.bin").content == b"\x00\x01"
    assert as_stranger.get("/public/files/empty").content == b""


async def test_head_tells_what_get_would_send(public: Any, as_stranger: Routes):
    got, told = as_stranger.get("/public/files/a.txt"), as_stranger.send("HEAD", "/public/files/a.txt")
    assert (told.status_code, told.content) == (200, b"")
    for name in ("etag", "last-modified", "content-length", "content-type", "accept-ranges"):
        assert told.headers[name] == got.headers[name]


@pytest.mark.parametrize(
    ("asked", "status", "body", "content_range"),
    [
        ("bytes=0-3", 206, TEXT[:4], "bytes 0-3/16"),
        ("bytes=4-", 206, TEXT[4:], "bytes 4-15/16"),
        ("bytes=-5", 206, TEXT[-5:], "bytes 11-15/16"),
        ("bytes=10-999", 206, TEXT[10:], "bytes 10-15/16"),
        ("bytes=0--1", 200, TEXT, None),
        ("bytes=9-3", 200, TEXT, None),
        ("lines=0-3", 200, TEXT, None),
        ("bytes=16-", 416, b"", "bytes */16"),
    ],
)
async def test_ranges(
    public: Any, as_stranger: Routes, asked: str, status: int, body: bytes, content_range: str | None
):
    answer = as_stranger.get("/public/files/a.txt", headers={"Range": asked})
    assert (answer.status_code, answer.content) == (status, body)
    assert answer.headers.get("content-range") == content_range


async def test_conditions(public: Any, as_stranger: Routes):
    first = as_stranger.get("/public/files/a.txt")
    etag, modified = first.headers["etag"], first.headers["last-modified"]
    for name, value, status in (
        ("If-None-Match", etag, 304),
        ("If-None-Match", '"other"', 200),
        ("If-Modified-Since", modified, 304),
        ("If-Match", etag, 200),
        ("If-Match", '"other"', 412),
    ):
        assert as_stranger.get("/public/files/a.txt", headers={name: value}).status_code == status, (name, value)
    for condition, status in ((etag, 206), ('"other"', 200)):
        headers = {"Range": "bytes=0-3", "If-Range": condition}
        assert as_stranger.get("/public/files/a.txt", headers=headers).status_code == status


async def test_a_changed_file_has_another_etag(store: Any, public: Any, as_stranger: Routes):
    before = as_stranger.get("/public/files/a.txt").headers["etag"]
    await store.edit(public.id, stage=True)
    await fill(store, public.id, {"a.txt": b"changed"})
    assert as_stranger.get("/public/files/a.txt").headers["etag"] == before
    await store.commit(public.id)
    after = as_stranger.get("/public/files/a.txt", headers={"If-None-Match": before})
    assert (after.status_code, after.content) == (200, b"changed")


async def test_a_put_goes_into_the_draft(store: Any, as_ada: Routes, as_stranger: Routes):
    await an_artifact(store, "box", {"old.txt": b"old"}, config=PUBLIC)
    refused = as_ada.send("PUT", "/box/files/new.txt", data=b"new")
    assert refused.status_code == 400
    assert "Artifact must be in staging mode" in refused.json()["detail"]
    await store.edit("box", stage=True, version="new")
    sent = as_ada.send("PUT", "/box/files/new.txt?download_weight=2", data=b"new")
    assert sent.json() == {"success": True, "message": "File uploaded successfully"}
    assert sent.headers["etag"].startswith('"')
    assert as_stranger.get("/box/files/new.txt").status_code == 404
    assert as_ada.get("/box/files/new.txt?stage=true").content == b"new"
    await store.commit("box")
    assert as_stranger.get("/box/files/new.txt").content == b"new"
    assert as_stranger.get("/box/files/old.txt?version=v0").content == b"old"
    assert as_stranger.get("/box/files/old.txt").status_code == 404
    assert (await store.read("box")).config.download_weights == {"new.txt": 2.0}


async def test_a_put_of_unknown_length_arrives(store: Any, as_ada: Routes):
    await store.create(alias="box", manifest={"name": "Box"}, stage=True)
    pieces = (bytes([n]) * 1000 for n in range(50))
    assert as_ada.send("PUT", "/box/files/pieces.bin", data=pieces).status_code == 200
    assert len((await contents(store, "box", stage=True))["pieces.bin"]) == 50_000


async def test_downloads_over_http_count_by_weight(store: Any, public: Any, as_stranger: Routes):
    await store.set_download_weight(public.id, "a.txt", 0.5)
    as_stranger.get("/public/files/a.txt")
    as_stranger.get("/public/files/a.txt?silent=true")
    as_stranger.send("HEAD", "/public/files/a.txt")
    as_stranger.get("/public/files/dir/b.bin")
    as_stranger.get("/public/files/missing.txt")
    assert (await store.read(public.id)).download_count == 0.5


async def test_names_of_all_kinds_come_back(store: Any, as_ada: Routes):
    names = ["with space.txt", "ünï/çødé 魚.txt", "a%2Fb.txt", "q?x=1#y.txt", "+&;=.txt", "..hidden", "a..b"]
    await store.create(alias="names", manifest={"name": "Names"}, stage=True)
    for name in names:
        assert as_ada.send("PUT", f"/names/files/{quote(name)}", data=name.encode()).status_code == 200
    await store.commit("names")
    assert await contents(store, "names") == {name: name.encode() for name in names}
    for name in names:
        assert as_ada.get(f"/names/files/{quote(name)}").content == name.encode()


async def test_pages_somebody_uploaded_are_sandboxed(store: Any, as_stranger: Routes):
    page = b"<script>steal()</script>"
    artifact = await an_artifact(store, "page", {"index.html": page}, config=PUBLIC)
    link = await store.get_file(artifact.id, "index.html", use_proxy=True)
    for answer in (as_stranger.get("/page/files/index.html"), requests.get(link, timeout=10)):
        assert answer.content == page
        assert "sandbox" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


# signed links


async def test_links_need_no_credential_and_keep_to_their_one_object_and_method(store: Any, private: Any):
    link = await store.get_file(private.id, "secret file.txt")
    assert download(link) == TEXT
    assert requests.get(link, headers={"Range": "bytes=1-2"}, timeout=10).content == TEXT[1:3]
    assert requests.put(link, data=b"x", timeout=10).status_code in (403, 405)
    await store.edit(private.id, stage=True)
    put = await store.put_file(private.id, "more.txt")
    assert requests.get(put, timeout=10).status_code in (403, 405)
    assert download(link) == TEXT


async def test_links_to_the_server_answer_head(store: Any, private: Any):
    link = await store.get_file(private.id, "secret file.txt", use_proxy=True)
    assert requests.head(link, timeout=10).headers["content-length"] == "16"


@pytest.mark.parametrize("spoil", ["flip", "cut", "swap", "garbage"])
async def test_a_spoilt_link_is_refused(store: Any, private: Any, spoil: str):
    link = await store.get_file(private.id, "secret file.txt", use_proxy=True)
    await store.edit(private.id, stage=True)
    other = await store.put_file(private.id, "more.txt", use_proxy=True)
    before, ticket, name = link.rpartition("/-/blobs/")[0], *link.rpartition("/-/blobs/")[2].split("/", 1)
    spoilt = {
        "flip": ticket[:8] + ("A" if ticket[8] != "A" else "B") + ticket[9:],
        "cut": ticket[:-2],
        "swap": other.rpartition("/")[2],
        "garbage": "!!!",
    }[spoil]
    answer = requests.get(f"{before}/-/blobs/{spoilt}/{name}", timeout=10)
    assert answer.status_code in (401, 403), answer.text
    assert_tells_nothing(answer.text)


async def test_an_old_link_is_refused(store: Any, private: Any):
    link = await store.get_file(private.id, "secret file.txt", expires_in=1)
    time.sleep(2.1)
    answer = requests.get(link, timeout=10)
    assert answer.status_code in (401, 403)
    assert "expired" in answer.text


async def test_an_upload_link_dies_with_its_draft(store: Any, url: str):
    artifact = await store.create(alias="box", manifest={"name": "Box"}, stage=True)
    link = await store.put_file(artifact.id, "a.txt")
    assert requests.put(link, data=b"one", timeout=10).status_code == 200
    if not link.startswith(url):
        time.sleep(1.1)  # SeaweedFS tells which of two came last by the second
    assert requests.put(link, data=b"two", timeout=10).status_code == 200
    await store.commit(artifact.id)
    assert requests.put(link, data=b"three", timeout=10).status_code in (403, 404)
    assert await contents(store, artifact.id) == {"a.txt": b"two"}


# credentials


@pytest.mark.parametrize("scheme", ["Bearer {}", "{}", "Basic"])
async def test_a_token_is_taken_however_it_comes(private: Any, as_stranger: Routes, ada: Person, scheme: str):
    if scheme == "Basic":
        answer = as_stranger.get("/private", auth=("anything", ada.token))
    else:
        answer = as_stranger.get("/private", headers={"Authorization": scheme.format(ada.token)})
    assert answer.status_code == 200
    assert as_stranger.get("/private", headers={"Cookie": f"access_token={ada.token}"}).status_code == 200


async def test_a_token_in_the_query_opens_files_and_nothing_else(private: Any, as_stranger: Routes, ada: Person):
    query = f"?token={ada.token}"
    assert as_stranger.get(f"/private/files/secret%20file.txt{query}").content == TEXT
    assert as_stranger.get(f"/private/files/{query}").status_code == 200
    assert as_stranger.get(f"/private{query}").status_code == 403
    assert aliases(as_stranger.get(f"/{query}")) == []


BAD_TOKENS = {
    "garbage": "garbage",
    "three parts": "a.b.c",
    "unknown": "arm_0123456789abcdef0123456789abcdef",
    "expired": signed_token(sub="ada", lifetime_seconds=-10),
    "other secret": signed_token(sub="ada", secret="x" * 40),
    "tampered": signed_token(sub="ada")[:-4] + "AAAA",
    "no subject": signed_token(),
    "unsigned": "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhZGEiLCJleHAiOjk5OTk5OTk5OTl9.",
}


@pytest.mark.parametrize("kind", BAD_TOKENS)
async def test_a_bad_token_is_refused_even_for_public_data(public: Any, as_stranger: Routes, url: str, kind: str):
    token = BAD_TOKENS[kind]
    headers = {"Authorization": f"Bearer {token}"}
    paths = ("/public", "/", "/public/files/a.txt", "/public/children", "/-/search")
    answers = [as_stranger.get(path, headers=headers) for path in paths]
    answers.append(as_stranger.get(f"/public/files/a.txt?token={quote(token)}"))
    answers.append(requests.get(f"{url}/public/services/artifact-manager/list", headers=headers, timeout=10))
    for answer in answers:
        assert answer.status_code == 401, answer.url
        assert set(answer.json()) == {"detail"}
        assert token not in answer.text


# scoped tokens


@pytest.fixture
async def scoped(visit: Visit, ada: Person) -> Any:
    """Mint a token of Ada's for single operations."""
    client = await visit(ada)

    async def mint(*scopes: str) -> str:
        return await client.generate_token({"extra_scopes": list(scopes)})

    return mint


@pytest.mark.parametrize("place", ["header", "query"])
@pytest.mark.parametrize("by", ["name", "uuid"])
async def test_a_scoped_token_reads_its_file_and_no_other(
    store: Any, scoped: Any, as_stranger: Routes, place: str, by: str
):
    artifact = await an_artifact(store, "box", {"sub/f.txt": b"f", "g.txt": b"g"})
    await an_artifact(store, "other", {"sub/f.txt": b"o"})
    token = await scoped(f"get_file:{artifact.id if by == 'name' else artifact['_id']}:sub%2Ff.txt")

    def send(path: str, method: str = "GET") -> requests.Response:
        if place == "header":
            return as_stranger.send(method, path, headers={"Authorization": f"Bearer {token}"}, data=b"x")
        return as_stranger.send(method, path, params={"token": token}, data=b"x")

    assert send("/box/files/sub/f.txt").content == b"f"
    for path in ("/box/files/g.txt", "/other/files/sub/f.txt", "/box", "/box/files/", "/box/files/sub/"):
        assert send(path).status_code == 403, path
    await store.edit("box", stage=True)
    assert send("/box/files/sub/f.txt", "PUT").status_code == 403
    assert aliases(send("/")) == []


async def test_a_scoped_token_writes_its_file_and_reads_nothing(store: Any, scoped: Any, as_stranger: Routes, url: str):
    await store.create(alias="box", manifest={"name": "Box"}, stage=True)
    token = await scoped(f"put_file:{(await store.read('box')).id}:in.txt")
    headers = {"Authorization": f"Bearer {token}"}
    assert as_stranger.send("PUT", "/box/files/in.txt", headers=headers, data=b"in").status_code == 200
    assert as_stranger.send("PUT", f"/box/files/in.txt?token={token}", data=b"in2").status_code == 200
    assert as_stranger.send("PUT", "/box/files/out.txt", headers=headers, data=b"x").status_code == 403
    assert as_stranger.get("/box/files/in.txt?stage=true", headers=headers).status_code == 403
    for function in ("commit", "discard", "delete", "read", "edit"):
        answer = requests.post(
            f"{url}/public/services/artifact-manager/{function}",
            json={"artifact_id": (await store.read("box")).id},
            headers=headers,
            timeout=10,
        )
        assert answer.status_code == 403, (function, answer.text)
    assert await contents(store, "box", stage=True) == {"in.txt": b"in2"}


async def test_a_scope_for_all_files_is_for_that_artifact_only(store: Any, scoped: Any, as_stranger: Routes):
    artifact = await an_artifact(store, "box", {"a.txt": b"a", "d/b.txt": b"b"})
    await an_artifact(store, "other", {"a.txt": b"o"})
    headers = {"Authorization": f"Bearer {await scoped(f'get_file:{artifact.id}:*')}"}
    assert as_stranger.get("/box/files/a.txt", headers=headers).content == b"a"
    assert as_stranger.get("/box/files/d/b.txt", headers=headers).content == b"b"
    assert as_stranger.get("/other/files/a.txt", headers=headers).status_code == 403


async def test_a_scoped_token_opens_no_connection(store: Any, scoped: Any, visit: Visit, private: Any):
    token = await scoped(f"get_file:{private.id}:*")
    with pytest.raises(Exception, match=r"(?i)permission|cannot|denied|workspace"):
        await visit(a_person("nobody")._replace(token=token))


async def test_a_generated_token_acts_in_its_workspace_only(
    visit: Visit, ada: Person, private: Any, as_stranger: Routes
):
    token = await (await visit(ada)).generate_token({"permission": "read"})
    headers = {"Authorization": f"Bearer {token}"}
    assert as_stranger.get("/private", headers=headers).status_code == 200
    store = await (await visit(ada._replace(token=token))).get_service("public/artifact-manager")
    with pytest.raises(Exception, match="PermissionError"):
        await store.create(alias="not-with-read", manifest={"name": "No"})


# functions over HTTP


async def test_functions_are_called_over_http(web: requests.Session, url: str, ada: Person):
    calls = f"{url}/public/services/artifact-manager"
    made = web.post(f"{calls}/create", json={"alias": "made", "manifest": {"name": "Made"}}, headers=ada.headers)
    assert (made.status_code, made.json()["id"]) == (200, f"{ada.workspace}/made")
    read = web.get(f"{calls}/read", params={"artifact_id": "made", "silent": "true"}, headers=ada.headers)
    assert read.json()["view_count"] == 0
    url_of = web.post(f"{calls}/edit", json={"artifact_id": "made", "stage": True}, headers=ada.headers)
    assert url_of.status_code == 200
    put = web.post(f"{calls}/put_file", json={"artifact_id": "made", "file_path": "a.txt"}, headers=ada.headers)
    assert put.text.strip('"') == put.json()
    assert "\\" not in put.text
    requests.put(put.json(), data=b"a", headers={"Content-Type": ""}, timeout=10).raise_for_status()
    assert web.post(f"{calls}/commit", json={"artifact_id": "made"}, headers=ada.headers).json()["file_count"] == 1
    listed = web.get(f"{calls}/list_files", params={"artifact_id": "made", "dir_path": "."}, headers=ada.headers)
    assert [entry["name"] for entry in listed.json()] == ["a.txt"]
    assert web.post(f"{calls}/delete", json={"artifact_id": "made"}, headers=ada.headers).json() is None
    gone = web.get(f"{calls}/read", params={"artifact_id": "made"}, headers=ada.headers)
    assert gone.status_code == 404
    assert gone.json()["success"] is False
    assert gone.json()["detail"].startswith("RemoteException: KeyError: ")
