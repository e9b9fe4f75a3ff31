"""What the client makes of answers that a good service seldom gives, and of the shapes that differ between services."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from armarium import (
    ArmariumError,
    Conflict,
    Forbidden,
    Invalid,
    NotAuthenticated,
    NotFound,
    TooLarge,
    Unavailable,
    Unsupported,
)
from armarium.sdk.aimable import AsyncAimableClient, GenerationFailed
from tests.sdk.shaky_server import serving

SPACE = "0190b0f0-0000-7000-8000-000000000001"
ARTIFACT = "0190b0f0-0000-7000-8000-000000000002"


class Script:
    """Gives the answers of a list in order, the last one for ever; keeps the requests."""

    def __init__(self, *answers: tuple[int, Any] | tuple[int, Any, dict[str, str]]) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[web.Request, Any]] = []

    async def __call__(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.requests.append((request, json.loads(body) if body else None))
        status, answer, *headers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.json_response(answer, status=status, headers=headers[0] if headers else None)


async def ask(script: Script, call: Callable[[AsyncAimableClient], Any]) -> Any:
    async with serving(script) as url:
        return await call(AsyncAimableClient(url, api_key="k"))


def completed(**fields: Any) -> dict[str, Any]:
    return {"id": ARTIFACT, "status": "completed", **fields}


@pytest.mark.parametrize(
    ("status", "body", "error", "said"),
    [
        (400, {"error": {"code": "bad_request", "message": "no JSON"}}, Invalid, "no JSON"),
        (401, {"error": {"code": "unauthorized", "message": "who?"}}, NotAuthenticated, "who?"),
        (403, {"detail": "read only"}, Forbidden, "read only"),
        (404, {"detail": "gone"}, NotFound, "gone"),
        (409, {"detail": "not ready"}, Conflict, "not ready"),
        (413, {"detail": "33 MiB"}, TooLarge, "33 MiB"),
        (422, {"detail": [{"loc": ["body", "name"], "msg": "missing"}]}, Invalid, "body.name: missing"),
        (501, {"detail": "never"}, Unsupported, "never"),
        (500, {"detail": "oh"}, ArmariumError, "oh"),
        (404, {}, NotFound, "404"),
    ],
)
async def test_a_refusal_is_told_in_our_words(status: int, body: Any, error: type[ArmariumError], said: str):
    with pytest.raises(error, match=said) as refused:
        await ask(Script((status, body)), lambda client: client.artifacts.delete(SPACE, ARTIFACT))
    assert type(refused.value) is error


async def test_a_refusal_names_the_field_and_what_was_not_found():
    script = Script((422, {"detail": [{"loc": ["query", "limit"], "msg": "too large"}]}))
    with pytest.raises(Invalid) as refused:
        await ask(script, lambda client: client.artifacts.list(SPACE, limit=1000))
    assert refused.value.field == "query.limit"
    with pytest.raises(NotFound) as missing:
        await ask(Script((404, {})), lambda client: client.artifacts.get(SPACE, ARTIFACT))
    assert (missing.value.kind, missing.value.id) == ("artifact", ARTIFACT)


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("name", ["id", "artifact_id"])
@pytest.mark.parametrize("status", [200, 201, 202])
async def test_objects_are_understood_bare_and_wrapped_by_either_id(wrapped: bool, name: str, status: int):
    record = {name: ARTIFACT, "status": "completed", "something_new": 1}
    script = Script((status, {"data": record} if wrapped else record))
    artifact = await ask(script, lambda client: client.artifacts.generate(SPACE, "a", b"x"))
    assert (artifact.id, artifact.status) == (ARTIFACT, "completed")


@pytest.mark.parametrize(
    "pages",
    [
        [{"data": [completed()], "cursor": "c"}, {"data": [completed()], "cursor": None}],
        [{"data": [completed()], "meta": {"next_cursor": "c"}}, {"data": [completed()], "meta": {"has_more": False}}],
    ],
)
async def test_all_pages_are_walked_through_whatever_the_cursor_is_called(pages: list[Any]):
    script = Script(*[(200, page) for page in pages])

    async def walk(client: AsyncAimableClient) -> int:
        return len([artifact async for artifact in client.artifacts.iterate(SPACE, status="completed")])

    assert await ask(script, walk) == 2
    assert [request.query.get("cursor") for request, _ in script.requests] == [None, "c"]
    assert {request.query["status"] for request, _ in script.requests} == {"completed"}


async def test_a_call_that_is_repeated_keeps_its_idempotency_key():
    busy = (503, {}, {"Retry-After": "0"})
    running = (409, {"error": {"code": "idempotency_in_progress", "message": ""}}, {"Retry-After": "0"})
    script = Script(busy, running, (201, completed()))
    await ask(script, lambda client: client.artifacts.generate(SPACE, "a", b"x"))
    keys = {request.headers["Idempotency-Key"] for request, _ in script.requests}
    assert (len(script.requests), len(keys)) == (3, 1)


async def test_two_calls_have_two_keys_and_a_key_may_be_given():
    script = Script((201, completed()))

    async def generate(client: AsyncAimableClient) -> None:
        await client.artifacts.generate(SPACE, "a", b"x")
        await client.artifacts.generate(SPACE, "a", b"x")
        await client.artifacts.generate(SPACE, "a", b"x", idempotency_key="mine")

    await ask(script, generate)
    keys = [request.headers["Idempotency-Key"] for request, _ in script.requests]
    assert len(set(keys)) == 3
    assert keys[2] == "mine"


async def test_other_conflicts_and_unkeyed_writes_are_not_repeated():
    script = Script((409, {"detail": "has artifacts"}, {"Retry-After": "0"}))
    with pytest.raises(Conflict):
        await ask(script, lambda client: client.spaces.delete(SPACE))
    assert len(script.requests) == 1
    script = Script((503, {}, {"Retry-After": "0"}))
    with pytest.raises(Unavailable):
        await ask(script, lambda client: client.artifacts.delete(SPACE, ARTIFACT))
    assert len(script.requests) == 1


async def test_bytes_are_sent_in_base64_and_text_as_it_is():
    script = Script((201, completed()))

    async def generate(client: AsyncAimableClient) -> None:
        await client.artifacts.generate(SPACE, "a", b"\xff\xfe", metadata={"n": 1})
        await client.artifacts.generate(SPACE, "b", "naïve", type="report")

    await ask(script, generate)
    assert [body for _, body in script.requests] == [
        {"name": "a", "type": "document", "metadata": {"n": 1}, "content": "//4="},
        {"name": "b", "type": "report", "content": "naïve", "content_encoding": "utf-8"},
    ]


async def test_what_is_made_later_is_waited_for():
    script = Script((202, completed(status="pending")), (200, completed(status="processing")), (200, completed()))
    artifact = await ask(script, lambda client: client.artifacts.generate(SPACE, "a", "text"))
    assert artifact.status == "completed"
    assert len(script.requests) == 3


async def test_waiting_can_be_left_to_the_caller_and_ends_some_day():
    script = Script((202, completed(status="pending")))
    artifact = await ask(script, lambda client: client.artifacts.generate(SPACE, "a", "text", wait=False))
    assert artifact.status == "pending"
    with pytest.raises(TimeoutError, match=ARTIFACT):
        await ask(script, lambda client: client.artifacts.generate(SPACE, "a", "text", timeout=0))


async def test_what_cannot_be_made_says_why():
    failed = completed(status="failed", error={"code": "too_large", "message": "4000 pages"})
    with pytest.raises(GenerationFailed, match="4000 pages") as refused:
        await ask(Script((202, completed(status="pending")), (200, failed)), _generate)
    assert refused.value.artifact.status == "failed"


async def _generate(client: AsyncAimableClient) -> None:
    await client.artifacts.generate(SPACE, "a", "text")


async def test_a_space_keeps_what_else_the_service_says_of_it():
    script = Script((200, [{"space_id": SPACE, "name": "Lab", "fast_pdf_extraction": True}]))
    (space,) = await ask(script, lambda client: client.spaces.list())
    assert (space.id, space.name, dict(space.settings)) == (SPACE, "Lab", {"fast_pdf_extraction": True})


async def test_a_file_is_saved_under_a_name_that_leads_nowhere(tmp_path: Any):
    async def save(client: AsyncAimableClient) -> Any:
        return await client.artifacts.download(SPACE, ARTIFACT, tmp_path)

    path = await ask(Script((200, completed(file_name="../../.ssh/keys"))), save)
    assert path.parent == tmp_path
    assert not path.name.startswith(".")


async def test_a_file_is_sent_as_it_is_and_again_when_the_service_is_busy(tmp_path: Any):
    (tmp_path / "a b.csv").write_text("1,2")
    sent: list[tuple[str, str, str, bytes]] = []

    async def taking(request: web.Request) -> web.Response:
        sent.append((request.path, request.query["file_name"], request.headers["Content-Type"], await request.read()))
        return web.json_response(completed(), status=503 if len(sent) == 1 else 200)

    async with serving(taking) as url:
        await AsyncAimableClient(url, api_key="k").artifacts.put_content(SPACE, ARTIFACT, tmp_path / "a b.csv")
    assert sent == [(f"/v1/spaces/{SPACE}/artifacts/{ARTIFACT}/content", "a b.csv", "text/csv", b"1,2")] * 2


def test_a_client_needs_a_credential(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("AIMABLE_API_KEY", raising=False)
    with pytest.raises(ValueError, match="AIMABLE_API_KEY"):
        AsyncAimableClient("http://aimable.example")
    monkeypatch.setenv("AIMABLE_API_KEY", "k")
    AsyncAimableClient("http://aimable.example")
