"""Lean HTTP/1.1 clients: as little work for each answer as Python allows, so that the server is what is measured."""

import asyncio
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.crew import Gate
from bench.measure import Timings

RECEIVE_BYTES = 1 << 20


def get_request(url: str, token: str | None = None) -> bytes:
    return _request("GET", url, *([f"Authorization: Bearer {token}"] if token else []))


def put_request(url: str, size_bytes: int) -> bytes:
    return _request("PUT", url, "Content-Type: application/octet-stream", f"Content-Length: {size_bytes}")


def post_request(url: str, token: str, body: bytes) -> bytes:
    """A JSON body."""
    headers = (f"Authorization: Bearer {token}", "Content-Type: application/json", f"Content-Length: {len(body)}")
    return _request("POST", url, *headers) + body


def _request(method: str, url: str, *headers: str) -> bytes:
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return "\r\n".join([f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}", *headers, "", ""]).encode()


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one question under way; answers need a Content-Length."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._answered: Callable[[], None] | None = None
        self._failed: Callable[[Exception], None] | None = None
        self._head = b""
        self._missing = 0

    @classmethod
    async def to(cls, url: str) -> "Connection":
        parts = urlsplit(url)
        _, connection = await asyncio.get_running_loop().create_connection(cls, parts.hostname, parts.port)
        return connection

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def send(self, request: bytes, answered: Callable[[], None], failed: Callable[[Exception], None]) -> None:
        self._answered, self._failed = answered, failed
        self._transport.write(request)

    @property
    def is_open(self) -> bool:
        return not self._transport.is_closing()

    async def ask(self, request: bytes) -> None:
        """Return when the whole answer is there; raises ConnectionError unless its status is 2xx."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.send(request, lambda: done.done() or done.set_result(None), done.set_exception)
        try:
            await done
        finally:
            self._answered = self._failed = None  # a server may hang up between two questions

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            if not self._head.startswith(b"HTTP/1.1 2"):
                self._fail(ConnectionError(self._head[:300].decode("latin-1")))
                return
            self._missing = _content_length(self._head[:end]) + end + 4 - len(self._head)
            self._head = b""
        if self._missing == 0 and self._answered is not None:
            self._answered()

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(error or ConnectionError("The server closed the connection."))

    def close(self) -> None:
        self._failed = None
        self._transport.close()

    def _fail(self, error: Exception) -> None:
        if self._failed is not None:
            failed, self._failed = self._failed, None
            failed(error)


def _content_length(head: bytes) -> int:
    lowered = head.lower()
    start = lowered.find(b"content-length:")
    if start < 0:
        raise ConnectionError("The answer has no Content-Length.")
    end = lowered.find(b"\r\n", start)
    return int(lowered[start + 15 : end if end > 0 else None])


class Load:
    """The same questions in turn over several connections, until the time or the count is used up."""

    def __init__(self, lanes: list[Connection], requests: list[bytes], *, count: int) -> None:
        self.latencies: list[float] = []
        self._lanes = lanes
        self._requests = requests
        self._count = count
        self._asked = 0
        self._open_lanes = len(lanes)
        self._deadline = 0.0
        self._finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self, seconds: float) -> Timings:
        started = time.perf_counter()
        self._deadline = started + seconds
        for lane in self._lanes:
            self._drive(lane)
        await self._finished
        return Timings(started, time.perf_counter(), self.latencies)

    def _drive(self, lane: Connection) -> None:
        """Ask, and with each answer ask again."""
        clock, requests, latencies = time.perf_counter, self._requests, self.latencies
        began = clock()

        def answered() -> None:
            nonlocal began
            now = clock()
            latencies.append(now - began)
            began = now
            if now < self._deadline and self._asked < self._count:
                self._asked += 1
                lane.send(requests[self._asked % len(requests)], answered, self._fail)
            else:
                self._close_lane()

        self._asked += 1
        lane.send(requests[self._asked % len(requests)], answered, self._fail)

    def _close_lane(self) -> None:
        self._open_lanes -= 1
        if not self._open_lanes and not self._finished.done():
            self._finished.set_result(None)

    def _fail(self, error: Exception) -> None:
        if not self._finished.done():
            self._finished.set_exception(error)


async def get(
    gate: Gate, *, number: int, requests: list[bytes], url: str, in_flight: int, seconds: float, count: int
) -> Timings:
    lanes = [await Connection.to(url) for _ in range(in_flight)]
    for lane in lanes:
        await lane.ask(requests[0])
    load = Load(lanes, requests, count=count)
    await gate()
    timings = await load.run(seconds)
    for lane in lanes:
        lane.close()
    return timings


async def upload_large(gate: Gate, *, number: int, url: str, source: str) -> Timings:
    """PUT a file as fast as the kernel can read it."""
    size = Path(source).stat().st_size
    with _connect(url) as connection, Path(source).open("rb") as file:
        await gate()
        started = time.perf_counter()
        connection.sendall(put_request(url, size))
        offset = 0
        while offset < size:
            offset += os.sendfile(connection.fileno(), file.fileno(), offset, size - offset)
        _read_answer(connection)
        ended = time.perf_counter()
    return Timings(started, ended, [ended - started])


async def download_large(gate: Gate, *, number: int, url: str) -> Timings:
    """GET a file and drop its bytes; raises ConnectionError when some are missing."""
    with _connect(url) as connection:
        await gate()
        started = time.perf_counter()
        connection.sendall(get_request(url))
        began = _read_answer(connection)
        ended = time.perf_counter()
    return Timings(started, ended, [ended - started], began - started)


def _connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    connection = socket.create_connection((parts.hostname, parts.port), timeout=60)
    # A socket with a timeout is non-blocking underneath, which sendfile does not wait for.
    connection.settimeout(None)
    return connection


def _read_answer(connection: socket.socket) -> float:
    """Read a whole answer; return the moment at which it began."""
    head = connection.recv(1)
    began = time.perf_counter()
    while b"\r\n\r\n" not in head:
        data = connection.recv(65536)
        if not data:
            raise ConnectionError("The server closed the connection.")
        head += data
    head, _, body = head.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 2"):
        raise ConnectionError(f"{head[:300].decode('latin-1')} {body[:300].decode('latin-1')}")
    missing = _content_length(head) - len(body)
    buffer = bytearray(RECEIVE_BYTES)
    while missing:
        received = connection.recv_into(buffer)
        if not received:
            raise ConnectionError(f"{missing} bytes are missing.")
        missing -= received
    return began
