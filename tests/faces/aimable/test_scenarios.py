"""What a user of this protocol relies on, by both prefixes."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest

from tests.faces.conftest import LARGEST_FILE
from tests.faces.people import signed_token


def test_a_space_is_made_listed_and_found(visitor, other):
    created = visitor.ask("POST", "/spaces", json={"name": "Lab", "system_prompt_template": "Be brief.", "x": 1})
    space = created.json()
    assert created.status_code == 201
    assert UUID(space["space_id"])
    assert created.headers["location"].endswith(f"/v1/spaces/{space['space_id']}")
    assert space["system_prompt_template"] == "Be brief."
    assert visitor.ok("GET", "/spaces") == [space]
    assert visitor.ok("GET", f"/spaces/{space['space_id']}") == space
    assert visitor.ask("GET", f"/spaces/{uuid4()}").status_code == 404
    refused = visitor.ask("GET", "/spaces/not-a-uuid")
    assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["path", "space_id"])
    assert other.ok("GET", "/spaces") == []


def test_a_space_changes_where_it_is_told_to(visitor):
    space = visitor.ok("POST", "/spaces", json={"name": "Lab", "description": "old", "avatar_url": "a"})["space_id"]
    changed = visitor.ok("PATCH", f"/spaces/{space}", json={"description": None, "template_key": "t"})
    assert (changed["name"], changed["description"], changed["avatar_url"], changed["template_key"]) == (
        "Lab", None, "a", "t",
    )  # fmt: skip
    assert visitor.ask("PATCH", f"/spaces/{space}", json={"name": None}).status_code == 422
    assert visitor.ok("GET", f"/spaces/{space}") == changed


def test_a_space_that_holds_something_goes_only_by_force(visitor):
    space = visitor.space()
    visitor.generate(space, content=b"1")
    assert visitor.ok("GET", f"/spaces/{space}")["artifact_count"] == 1
    assert visitor.ask("DELETE", f"/spaces/{space}").status_code == 409
    assert visitor.ask("DELETE", f"/spaces/{space}?force=true").status_code == 204
    assert visitor.ask("GET", f"/spaces/{space}").status_code == 404


def test_spaces_come_in_pages_when_asked_to(visitor):
    made = [visitor.space(f"s{number}") for number in range(5)]
    seen, path = [], "/spaces?limit=2"
    while path:
        answer = visitor.ask("GET", path)
        seen += [space["space_id"] for space in answer.json()]
        cursor = answer.headers.get("x-next-cursor")
        assert (cursor is not None) == ('rel="next"' in answer.headers.get("link", ""))
        path = f"/spaces?limit=2&cursor={cursor}" if cursor else None
    assert seen == made[::-1]


def test_either_credential_is_enough_and_of_two_both_must_be_good(visitor, other):
    key, bearer = visitor.headers["X-API-Key"], {"Authorization": f"Bearer {visitor.headers['X-API-Key']}"}
    for headers, status in (
        ({}, 401),
        ({"X-API-Key": key}, 200),
        (bearer, 200),
        ({"X-API-Key": key} | bearer, 200),
        ({"X-API-Key": "wrong"} | bearer, 401),
        ({"X-API-Key": key, "Authorization": "Bearer wrong"}, 401),
        ({"X-API-Key": other.headers["X-API-Key"]} | bearer, 401),
    ):
        visitor.headers = headers
        answer = visitor.ask("GET", "/spaces")
        assert answer.status_code == status, headers
        if status == 401:
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json()["error"]["code"] == "unauthorized"
            assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_content_is_stored_and_comes_back(visitor):
    space, content = visitor.space(), os.urandom(1024)
    artifact = visitor.generate(space, content=content, name="Random", thread_id="7a8b", metadata={"a": [1]})
    assert (artifact["status"], artifact["size"], artifact["thread_id"]) == ("completed", 1024, "7a8b")
    assert (artifact["type"], artifact["document_type"], artifact["metadata"]) == ("document", "document", {"a": [1]})
    assert artifact["job_id"]
    answer = visitor.ask("GET", f"/spaces/{space}/artifacts/{artifact['id']}/download")
    assert (answer.content, answer.headers["content-length"]) == (content, "1024")
    assert (answer.headers["content-type"], answer.headers["x-content-type-options"]) == (
        "application/octet-stream", "nosniff",
    )  # fmt: skip
    jobs = visitor.ok("GET", f"/spaces/{space}/artifacts/{artifact['id']}/jobs")
    assert [(job["id"], job["status"]) for job in jobs["data"]] == [(artifact["job_id"], "completed")]
    assert (jobs["cursor"], jobs["meta"]["has_more"]) == (None, False)
    got = visitor.ok("GET", f"/spaces/{space}/artifacts/{artifact['id']}")
    artifact.pop("job_id")
    assert got == artifact
    assert visitor.web.get(
        visitor.base.partition("/v1")[0].removesuffix("/api-proxy") + got["download_url"], headers=visitor.headers
    ).ok


def test_the_content_printed_in_the_documentation_is_fifteen_bytes(visitor):
    artifact = visitor.generate(visitor.space(), name="New Artifact", type="document", content="Base64EncodedContent")
    assert len(visitor.content(artifact)) == artifact["size"] == 15


@pytest.mark.parametrize(
    ("body", "status", "code", "loc"),
    [
        ({"name": "a", "content": "%%%"}, 422, "validation_error", ["body", "content"]),
        ({"name": "a", "content": "A"}, 422, "validation_error", ["body", "content"]),
        ({"content": "YQ=="}, 422, "validation_error", ["body", "name"]),
        ({"name": "", "content": "YQ=="}, 422, "validation_error", ["body", "name"]),
        ({"name": "a" * 256, "content": "YQ=="}, 422, "validation_error", ["body", "name"]),
        ({"name": "a"}, 422, "validation_error", ["body", "content"]),
        ({"name": "a", "content": "YQ==", "type": "x", "document_type": "y"}, 422, "validation_error", None),
        ({"name": "a", "content": "YQ==", "type": "collection"}, 422, "validation_error", ["body", "type"]),
        ({"name": "a", "content": "YQ==", "type": "a b"}, 422, "validation_error", ["body", "type"]),
    ],
)
def test_what_cannot_be_made_is_refused_with_the_place(once, body, status, code, loc):
    answer = once.ask("POST", f"/spaces/{once.space()}/artifacts/generate", json=body)
    refused = answer.json()
    assert (answer.status_code, refused["error"]["code"], refused["status"]) == (status, code, status)
    assert loc is None or refused["detail"][0]["loc"] == loc


def test_bodies_that_are_no_json_or_too_large_are_refused(once):
    path = f"/spaces/{once.space()}/artifacts/generate"
    broken = once.ask("POST", path, data=b"{", headers={"Content-Type": "application/json"})
    assert (broken.status_code, broken.json()["error"]["code"]) == (400, "bad_request")
    assert once.ask("POST", path, json={"name": "a"}, headers={"Content-Type": "text/plain"}).status_code == 415
    assert once.ask("POST", path, json={"name": "a", "content": "A" * (44 << 20)}).status_code == 413
    assert once.ask("PUT", path).status_code == 405


def test_every_spelling_of_base64_and_plain_text_is_taken(once):
    space = once.space()
    for content in ("-_-_", "+/+/", "+/+/YQ", "+/+/YQ==", "+/\n+/"):
        assert once.generate(space, content=content)["size"] in (3, 4)
    assert once.content(once.generate(space, content="")) == b""
    text = once.generate(space, content="Grüße", content_encoding="utf-8", name="a.txt")
    assert (once.content(text).decode(), text["mime_type"]) == ("Grüße", "text/plain")


def test_a_request_that_comes_twice_makes_one_artifact(visitor, other):
    space, key = visitor.space(), {"Idempotency-Key": "k-1"}
    path = f"/spaces/{space}/artifacts/generate"
    first = visitor.ask("POST", path, json={"name": "a", "content": "YQ==", "metadata": {"x": 1}}, headers=key)
    body = '{"metadata":  {"x":1}, "content":"YQ==","name":"a"}'
    again = visitor.ask("POST", path, data=body, headers=key | {"Content-Type": "application/json"})
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    refused = visitor.ask("POST", path, json={"name": "b", "content": "YQ=="}, headers=key)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert len(visitor.ok("GET", f"/spaces/{space}/artifacts")["data"]) == 1
    bad = visitor.ask("POST", path, json={"name": "b"}, headers={"Idempotency-Key": "x" * 256})
    assert (bad.status_code, bad.json()["error"]["code"]) == (400, "idempotency_key_invalid")
    spaces = [who.ok("POST", "/spaces", json={"name": "s"}, headers=key)["space_id"] for who in (visitor, other) * 2]
    assert (spaces[:2], len({*spaces})) == (spaces[2:], 2)


def test_twenty_at_once_make_one_artifact(once):
    path = f"/spaces/{once.space()}/artifacts/generate"

    def send(_):
        return once.ask("POST", path, json={"name": "a", "content": "YQ=="}, headers={"Idempotency-Key": "k"})

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(send, range(20)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert len(once.ok("GET", path.removesuffix("/generate"))["data"]) == 1


def test_pages_hold_everything_once_while_others_write(visitor):
    space = visitor.space()
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda n: visitor.generate(space, name=f"a{n}", content="YQ==")["id"], range(120)))
    sizes, seen, cursor = [], [], None
    for doomed in (made[119], made[118], None):  # shown on the first page; what comes on later pages stays
        query = "limit=50" + (f"&cursor={cursor}" if cursor else "")
        page = visitor.ok("GET", f"/spaces/{space}/artifacts?{query}")
        sizes.append(len(page["data"]))
        seen += [artifact["id"] for artifact in page["data"]]
        cursor = page["cursor"]
        assert page["meta"] == {"next_cursor": cursor, "has_more": cursor is not None, "limit": 50}
        if doomed:
            visitor.generate(space, name="new", content="YQ==")
            visitor.ok("DELETE", f"/spaces/{space}/artifacts/{doomed}")
    assert (sizes, cursor) == ([50, 50, 20], None)
    assert sorted(seen) == sorted(made)


@pytest.mark.parametrize("limit", [0, 201, "x"])
def test_a_limit_out_of_bounds_is_refused(once, limit):
    assert once.ask("GET", f"/spaces/{once.space()}/artifacts?limit={limit}").status_code == 422


def test_filters_choose_one_by_one_and_together(visitor):
    space = visitor.space()
    for name, kind, thread in (("a", "note", "t1"), ("b", "note", "t2"), ("c", "image", "t1")):
        visitor.generate(space, name=name, type=kind, thread_id=thread, content="YQ==")
    visitor.made(space, name="d", type="image", source="{", source_format="json", format="pdf")

    def names(query):
        return [artifact["name"] for artifact in visitor.ok("GET", f"/spaces/{space}/artifacts?{query}")["data"]]

    assert names("") == ["d", "c", "b", "a"]
    assert names("document_type=note") == ["b", "a"]
    assert names("thread_id=t1") == ["c", "a"]
    assert names("thread_id=t1&document_type=note") == ["a"]
    assert names("thread_id=t1,t2&document_type=note") == names("thread_id=t1&thread_id=t2&document_type=note")
    assert names("status=failed") == ["d"]
    assert names("status=failed&status=completed") == ["d", "c", "b", "a"]
    assert names("status=pending,processing") == []
    refused = visitor.ask("GET", f"/spaces/{space}/artifacts?status=lost")
    assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["query", "status"])


def test_a_cursor_is_good_for_its_listing_alone(visitor, other):
    space = visitor.space()
    for _ in range(3):
        visitor.generate(space, content="YQ==", type="note")
    path = f"/spaces/{space}/artifacts"
    cursor = visitor.ok("GET", f"{path}?limit=1&document_type=note")["cursor"]
    assert len(visitor.ok("GET", f"{path}?limit=2&cursor={cursor}")["data"]) == 2
    assert visitor.ok("GET", f"{path}?limit=2&cursor={cursor}&document_type=note")["cursor"] is None
    elsewhere = f"/spaces/{visitor.space()}/artifacts"
    for wrong in (
        f"{path}?cursor={cursor}&document_type=image",
        f"{path}?cursor={cursor[:-1]}{'A' if cursor[-1] != 'A' else 'B'}",
        f"{path}?cursor=made-up",
        f"{elsewhere}?cursor={cursor}",
        f"/spaces?cursor={cursor}",
    ):
        refused = visitor.ask("GET", wrong)
        assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["query", "cursor"]), wrong


def test_nobody_reaches_an_artifact_by_another_way(visitor, other, ada):
    space, elsewhere = visitor.space(), visitor.space()
    artifact = visitor.generate(space, content="YQ==")["id"]
    assert visitor.ask("GET", f"/spaces/{elsewhere}/artifacts/{artifact}").status_code == 404
    for path in ("", "/artifacts", f"/artifacts/{artifact}", f"/artifacts/{artifact}/download"):
        assert other.ask("GET", f"/spaces/{space}{path}").status_code == 404
    assert other.ask("DELETE", f"/spaces/{space}/artifacts/{artifact}").status_code == 404
    generate = f"/spaces/{space}/artifacts/generate"
    assert other.ask("POST", generate, json={"name": "a", "content": "YQ=="}).status_code == 404
    reader = signed_token(sub="reader", scope=f"ws:{ada.workspace}#r wid:{ada.workspace}")
    visitor.headers = {"X-API-Key": reader}
    assert visitor.ask("GET", f"/spaces/{space}/artifacts/{artifact}").status_code == 200
    refused = visitor.ask("POST", generate, json={"name": "a", "content": "YQ=="})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")


def test_downloads_come_in_parts_and_only_when_changed(visitor):
    space = visitor.space()
    artifact = visitor.generate(space, content=b"0123456789abcdef", name='Grü"ße/naïve.txt')
    path = f"/spaces/{space}/artifacts/{artifact['id']}/download"
    part = visitor.ask("GET", path, headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"0123456789", "bytes 0-9/16")
    assert visitor.ask("GET", path, headers={"Range": "bytes=99-"}).status_code == 416
    whole = visitor.ask("GET", path)
    assert whole.headers["etag"] == f'"{artifact["sha256"]}"'
    assert visitor.ask("GET", path, headers={"If-None-Match": whole.headers["etag"]}).status_code == 304
    head = visitor.ask("HEAD", path)
    assert (head.headers["content-length"], head.content) == ("16", b"")
    disposition = whole.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="Gr__')
    assert "filename*=UTF-8''Gr%C3%BC" in disposition
    assert "/" not in disposition.replace("UTF-8''", "").partition("filename=")[2]


def test_large_content_is_put_and_what_was_there_stays_as_a_version(visitor):
    space = visitor.space()
    artifact = visitor.generate(space, content=b"small", name="a.bin")
    path = f"/spaces/{space}/artifacts/{artifact['id']}"
    content = os.urandom(1_500_000)
    put = visitor.ok("PUT", f"{path}/content?file_name=b.dat", data=content, headers={"Content-Type": "x/y"})
    assert (put["size"], put["file_name"], put["mime_type"]) == (len(content), "b.dat", "x/y")
    assert visitor.content(put) == content
    assert visitor.ask("PUT", f"{path}/content", data=b"x" * (LARGEST_FILE + 1)).status_code == 413
    assert visitor.content(put) == content
    assert visitor.ask("DELETE", path).status_code == 204
    assert visitor.ask("GET", f"{path}/download").status_code == 404


def test_who_prefers_problem_details_gets_them(once):
    answer = once.ask("GET", "/spaces/not-a-uuid", headers={"Accept": "application/problem+json"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["title"], answer.json()["errors"][0]["loc"]) == ("Unprocessable Entity", ["path", "space_id"])


def test_the_service_says_how_it_is_and_who_asks(visitor, ada, web):
    assert web.get(f"{visitor.base}/health").json()["status"] == "healthy"
    me = visitor.ok("GET", "/me")
    assert (me["id"], me["email"]) == (ada.id, ada.email)


def test_a_thousand_calls_with_a_hundred_keys_make_a_hundred_artifacts(once):
    """Each key is sent ten times at once; whoever is told to wait asks again."""
    path = f"/spaces/{once.space()}/artifacts/generate"

    def send(number):
        key = str(number % 100)
        for _ in range(200):
            answer = once.ask("POST", path, json={"name": key, "content": "YQ=="}, headers={"Idempotency-Key": key})
            if answer.status_code != 409:
                return key, answer.status_code, answer.json()["id"]
            time.sleep(0.02)
        raise AssertionError("never answered")

    with ThreadPoolExecutor(16) as threads:
        answers = set(threads.map(send, [repeat * 100 + key for key in range(100) for repeat in range(10)]))
    assert {status for _, status, _ in answers} == {201}
    assert len(answers) == 100
    listed = once.ok("GET", path.removesuffix("/generate") + "?limit=200")
    assert sorted(artifact["name"] for artifact in listed["data"]) == sorted(map(str, range(100)))
