"""Bytes through a real uvicorn on a free port, asked by a client that sees every header."""

import asyncio
import contextlib
import os
import socket
from uuid import uuid4

import aiohttp
import pytest
import uvicorn
from uvicorn.protocols.http import h11_impl, httptools_impl

from armarium.adapters.blobs.local import LocalBlobs
from armarium.domain.errors import Invalid, NotFound, TooLarge
from armarium.domain.file import BlobId
from armarium.domain.storage_keys import blob_key
from armarium.faces.http.read_ahead import read_ahead
from armarium.faces.http.streaming import (
    body_chunks,
    read_body,
    send_blob,
)
from armarium.testing.contracts.blobs import MIB, chunked, keys_under, some_bytes

LARGE = some_bytes(5 * MIB + 3)
SMALL = b"0123456789"
MODIFIED_AT = 784_111_777.6


class Shop:
    """A tiny raw ASGI app over a store: PUT keeps a body, GET and HEAD serve what is shelved."""

    def __init__(self, blobs):
        self.blobs = blobs
        self.shelf = {}
        self.errors = []
        self.url = ""

    async def add(self, name, content, **described):
        key = blob_key(BlobId(str(uuid4())))
        stat = await self.blobs.put(key, chunked(content, step=MIB))
        described = {"content_type": "text/plain", "modified_at": MODIFIED_AT, "etag": stat.sha256, **described}
        self.shelf[f"/{name}"] = {"key": key, "size_bytes": len(content), **described}
        return f"{self.url}/{name}"

    async def __call__(self, scope, receive, send):
        try:
            if scope["method"] == "PUT":
                await self.blobs.put(blob_key(BlobId(str(uuid4()))), body_chunks(receive))
                await answer(send, 200)
                return
            offer = dict(self.shelf[scope["path"]])
            await send_blob(scope, receive, send, self.blobs, offer.pop("key"), **offer)
        except NotFound as error:
            self.errors.append(error)
            await answer(send, 404)
        except Invalid as error:
            self.errors.append(error)
            await answer(send, 400)


async def answer(send, status):
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@contextlib.asynccontextmanager
async def serving(app):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, http="httptools", log_level="critical", lifespan="off", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    await task


@pytest.fixture
async def shop(tmp_path):
    shop = Shop(LocalBlobs(tmp_path))
    async with serving(shop) as shop.url:
        yield shop


@pytest.fixture
async def http():
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield session


async def test_a_small_file_comes_whole_with_all_its_headers(shop, http):
    url = await shop.add("small", SMALL, etag="abc", extra_headers=[(b"cache-control", b"no-store")])
    async with http.get(url) as response:
        assert (response.status, await response.read()) == (200, SMALL)
        headers = {
            name.lower(): value for name, value in response.headers.items() if name.lower() not in ("date", "server")
        }
    assert headers == {
        "content-type": "text/plain; charset=utf-8",
        "content-length": "10",
        "etag": '"abc"',
        "last-modified": "Sun, 06 Nov 1994 08:49:37 GMT",
        "accept-ranges": "bytes",
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
    }


async def test_a_large_file_comes_whole(shop, http):
    url = await shop.add("large", LARGE)
    async with http.get(url) as response:
        assert response.headers["content-length"] == str(len(LARGE))
        assert await response.read() == LARGE


async def test_an_empty_file_comes_empty(shop, http):
    url = await shop.add("empty", b"")
    async with http.get(url) as response:
        assert (response.status, response.headers["content-length"], await response.read()) == (200, "0", b"")


@pytest.mark.parametrize("content", [b"", SMALL, LARGE])
async def test_head_has_the_headers_of_get_and_no_body(shop, http, content):
    url = await shop.add("file", content, filename="file.txt")
    async with http.get(url) as got, http.head(url, headers={"Range": "bytes=0-1"}) as head:
        assert head.status == 200
        assert {**head.headers, "date": ""} == {**got.headers, "date": ""}
        assert await head.read() == b""


@pytest.mark.parametrize(
    ("asked", "span"),
    [
        ("bytes=0-9", slice(0, 10)),
        ("bytes=-7", slice(-7, None)),
        (f"bytes={MIB - 1}-{4 * MIB}", slice(MIB - 1, 4 * MIB + 1)),
    ],
)
async def test_a_range_is_206_with_its_bytes(shop, http, asked, span):
    url = await shop.add("large", LARGE)
    async with http.get(url, headers={"Range": asked}) as response:
        content = await response.read()
        assert (response.status, content) == (206, LARGE[span])
        first = span.indices(len(LARGE))[0]
        assert response.headers["content-range"] == f"bytes {first}-{first + len(content) - 1}/{len(LARGE)}"
        assert response.headers["content-length"] == str(len(content))


@pytest.mark.parametrize("asked", ["bytes=0--1", "bytes=0-1,3-4", "nonsense"])
async def test_a_malformed_range_is_the_whole_file(shop, http, asked):
    url = await shop.add("small", SMALL)
    async with http.get(url, headers={"Range": asked}) as response:
        assert (response.status, await response.read()) == (200, SMALL)
        assert "content-range" not in response.headers


