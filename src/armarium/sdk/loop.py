"""One event loop in a background thread, on which the sync clients run what is written async.

The thread starts with the first call and ends with the interpreter. Calls from many threads run side by
side; a call from inside a running event loop (a notebook) is fine too, it only blocks that loop meanwhile.
A forked child starts a thread of its own.
"""

import asyncio
import atexit
import contextvars
import os
import threading
from collections.abc import AsyncGenerator, Coroutine, Iterator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


def run(operation: Coroutine[Any, Any, T]) -> T:
    """Run an operation to its end and return what it returns, or raise what it raises.

    An interrupt (Ctrl-C) cancels the operation, waits until it has cleaned up, and goes on to the caller.
    """
    background = _background()
    if background.runs_here():
        operation.close()
        raise RuntimeError("A blocking call from inside an asynchronous operation of armarium would wait for itself.")
    call = _Call(operation)
    try:
        background.soon(call.start, contextvars.copy_context())
        call.ended.wait()
    except BaseException:
        background.soon(call.cancel)
        call.ended.wait()
        raise
    return call.result()


def iterate(items: AsyncGenerator[T, None]) -> Iterator[T]:
    """Walk through what is made async, one item at a time.

    A walk that is left needs no word: its loop closes every generator that nobody holds any more.
    """

    async def following() -> tuple[T] | None:
        try:
            return (await anext(items),)
        except StopAsyncIteration:
            return None

    while (item := run(following())) is not None:
        yield item[0]


def background_loop() -> asyncio.AbstractEventLoop:
    """The loop itself, for libraries that bring coroutines to it on their own."""
    return _background().loop


class _Call(Generic[T]):
    """An operation on its way: started and cancelled on the loop, waited for elsewhere."""

    def __init__(self, operation: Coroutine[Any, Any, T]) -> None:
        self.ended = threading.Event()
        self._operation = operation
        self._task: asyncio.Task[T] | None = None

    def start(self, context: contextvars.Context) -> None:
        self._task = asyncio.get_running_loop().create_task(self._operation, context=context)
        self._task.add_done_callback(lambda _: self.ended.set())

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
        else:  # interrupted before it was begun
            self._operation.close()
            self.ended.set()

    def result(self) -> T:
        assert self._task is not None  # noqa: S101 - `ended` is set by the task
        return self._task.result()


class _Background:
    """A thread with a running event loop."""

    def __init__(self) -> None:
        self._ready = threading.Event()
        self.loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="armarium", daemon=True)
        self._thread.start()
        self._ready.wait()

    def runs_here(self) -> bool:
        return threading.current_thread() is self._thread

    def soon(self, callback: Any, *arguments: Any) -> None:
        self.loop.call_soon_threadsafe(callback, *arguments)

    def stop(self) -> None:
        """End the loop: what still runs is cancelled, connections are closed."""
        self.soon(self._stopping.set)
        self._thread.join()

    def _run(self) -> None:
        """What `asyncio.run` does, but for waiting for worker threads: when the interpreter ends, they are gone."""
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_until_complete(self._serve())
            self.loop.run_until_complete(_cancel_the_rest())
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        finally:
            self.loop.close()

    async def _serve(self) -> None:
        self._ready.set()
        await self._stopping.wait()


async def _cancel_the_rest() -> None:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


_lock = threading.Lock()
_running: _Background | None = None
_of_the_parent: list[_Background] = []


def _background() -> _Background:
    global _running  # noqa: PLW0603 - one loop per process is the point
    with _lock:
        if _running is None:
            _running = _Background()
        return _running


def _begin_anew() -> None:
    """After a fork: the thread is gone, and its loop must not be touched.

    It is kept, not collected: closing it would unregister the parent's sockets from the poll set both share.
    """
    global _lock, _running  # noqa: PLW0603
    _lock = threading.Lock()
    if _running is not None:
        _of_the_parent.append(_running)
    _running = None


def _end() -> None:
    if _running is not None:
        _running.stop()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
atexit.register(_end)
