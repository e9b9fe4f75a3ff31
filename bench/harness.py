"""The bench's own armarium: started on a temporary folder, watched, and stopped."""

import asyncio
import shutil
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import psutil

from armarium.settings import Settings
from armarium.testing.server import RunningServer
from bench.clients import artifact_manager
from bench.floors import Floors
from bench.sizes import Sizes

USER = "bench"
SAMPLE_SECONDS = 0.02

T = TypeVar("T")


class Memory:
    """The resident memory of a process over some work, in MB."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self.before = self.peak = self.after = self.now()

    def now(self) -> float:
        return self._process.memory_info().rss / 1e6

    def watch(self, over: threading.Event) -> None:
        while not over.wait(SAMPLE_SECONDS):
            self.peak = max(self.peak, self.now())

    def as_fields(self) -> dict[str, float]:
        growth = max(self.peak, self.after) - self.before
        return {"rss_before_mb": self.before, "rss_after_mb": self.after, "growth_mb": growth}


class Bench:
    """What a row works with: the server, somebody to be, sizes and floors.

    database: URL of a PostgreSQL database, else records are in a SQLite file.
    """

    def __init__(
        self, folder: Path, sizes: Sizes, *, database: str | None = None, floors: Floors | None = None
    ) -> None:
        self.folder = folder
        self.sizes = sizes
        self.settings = Settings(data=folder / "data", database=database)
        self.floors = floors or Floors(sizes, folder)
        self.server = RunningServer(self.data, settings={"ARMARIUM_DATABASE": database} if database else {})
        self.token = ""
        self.collection = ""

    def __enter__(self) -> "Bench":
        try:
            self.server.start()
            self.server.make_user(USER)
            self.token = self.server.make_token(USER)
            self.collection = self.call(_make_collection)
        except BaseException:
            self.server.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()
        shutil.rmtree(self.data, ignore_errors=True)

    @property
    def data(self) -> Path:
        return self.settings.data

    @property
    def access(self) -> dict[str, str]:
        """What every hypha client is told."""
        return {"url": self.server.url, "token": self.token}

    def call(self, work: Callable[[Any], Awaitable[T]]) -> T:
        """Run some preparation with the artifact manager."""

        async def connected() -> T:
            async with artifact_manager(self.server.url, self.token) as manager:
                return await work(manager)

        return asyncio.run(connected())

    @contextmanager
    def watched(self) -> Iterator[Memory]:
        """Follow the server's memory during the block."""
        memory, over = Memory(self.server.pid), threading.Event()
        watcher = threading.Thread(target=memory.watch, args=(over,), daemon=True)
        watcher.start()
        try:
            yield memory
            memory.after = memory.now()
        finally:
            over.set()
            watcher.join()

    def url_of(self, artifact_id: str, rest: str = "") -> str:
        workspace, _, alias = artifact_id.partition("/")
        return f"{self.server.url}/{workspace}/artifacts/{alias}{rest}"

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Work on the data folder while nobody serves it."""
        self.server.stop()
        yield
        self.server.start()


async def _make_collection(manager: Any) -> str:
    made = await manager.create(
        alias="bench",
        type="collection",
        manifest={"name": "Bench"},
        config={"permissions": {"*": "r", "@": "r+"}},
    )
    return str(made.id)


def unique(prefix: str) -> str:
    """A name no earlier call gave."""
    return f"{prefix}-{time.monotonic_ns():x}"
