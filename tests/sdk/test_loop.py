"""Blocking calls run what is written async, from wherever they are made."""

import asyncio
import multiprocessing
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor

import pytest

from armarium.sdk.loop import iterate, run


async def answer(value: int) -> int:
    await asyncio.sleep(0)
    return value


def test_a_blocking_call_returns_what_the_operation_returns():
    assert run(answer(7)) == 7


def test_a_blocking_call_raises_what_the_operation_raises():
    async def fail() -> None:
        raise KeyError("seven")

    with pytest.raises(KeyError, match="seven"):
        run(fail())


async def test_a_blocking_call_works_inside_a_running_event_loop():
    assert run(answer(7)) == 7


def test_calls_from_many_threads_run_side_by_side():
    together = threading.Barrier(8)

    async def meet() -> int:
        return await asyncio.to_thread(together.wait, 10)

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(lambda _: run(meet()), range(8))) == list(range(8))


def test_a_blocking_call_from_inside_an_operation_is_refused_rather_than_stuck():
    async def call() -> int:
        return run(answer(7))

    with pytest.raises(RuntimeError, match="wait for itself"):
        run(call())


def test_an_interrupt_cancels_the_operation_and_waits_until_it_has_cleaned_up():
    cleaned: list[str] = []

    async def long() -> None:
        main = threading.main_thread().ident
        assert main is not None
        threading.Timer(0.05, signal.pthread_kill, (main, signal.SIGINT)).start()
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.05)
            cleaned.append("cleaned")

    with pytest.raises(KeyboardInterrupt):
        run(long())
    assert cleaned == ["cleaned"]


async def counting(closed: list[int]) -> AsyncGenerator[int, None]:
    try:
        for number in range(3):
            yield number
    finally:
        closed.append(1)


def test_what_is_made_async_can_be_walked_through_and_left():
    closed: list[int] = []
    assert list(iterate(counting(closed))) == [0, 1, 2]
    assert closed == [1]
    walk = iterate(counting(closed))
    assert next(walk) == 0
    del walk
    run(answer(1))
    assert closed == [1, 1]


def in_the_child(queue: "multiprocessing.SimpleQueue[int]") -> None:
    queue.put(run(answer(8)))


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_has_a_loop_of_its_own():
    run(answer(7))
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=in_the_child, args=(queue,))
    child.start()
    assert queue.get() == 8
    child.join()
    assert child.exitcode == 0
    assert run(answer(9)) == 9


def test_a_program_that_made_blocking_calls_ends_quietly():
    program = (
        "import asyncio\nfrom armarium.sdk.loop import run\nfrom armarium.sdk.connections import session\n"
        "run(session())\nrun(asyncio.to_thread(print, 'ready'))\nasyncio.run(session())\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("ready\n", "", 0)
