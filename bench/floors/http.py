"""Answers over HTTP: constant ones, and files as they lie on the disk."""

import asyncio
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
import uvloop

from bench.crew import crew
from bench.floors.ground import Ground, floor, speed
from bench.floors.serving import Serve, nginx_serving, served
from bench.http_clients import download_large, get, get_request
from bench.measure import Measure, Timings
from bench.sizes import MiB, Sizes

ANSWER_BYTES = 1000
SMALL_FILE_BYTES = 10_000
SMALL, LARGE = "small.bin", "large.bin"


def constant(ground: Ground) -> Measure:
    return _constant("http", "constant answer, asyncio protocol", serve_protocol, ground.sizes)


def constant_asgi(ground: Ground) -> Measure:
    return _constant("asgi", "constant answer, uvicorn", serve_uvicorn, ground.sizes)


def _constant(name: str, note: str, serve: Serve, sizes: Sizes) -> Measure:
    with served(serve) as url:
        return floor(name, "per_second", gets_per_second(f"{url}/", sizes), note)


def gets_per_second(url: str, sizes: Sizes) -> list[Timings]:
    """Ask one thing over 64 connections of two clients."""
    return crew(get, processes=2, fast_loop=True, url=url, requests=[get_request(url)], **sizes.pace(32))


def loopback(ground: Ground) -> Measure:
    size = ground.sizes.large_bytes
    with served(serve_memory) as url:
        return speed("loopback", size, _downloads(f"{url}/{size}"), "from memory through one connection")


def file(ground: Ground) -> Measure:
    size = ground.sizes.large_bytes
    with _folder(ground, large=size) as folder, served(serve_file, folder / LARGE) as url:
        return speed("file", size, _downloads(f"{url}/"), "a large file, sendfile into one socket")


def files(ground: Ground) -> Measure:
    with _folder(ground) as folder, served(serve_files, folder / SMALL) as url:
        seen = gets_per_second(f"{url}/", ground.sizes)
    return floor("files", "per_second", seen, "a file of 10 kB opened, read and sent, asyncio protocol")


def nginx_file(ground: Ground) -> Measure | None:
    size = ground.sizes.large_bytes
    with _folder(ground, large=size) as folder, _nginx(folder) as url:
        return url and speed("nginx_file", size, _downloads(f"{url}/{LARGE}"), "a large file, one process of nginx")


def nginx_files(ground: Ground) -> Measure | None:
    with _folder(ground) as folder, _nginx(folder) as url:
        seen = url and gets_per_second(f"{url}/{SMALL}", ground.sizes)
    return seen and floor("nginx_files", "per_second", seen, "a file of 10 kB, one process of nginx")


def _downloads(url: str) -> list[float]:
    return [crew(download_large, url=url)[0].seconds for _ in range(2)]


@contextmanager
def _folder(ground: Ground, large: int = 0) -> Iterator[Path]:
    """A folder with a small file, and a large one where its size is given."""
    with tempfile.TemporaryDirectory(dir=ground.folder) as name:
        folder = Path(name)
        (folder / SMALL).write_bytes(os.urandom(SMALL_FILE_BYTES))
        piece = os.urandom(MiB)
        with (folder / LARGE).open("wb") as target:
            for _ in range(large // len(piece)):
                target.write(piece)
        yield folder


@contextmanager
def _nginx(folder: Path) -> Iterator[str | None]:
    """nginx on a folder; yields None where there is no nginx."""
    program = shutil.which("nginx")
    if program is None:
        yield None
    else:
        with nginx_serving(program, folder, folder, as_root=os.geteuid() == 0) as url:
            yield url


class _Constant(asyncio.Protocol):
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (ANSWER_BYTES, bytes(ANSWER_BYTES))

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(self.answer)


class _File(_Constant):
    def __init__(self, path: Path) -> None:
        self._path = path

    def data_received(self, data: bytes) -> None:
        content = self._path.read_bytes()
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content)


def serve_protocol(listener: socket.socket) -> None:
    _serve(listener, _Constant)


def serve_files(listener: socket.socket, path: Path) -> None:
    _serve(listener, lambda: _File(path))


def _serve(listener: socket.socket, protocol: Any) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(protocol, sock=listener)
        await server.serve_forever()

    uvloop.run(serve())


async def constant_app(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % ANSWER_BYTES)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": bytes(ANSWER_BYTES)})


def serve_uvicorn(listener: socket.socket) -> None:
    config = uvicorn.Config(constant_app, log_level="error", access_log=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])


def serve_memory(listener: socket.socket) -> None:
    """Answer `GET /<size>` with that many bytes."""
    piece = memoryview(bytes(MiB))
    while True:
        connection, _ = listener.accept()
        with connection:
            size = int(connection.recv(65536).split(b" ")[1].strip(b"/"))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            for offset in range(0, size, len(piece)):
                connection.sendall(piece[: size - offset])


def serve_file(listener: socket.socket, path: Path) -> None:
    """Answer every request with one file."""
    size = path.stat().st_size
    while True:
        connection, _ = listener.accept()
        with connection, path.open("rb") as source:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            connection.sendfile(source)
