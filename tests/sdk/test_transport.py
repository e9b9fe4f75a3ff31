"""Requests: credentials, JSON, retries and what a failure tells."""

import asyncio
import socket
from typing import Any

import msgspec
import pytest
from aiohttp import web

from armarium.sdk.transport import Failure, Transport, never, patiently
from tests.sdk.shaky_server import serving


class RequestError(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


def transport(url: str, **options: Any) -> Transport:
    return Transport(url, failed=RequestError, **options)


async def echo(request: web.Request) -> web.Response:
    body = await request.text()
    return web.json_response(
        {"method": request.method, "path": request.raw_path, "headers": dict(request.headers), "body": body}
    )


async def test_a_call_sends_json_and_credentials_and_decodes_the_answer():
    async with serving(echo) as url:
        answer = await transport(url, headers={"Authorization": "Bearer key"}).call("POST", "/a", json={"b": None})
    seen = answer.json()
    assert (seen["method"], seen["path"], seen["body"]) == ("POST", "/a", '{"b":null}')
    assert seen["headers"]["Authorization"] == "Bearer key"
    assert seen["headers"]["Content-Type"] == "application/json"


async def test_lists_become_repeated_keys_and_none_is_left_out():
    async with serving(echo) as url:
        answer = await transport(url).call("GET", "/a", query={"t": ["x", "y"], "limit": 3, "cursor": None})
    assert answer.json()["path"] == "/a?t=x&t=y&limit=3"


async def test_a_signed_url_is_sent_to_the_letter_and_without_credentials():
    signed = "/b%2Fc%7E?sig=a%2Bb/c%3D&x=%C3%A4"
    async with serving(echo) as url:
        answer = await transport("http://other", headers={"Authorization": "Bearer key"}).call("PUT", url + signed)
    assert answer.json()["path"] == signed
    assert "Authorization" not in answer.json()["headers"]
    assert "Content-Type" not in answer.json()["headers"]


async def test_a_refusal_tells_status_and_body_but_not_the_signature():
    async def refuse(_: web.Request) -> web.Response:
        return web.json_response({"detail": "no"}, status=403)

    async with serving(refuse) as url:
        with pytest.raises(RequestError, match="answered with 403 Forbidden") as refused:
            await transport("http://other").call("PUT", f"{url}/secret/b?signature=secret")
    failure = refused.value.failure
    assert (failure.status, failure.body) == (403, {"detail": "no"})
    assert "secret" not in failure.url + failure.reason


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"detail": "no such part"}', "no such part"),
        ("<Error><Code>X</Code><Message>no such part</Message></Error>", "no such part"),
        ("<html>", ""),
    ],
)
async def test_a_refusal_repeats_what_the_service_said(content: str, said: str):
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(text=content, status=400)

    async with serving(refuse) as url:
        with pytest.raises(RequestError, match=said or None):
            await transport(url).call("GET", "/")


async def test_an_answer_that_is_no_json_is_told_as_text():
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(text="<h1>gone</h1>", status=500)

    async with serving(refuse) as url:
        with pytest.raises(RequestError) as refused:
            await transport(url).call("GET", "/")
    assert refused.value.failure.body == "<h1>gone</h1>"


def busy(times: int, seen: list[str], retry_after: str = "0") -> Any:
    async def handler(request: web.Request) -> web.Response:
        seen.append(request.method)
        if len(seen) <= times:
            return web.Response(status=503, headers={"Retry-After": retry_after})
        return web.json_response({})

    return handler


async def test_a_read_waits_for_a_busy_server():
    seen: list[str] = []
    async with serving(busy(2, seen)) as url:
        await transport(url).call("GET", "/")
    assert len(seen) == 3


@pytest.mark.parametrize(("method", "retry"), [("POST", patiently), ("GET", never)])
async def test_what_may_have_happened_or_must_not_wait_is_asked_once(method: str, retry: Any):
    seen: list[str] = []
    async with serving(busy(2, seen)) as url:
        with pytest.raises(RequestError):
            await transport(url, retry=retry).call(method, "/")
    assert len(seen) == 1


async def test_nobody_listening_is_a_failure_without_status():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(RequestError, match="No complete answer from") as failed:
            await transport(url, retry=never).call("GET", "/x")
    assert failed.value.failure.status is None


async def test_a_silent_server_is_given_up():
    async def sleep(_: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    async with serving(sleep) as url:
        with pytest.raises(RequestError, match="took too long"):
            await transport(url, retry=never, timeout_seconds=0.1).call("GET", "/")


async def test_an_answer_becomes_a_value():
    class Thing(msgspec.Struct):
        method: str

    async with serving(echo) as url:
        assert (await transport(url).call("DELETE", "/")).into(Thing) == Thing("DELETE")
