"""What this machine can do at all: the same work with everything of ours taken away, measured in the same run."""

import asyncio
import hashlib
import multiprocessing
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgpack
import uvicorn
import uvloop
import websockets

from bench.clients import repeat
from bench.crew import Gate, crew
from bench.http_clients import download_large, get, get_request
from bench.measure import Measure, Timings, measure
from bench.sizes import Sizes

ANSWER_BYTES = 1000
MESSAGE = {"type": "method", "from": "ws/client", "to": "ws/manager", "method": "read", "args": ["x" * 700]}
BATCH_BYTES = 1 << 20

Serve = Callable[[socket.socket], None]

_SPAWN = multiprocessing.get_context("spawn")


class Floors:
    """Measures each floor when it is first asked for."""

    def __init__(self, sizes: Sizes, folder: Path) -> None:
        self._sizes = sizes
        self._folder = folder
        self._known: dict[str, Measure] = {}

    @property
    def measured(self) -> list[Measure]:
        return list(self._known.values())

    def __call__(self, name: str) -> Measure:
        if name not in self._known:
            self._known[name] = getattr(self, f"_{name}")(name)
        return self._known[name]

    def _http(self, name: str) -> Measure:
        return self._http_of(name, "constant answer, asyncio protocol", serve_protocol)

    def _asgi(self, name: str) -> Measure:
        return self._http_of(name, "constant answer, uvicorn", serve_uvicorn)

    def _http_of(self, name: str, note: str, serve: Serve) -> Measure:
        with _served(serve) as url:
            seen = crew(
                get, processes=2, fast_loop=True, url=url, requests=[get_request(f"{url}/")], **self._sizes.pace(32)
            )
        return measure("floor", name, "per_second", seen, note=note)

    def _websocket(self, name: str) -> Measure:
        with _served(serve_echo) as url:
            seen = crew(echo, url=url, **self._sizes.pace(1))
        return measure("floor", name, "p50_ms", seen, note="msgpack echo over websockets, one at a time")

    def _websocket_busy(self, name: str) -> Measure:
        with _served(serve_echo) as url:
            seen = crew(echo, processes=4, url=url, **self._sizes.pace(8))
        return measure("floor", name, "per_second", seen, note="msgpack echo over websockets, 4 x 8 in flight")

    def _disk(self, name: str) -> Measure:
        return self._write(name, "written and fsynced, no hash", hashed=False)

    def _disk_sha256(self, name: str) -> Measure:
        return self._write(name, "SHA-256, written and fsynced, one thread", hashed=True)

    def _write(self, name: str, note: str, *, hashed: bool) -> Measure:
        speeds = [_write_speed(self._folder, self._sizes.large_bytes, hashed=hashed) for _ in range(2)]
        return Measure(row="floor", name=name, key="mb_per_second", count=2, mb_per_second=max(speeds), note=note)

    def _loopback(self, name: str) -> Measure:
        size = self._sizes.large_bytes
        with _served(serve_large) as url:
            seen = [crew(download_large, url=f"{url}/{size}")[0].seconds for _ in range(2)]
        return Measure(
            row="floor", name=name, key="mb_per_second", count=2, mb_per_second=size / min(seen) / 1e6,
            note="one thread sends from memory over loopback",
        )  # fmt: skip

    def _sqlite(self, name: str) -> Measure:
        query = "SELECT * FROM artifact WHERE workspace = ? AND alias = ?"
        return measure("floor", name, "p50_ms", [_sqlite_reads(self._folder, query)], note="a row by alias, sqlite3")

    def _sqlite_page(self, name: str) -> Measure:
        query = "SELECT * FROM artifact WHERE workspace = ? AND alias > ? ORDER BY alias LIMIT 100"
        note = "100 rows along an index, sqlite3"
        return measure("floor", name, "p95_ms", [_sqlite_reads(self._folder, query)], note=note)

    def _sqlite_commit(self, name: str) -> Measure:
        seen = [_sqlite_commits(self._folder, self._sizes.seconds)]
        return measure("floor", name, "per_second", seen, note="one durable INSERT after the other, stdlib sqlite3")

    def _python(self, name: str) -> Measure:
        started = time.perf_counter()
        latencies = []
        for _ in range(3):
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", "import uvicorn, starlette.routing, msgspec"], check=True)
            latencies.append(time.perf_counter() - began)
        seen = [Timings(started, time.perf_counter(), latencies)]
        return measure("floor", name, "p50_ms", seen, note="Python starts and imports uvicorn and Starlette")


