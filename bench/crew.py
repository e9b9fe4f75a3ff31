"""Clients in processes of their own, started at the same moment."""

import asyncio
import multiprocessing
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from threading import Barrier, BrokenBarrierError
from typing import Any

import uvloop

from bench.measure import Timings

Gate = Callable[[], Awaitable[None]]
Client = Callable[..., Awaitable[Timings]]

START_SECONDS = 60
WORK_SECONDS = 180

_SPAWN = multiprocessing.get_context("spawn")


def crew(client: Client, *, processes: int = 1, fast_loop: bool = False, **options: Any) -> list[Timings]:
    """Run a client function in several processes; each connects first, and all begin together.

    client: `async def client(gate, *, number, **options) -> Timings`, found by name in its module.
    fast_loop: on uvloop, for load generators; users of hypha-rpc have the loop of the standard library.
    """
    barrier = _SPAWN.Barrier(processes)
    pipes, workers = [], []
    for number in range(processes):
        ours, theirs = _SPAWN.Pipe(duplex=False)
        worker = _SPAWN.Process(target=_work, args=(theirs, barrier, fast_loop, client, {**options, "number": number}))
        worker.start()
        theirs.close()
        pipes.append(ours)
        workers.append(worker)
    try:
        return _timings([_answer(pipe) for pipe in pipes])
    finally:
        for worker in workers:
            worker.join(5)
            worker.kill()


def _answer(pipe: Connection) -> Timings | Exception:
    if not pipe.poll(START_SECONDS + WORK_SECONDS):
        return TimeoutError("A client process did not finish in time.")
    try:
        answer: Timings | Exception = pipe.recv()
    except EOFError:
        return RuntimeError("A client process ended without an answer.")
    return answer


def _timings(answers: list[Timings | Exception]) -> list[Timings]:
    """Raise the first failure there is, rather than that others waited for it in vain."""
    failures = [answer for answer in answers if isinstance(answer, Exception)]
    for failure in sorted(failures, key=lambda failure: BrokenBarrierError.__name__ in str(failure)):
        raise failure
    return [answer for answer in answers if isinstance(answer, Timings)]


def _work(pipe: Connection, barrier: Barrier, fast_loop: bool, client: Client, options: dict[str, Any]) -> None:
    async def gate() -> None:
        await asyncio.to_thread(barrier.wait, START_SECONDS)

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop if fast_loop else None) as runner:
            pipe.send(runner.run(client(gate, **options)))
    except Exception as error:  # noqa: BLE001  the parent raises it
        barrier.abort()
        pipe.send(RuntimeError(f"{client.__name__}: {type(error).__name__}: {error}"))