async def test_a_range_outside_is_416_with_the_size(shop, http):
    url = await shop.add("small", SMALL)
    async with http.get(url, headers={"Range": "bytes=10-"}) as response:
        assert (response.status, response.headers["content-range"], await response.read()) == (416, "bytes */10", b"")


async def test_what_the_client_has_is_304_and_keeps_the_connection(shop, http):
    url = await shop.add("small", SMALL, etag="abc")
    async with http.get(url, headers={"If-None-Match": '"abc"', "Range": "bytes=0-1"}) as response:
        assert (response.status, await response.read()) == (304, b"")
        assert response.headers["etag"] == '"abc"'
        assert "content-length" not in response.headers
    async with http.get(url) as response:
        assert await response.read() == SMALL


async def test_what_the_client_does_not_expect_is_412(shop, http):
    url = await shop.add("small", SMALL, etag="abc")
    async with http.get(url, headers={"If-Match": '"x"'}) as response:
        assert (response.status, await response.read()) == (412, b"")


@pytest.mark.parametrize(("if_range", "status"), [('"abc"', 206), ('"x"', 200)])
async def test_a_range_of_another_state_is_the_whole_file(shop, http, if_range, status):
    url = await shop.add("small", SMALL, etag="abc")
    async with http.get(url, headers={"If-Range": if_range, "Range": "bytes=2-3"}) as response:
        assert (response.status, await response.read()) == (status, b"23" if status == 206 else SMALL)


async def test_a_missing_blob_can_still_become_a_clean_404(shop, http):
    url = await shop.add("small", SMALL)
    await shop.blobs.delete(shop.shelf["/small"]["key"])
    async with http.get(url) as response:
        assert response.status == 404


@pytest.mark.parametrize("cut_to", [0, 4, MIB, 2 * MIB])
async def test_a_blob_that_is_too_short_never_looks_whole(shop, http, tmp_path, cut_to):
    url = await shop.add("large", LARGE)
    os.truncate(tmp_path / shop.shelf["/large"]["key"], cut_to)
    try:
        async with http.get(url) as response:
            content = await response.read()
            assert response.status == 500
            assert LARGE[:4] not in content
    except aiohttp.ClientPayloadError:
        pass


async def open_files(folder):
    links = [os.path.join("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]
    return [link for link in links if os.path.exists(link) and os.readlink(link).startswith(str(folder))]


async def test_a_client_who_leaves_stops_the_reading(shop, tmp_path):
    content = some_bytes(4 * MIB) * 16
    await shop.add("huge", content)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(shop.url.rpartition(":")[2]), limit=1 << 16)
    writer.write(b"GET /huge HTTP/1.1\r\nhost: x\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    assert await open_files(tmp_path)
    writer.transport.abort()
    async with asyncio.timeout(10):
        while await open_files(tmp_path):
            await asyncio.sleep(0.01)
    assert shop.errors == []


async def test_an_upload_arrives_whole(shop, http):
    async with http.put(shop.url, data=LARGE) as response:
        assert response.status == 200
    (key,) = await keys_under(shop.blobs, "blobs/")
    assert b"".join([chunk async for chunk in shop.blobs.open(key)]) == LARGE


@pytest.mark.parametrize("head", [b"content-length: 1000000", b"transfer-encoding: chunked"])
async def test_an_upload_that_breaks_off_stores_nothing(shop, head):
    _, writer = await asyncio.open_connection("127.0.0.1", int(shop.url.rpartition(":")[2]))
    body = b"x" * 1000 if b"length" in head else b"5\r\nxxxxx\r\n"
    writer.write(b"PUT / HTTP/1.1\r\nhost: x\r\n" + head + b"\r\n\r\n" + body)
    await writer.drain()
    async with asyncio.timeout(10):
        while not await keys_under(shop.blobs, "incoming/"):
            await asyncio.sleep(0.01)
        writer.close()
        while not shop.errors:
            await asyncio.sleep(0.01)
    assert isinstance(shop.errors[0], Invalid)
    assert await keys_under(shop.blobs, "incoming/") == await keys_under(shop.blobs, "blobs/") == set()


def receiving(*messages):
    waiting = iter(messages)

    async def receive():
        return next(waiting)

    return receive


def part(body, more_body=True):
    return {"type": "http.request", "body": body, "more_body": more_body}


async def test_a_body_is_read_to_its_end_and_no_further():
    receive = receiving(part(b"one"), part(b""), part(b"two", more_body=False))
    assert await read_body(receive, 6) == b"onetwo"


async def test_a_body_over_the_limit_is_refused_before_it_is_all_there():
    with pytest.raises(TooLarge):
        await read_body(receiving(part(b"one"), part(b"two")), 5)


async def test_a_body_that_breaks_off_is_an_error():
    with pytest.raises(Invalid):
        await read_body(receiving(part(b"one"), {"type": "http.disconnect"}), 100)


def test_the_server_can_be_let_read_ahead():
    before = httptools_impl.HIGH_WATER_LIMIT
    try:
        read_ahead(MIB)
        assert httptools_impl.HIGH_WATER_LIMIT == h11_impl.HIGH_WATER_LIMIT == MIB
    finally:
        read_ahead(before)