async def echo(gate: Gate, *, number: int, url: str, **pace: Any) -> Timings:
    async with websockets.connect(url.replace("http", "ws"), compression=None) as connection:
        lock = asyncio.Lock()
        waiting: list[asyncio.Future[None]] = []

        async def collect() -> None:
            async for frame in connection:
                msgpack.unpackb(frame)
                waiting.pop(0).set_result(None)

        async def ask(_: int) -> None:
            answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            async with lock:
                waiting.append(answered)
                await connection.send(msgpack.packb(MESSAGE))
            await answered

        collecting = asyncio.create_task(collect())
        timings = await repeat(ask, gate, **pace)
        collecting.cancel()
    return timings


def serve_echo(listener: socket.socket) -> None:
    async def answer(connection: Any) -> None:
        async for frame in connection:
            await connection.send(msgpack.packb(msgpack.unpackb(frame)))

    async def serve() -> None:
        async with websockets.serve(answer, sock=listener, compression=None) as server:
            await server.serve_forever()

    uvloop.run(serve())


class _Constant(asyncio.Protocol):
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (ANSWER_BYTES, bytes(ANSWER_BYTES))

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(self.answer)


def serve_protocol(listener: socket.socket) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(_Constant, sock=listener)
        await server.serve_forever()

    uvloop.run(serve())


async def constant_app(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % ANSWER_BYTES)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": bytes(ANSWER_BYTES)})


def serve_uvicorn(listener: socket.socket) -> None:
    config = uvicorn.Config(constant_app, log_level="error", access_log=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])


def serve_large(listener: socket.socket) -> None:
    """Answer `GET /<size>` with that many bytes."""
    piece = memoryview(bytes(BATCH_BYTES))
    while True:
        connection, _ = listener.accept()
        with connection:
            size = int(connection.recv(65536).split(b" ")[1].strip(b"/"))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            for offset in range(0, size, BATCH_BYTES):
                connection.sendall(piece[: size - offset])


@contextmanager
def _served(serve: Serve) -> Iterator[str]:
    """Run a server in a process of its own; yields its URL."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        process = _SPAWN.Process(target=serve, args=(listener,))
        process.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            process.kill()
            process.join()


def _write_speed(folder: Path, size: int, *, hashed: bool) -> float:
    """MB/s into a fresh file, in pieces of a megabyte."""
    piece = os.urandom(BATCH_BYTES)
    digest = hashlib.sha256()
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        started = time.perf_counter()
        for _ in range(size // BATCH_BYTES):
            if hashed:
                digest.update(piece)
            file.write(piece)
        os.fsync(file.fileno())
        return size / (time.perf_counter() - started) / 1e6


def _sqlite_reads(folder: Path, query: str, rows: int = 10_000, reads: int = 5_000) -> Timings:
    with _database(folder) as database:
        values = ((f"artifact-{n}", "x" * 700) for n in range(rows))
        database.execute("BEGIN")
        database.executemany("INSERT INTO artifact VALUES ('ws', ?, ?)", values)
        database.execute("COMMIT")
        return _timed(lambda n: database.execute(query, ("ws", f"artifact-{n}")).fetchall(), range(reads), 60)


def _sqlite_commits(folder: Path, seconds: float) -> Timings:
    with _database(folder) as database:
        insert = "INSERT INTO artifact VALUES ('ws', ?, ?)"
        return _timed(lambda n: database.execute(insert, (f"artifact-{n}", "x" * 700)), range(1_000_000), seconds)


@contextmanager
def _database(folder: Path) -> Iterator[sqlite3.Connection]:
    """A table like ours in a database that commits every statement, durably."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        database = sqlite3.connect(Path(place) / "floor.sqlite", isolation_level=None)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("CREATE TABLE artifact (workspace, alias, manifest, PRIMARY KEY (workspace, alias))")
        yield database
        database.close()


def _timed(operation: Callable[[int], object], numbers: range, seconds: float) -> Timings:
    latencies: list[float] = []
    started = time.perf_counter()
    for number in numbers:
        began = time.perf_counter()
        operation(number)
        ended = time.perf_counter()
        latencies.append(ended - began)
        if ended - started > seconds:
            break
    return Timings(started, time.perf_counter(), latencies)
