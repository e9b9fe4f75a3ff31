"""What the client processes run: the unmodified hypha-rpc client, as a user would write it."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from hypha_rpc import connect_to_server

from bench.crew import Gate
from bench.http_clients import Connection, put_request
from bench.measure import Timings

WARM_UP_CALLS = 20


@asynccontextmanager
async def hypha_server(url: str, token: str) -> AsyncIterator[Any]:
    logging.disable(logging.WARNING)
    server = await connect_to_server({"server_url": url, "token": token, "name": "bench"})
    try:
        yield server
    finally:
        await server.disconnect()


@asynccontextmanager
async def artifact_manager(url: str, token: str) -> AsyncIterator[Any]:
    async with hypha_server(url, token) as server:
        yield await server.get_service("public/artifact-manager")


async def repeat(
    operation: Callable[[int], Awaitable[object]], gate: Gate, *, in_flight: int, seconds: float, count: int
) -> Timings:
    """Run an operation over and over, some at a time, until the time or the count is used up.

    The operation is given a number that no other call of it gets.
    """
    for number in range(WARM_UP_CALLS):
        await operation(number)
    numbers = iter(range(WARM_UP_CALLS, WARM_UP_CALLS + count))
    latencies: list[float] = []
    clock = time.perf_counter

    async def lane(deadline: float) -> None:
        for number in numbers:
            began = clock()
            await operation(number)
            ended = clock()
            latencies.append(ended - began)
            if ended >= deadline:
                break

    await gate()
    started = clock()
    await asyncio.gather(*(lane(started + seconds) for _ in range(in_flight)))
    return Timings(started, clock(), latencies)


async def echo(gate: Gate, *, number: int, url: str, token: str, **pace: Any) -> Timings:
    """Call the server's echo: the protocol and both ends of it, no artifact."""
    async with hypha_server(url, token) as server:
        return await repeat(lambda _: server.echo("hello"), gate, **pace)


async def read(gate: Gate, *, number: int, url: str, token: str, artifacts: list[str], **pace: Any) -> Timings:
    async with artifact_manager(url, token) as manager:
        return await repeat(lambda n: manager.read(artifacts[n % len(artifacts)]), gate, **pace)


async def create(
    gate: Gate, *, number: int, url: str, token: str, parent: str, prefix: str, stage: bool, **pace: Any
) -> Timings:
    """Create small artifacts below a collection; stage: as a draft that a second call commits."""
    async with artifact_manager(url, token) as manager:

        async def publish(n: int) -> None:
            manifest = {"name": f"Sample {n}", "description": "One of many", "split": "train", "score": n / 1000}
            made = await manager.create(
                parent_id=parent, alias=f"{prefix}-{number}-{n}", type="dataset", manifest=manifest, stage=stage
            )
            if stage:
                await manager.commit(made.id)

        return await repeat(publish, gate, **pace)


async def listing(
    gate: Gate, *, number: int, url: str, token: str, parent: str, questions: list[dict[str, Any]], **pace: Any
) -> Timings:
    async with artifact_manager(url, token) as manager:
        return await repeat(lambda n: manager.list(parent_id=parent, **questions[n % len(questions)]), gate, **pace)


async def search_vectors(
    gate: Gate, *, number: int, url: str, token: str, collection: str, queries: list[bytes], filters: Any, **pace: Any
) -> Timings:
    async with artifact_manager(url, token) as manager:

        async def search(n: int) -> None:
            await manager.search_vectors(collection, {"vector": queries[n % len(queries)]}, filters=filters, limit=10)

        return await repeat(search, gate, **pace)


async def upload_files(
    gate: Gate, *, number: int, url: str, token: str, artifact: str, prefix: str, body_bytes: int,
    options: dict[str, Any], **pace: Any,
) -> Timings:  # fmt: skip
    """Ask for an upload URL, with these options, and put a small file there, each file of its own name."""
    body = bytes(body_bytes)
    idle: list[Connection] = []
    async with artifact_manager(url, token) as manager:

        async def upload(n: int) -> None:
            target = await manager.put_file(artifact, f"{prefix}/{number}/{n}.bin", **options)
            connection = idle.pop() if idle else await Connection.to(target)
            if not connection.is_open:
                connection = await Connection.to(target)
            await connection.ask(put_request(target, len(body)) + body)
            idle.append(connection)

        timings = await repeat(upload, gate, **pace)
    for connection in idle:
        connection.close()
    return timings
