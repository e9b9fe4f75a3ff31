"""A msgpack echo over a WebSocket, answered by the plainest server there can be."""

import asyncio
import socket
from typing import Any

import msgpack
import uvloop
import websockets

from bench.clients import repeat
from bench.crew import Gate, crew
from bench.floors.ground import Ground, floor
from bench.floors.serving import served
from bench.measure import Measure, Timings

MESSAGE = {"type": "method", "from": "ws/client", "to": "ws/manager", "method": "read", "args": ["x" * 700]}


def one_at_a_time(ground: Ground) -> Measure:
    with served(serve_echo) as url:
        seen = crew(echo, url=url, **ground.sizes.pace(1))
    return floor("websocket", "p50_ms", seen, "msgpack echo over websockets, one at a time")


def busy(ground: Ground) -> Measure:
    with served(serve_echo) as url:
        seen = crew(echo, processes=4, url=url, **ground.sizes.pace(8))
    return floor("websocket_busy", "per_second", seen, "msgpack echo over websockets, 4 x 8 in flight")


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
