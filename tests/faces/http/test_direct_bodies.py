"""Long bodies through a real uvicorn and real sockets, straight into a store; the connection is good afterwards."""

import asyncio
import contextlib
import hashlib
import socket
from uuid import uuid4

import pytest
import uvicorn

from armarium.adapters.blobs.incoming import BATCH_BYTES
from armarium.adapters.blobs.local import LocalBlobs
from armarium.domain.errors import ArmariumError
from armarium.domain.file import BlobId
from armarium.domain.storage_keys import blob_key
from armarium.faces.http.direct_bodies import LONG_BODY_BYTES, DirectHttp, direct_body
from armarium.faces.http.streaming import request_body
from armarium.testing.contracts.blobs import MIB, keys_under, some_bytes

LONG = some_bytes(LONG_BODY_BYTES + MIB + 7)
LIMIT = 40 * MIB


class Keeper:
    """A tiny raw ASGI app: PUT keeps a body and answers with its hash, GET answers `here`."""

    def __init__(self, blobs):
        self.blobs = blobs
        self.direct = []
        self.errors = []

    async def __call__(self, scope, receive, send):
        if scope["method"] == "GET":
            await answer(send, 200, b"here")
            return
        self.direct.append(direct_body(scope) is not None)
        try:
            key = blob_key(BlobId(str(uuid4())))
            stat = await self.blobs.put(key, request_body(scope, receive), limit_bytes=LIMIT)
            await answer(send, 200, stat.sha256.encode())
        except ArmariumError as error:
            self.errors.append(error)
            await answer(send, 413, type(error).__name__.encode())


async def answer(send, status, body):
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def keeper(tmp_path):
    return Keeper(LocalBlobs(tmp_path))


@pytest.fixture(params=["uvloop", "asyncio"])
async def port(request, keeper):
    """The server runs in a thread, on the event loop that `serve` takes and on the one Python brings."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(keeper, http=DirectHttp, loop=request.param, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    running = asyncio.create_task(asyncio.to_thread(server.run, [listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield listener.getsockname()[1]
    server.should_exit = True
    await running


@contextlib.asynccontextmanager
async def connected(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(30):
            yield reader, writer
    finally:
        writer.close()


def head(size, *headers, method="PUT"):
    return "\r\n".join([f"{method} / HTTP/1.1", "Host: x", f"Content-Length: {size}", *headers, "", ""]).encode()


GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def answered(reader):
    """The status and the body of the next answer."""
    told = await reader.readuntil(b"\r\n\r\n")
    size = int(told.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    return int(told.split()[1]), await reader.readexactly(size)


def kept(content):
    return (200, hashlib.sha256(content).hexdigest().encode())


SIZES = [LONG_BODY_BYTES, LONG_BODY_BYTES + 1, 2 * BATCH_BYTES + 4096, 3 * BATCH_BYTES, len(LONG)]


@pytest.mark.parametrize("size", SIZES)
async def test_a_long_body_is_kept_and_the_connection_goes_on(keeper, port, size):
    content = some_bytes(size)
    async with connected(port) as (reader, writer):
        for _ in range(2):
            writer.write(head(size) + content)
            assert await answered(reader) == kept(content)
        writer.write(GET)
        assert await answered(reader) == (200, b"here")
    assert keeper.direct == [True, True]
    keys = await keys_under(keeper.blobs, "blobs/")
    assert [b"".join([chunk async for chunk in keeper.blobs.open(key)]) == content for key in keys] == [True, True]


async def test_a_body_in_drops_is_kept(port):
    async with connected(port) as (reader, writer):
        writer.write(head(len(LONG)))
        at = 0
        for step in (1, 2, 4095, 5 * MIB, 3, len(LONG)):
            writer.write(LONG[at : at + step])
            await writer.drain()
            await asyncio.sleep(0.02)
            at += step
        assert await answered(reader) == kept(LONG)


async def test_requests_in_the_same_breath_are_answered_in_turn(port):
    async with connected(port) as (reader, writer):
        writer.write(GET + head(len(LONG)) + LONG + GET + head(5) + b"12345" + head(len(LONG)) + LONG + GET)
        assert await answered(reader) == (200, b"here")
        assert await answered(reader) == kept(LONG)
        assert await answered(reader) == (200, b"here")
        assert await answered(reader) == kept(b"12345")
        assert await answered(reader) == kept(LONG)
        assert await answered(reader) == (200, b"here")


@pytest.mark.parametrize("size", [5, len(LONG)])
async def test_what_follows_a_last_request_does_not_spoil_it(port, size):
    async with connected(port) as (reader, writer):
        writer.write(head(size) + LONG[:size])
        assert await answered(reader) == kept(LONG[:size])
        writer.write(GET.replace(b"Host: x", b"Host: x\r\nConnection: close") + b"more")
        assert await answered(reader) == (200, b"here")


async def test_a_body_over_the_limit_is_refused_and_the_connection_goes_on(keeper, port):
    size = LIMIT + 20 * MIB
    async with connected(port) as (reader, writer):
        writer.write(head(size))
        sending = asyncio.create_task(_send(writer, size))
        assert await answered(reader) == (413, b"TooLarge")
        await sending
        writer.write(GET)
        assert await answered(reader) == (200, b"here")
    assert await keys_under(keeper.blobs, "blobs/") == await keys_under(keeper.blobs, "incoming/") == set()


async def _send(writer, size):
    for _ in range(size // MIB):
        writer.write(bytes(MIB))
        await writer.drain()


@pytest.mark.parametrize("sent", [0, 100, BATCH_BYTES, BATCH_BYTES + MIB, len(LONG) - 1])
async def test_who_leaves_early_leaves_nothing(keeper, port, sent):
    async with connected(port) as (_, writer):
        writer.write(head(len(LONG)) + LONG[:sent])
        await writer.drain()
        await asyncio.sleep(0.1)
    async with asyncio.timeout(10):
        while not keeper.errors:
            await asyncio.sleep(0.01)
    assert type(keeper.errors[0]).__name__ == "Invalid"
    assert await keys_under(keeper.blobs, "blobs/") == await keys_under(keeper.blobs, "incoming/") == set()


async def test_a_client_that_waits_to_be_asked_is_asked(port):
    async with connected(port) as (reader, writer):
        writer.write(head(len(LONG), "Expect: 100-continue"))
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(LONG)
        assert await answered(reader) == kept(LONG)


async def test_a_body_of_unknown_length_comes_the_ordinary_way(keeper, port):
    async with connected(port) as (reader, writer):
        writer.write(b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"%x\r\n" % len(LONG) + LONG + b"\r\n0\r\n\r\n" + GET)
        assert await answered(reader) == kept(LONG)
        assert await answered(reader) == (200, b"here")
    assert keeper.direct == [False]


async def test_a_short_body_comes_the_ordinary_way(keeper, port):
    async with connected(port) as (reader, writer):
        writer.write(head(LONG_BODY_BYTES - 1) + LONG[: LONG_BODY_BYTES - 1])
        assert await answered(reader) == kept(LONG[: LONG_BODY_BYTES - 1])
    assert keeper.direct == [False]


async def test_many_at_once_are_all_kept(port):
    async def upload(number):
        content = LONG[number:]
        async with connected(port) as (reader, writer):
            writer.write(head(len(content)) + content)
            assert await answered(reader) == kept(content)

    await asyncio.gather(*(upload(number) for number in range(6)))
