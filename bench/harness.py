"""The bench's own armarium: started on a temporary folder, watched, and stopped."""

import asyncio
import shutil
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import psutil

from armarium import settings
from armarium.testing.server import RunningServer
from bench.clients import artifact_manager
from bench.floors import Floors
from bench.floors.ground import Ground
from bench.measure import Measure
from bench.sizes import Sizes

USER = "bench"
SAMPLE_SECONDS = 0.02

T = TypeVar("T")


class Usage:
    """What the processes of a server use over some work: resident memory in MB, and processor time."""

    def __init__(self, pid: int) -> None:
        main = psutil.Process(pid)
        self._processes = [main, *main.children(recursive=True)]
        self.before = self.peak = self.after = self.memory()
        self._cpu_before = self._cpu()
        self.cpu_seconds = 0.0

    def memory(self) -> float:
        return sum(self._of_each(lambda process: process.memory_info().rss / 1e6))

    def follow(self, over: threading.Event) -> None:
        while not over.wait(SAMPLE_SECONDS):
            self.peak = max(self.peak, self.memory())

    def end(self) -> None:
        self.after = self.memory()
        self.cpu_seconds = self._cpu() - self._cpu_before

    def as_fields(self) -> dict[str, float]:
        growth = max(self.peak, self.after) - self.before
        return {
            "rss_before_mb": self.before,
            "rss_after_mb": self.after,
            "growth_mb": growth,
            "cpu_seconds": self.cpu_seconds,
        }

    def _cpu(self) -> float:
        return sum(self._of_each(lambda process: sum(process.cpu_times()[:2])))

    def _of_each(self, figure: Callable[[psutil.Process], float]) -> Iterator[float]:
        for process in self._processes:
            with suppress(psutil.NoSuchProcess):
                yield figure(process)


class Bench:
    """What a row works with: the server, somebody to be, sizes and floors.

    storage: the `ARMARIUM_*` variables that say where a data folder's records and files are kept; empty for the folder
    itself. workers: processes of the server.
    """

    def __init__(
        self,
        folder: Path,
        sizes: Sizes,
        *,
        storage: Callable[[Path], Mapping[str, str]] = lambda data: {},
        workers: int = 1,
        floors: Floors | None = None,
    ) -> None:
        self.folder = folder
        self.sizes = sizes
        self.workers = workers
        self.data = folder / "data"
        variables = {**storage(self.data), "ARMARIUM_WORKERS": str(workers)}
        self.settings = settings.load(environ=variables, overrides={"data": self.data})
        self.server = RunningServer(self.data, settings=variables)
        self.token = ""
        self.collection = ""
        self._storage = storage
        self._floors = floors or Floors()

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

    def another(self, name: str, sizes: Sizes) -> "Bench":
        """The same kind of server with data of its own."""
        return Bench(self.folder / name, sizes, storage=self._storage, workers=self.workers, floors=self._floors)

    def floors(self, name: str) -> Measure | None:
        """A floor by its name; `row`, `page`, `commit` are those of the database, `put`, `get`, `gets` of the store.

        None where there is none, and for a server of several processes: floors have one.
        """
        if self.workers > 1:
            return None
        return self._floors(self._names.get(name, name), Ground(self.sizes, self.folder, self.settings))

    @property
    def _names(self) -> dict[str, str]:
        database = "postgres" if self.settings.database else "sqlite"
        of_database = {name: f"{database}_{name}" for name in ("row", "page", "commit")}
        if self.settings.blobs:
            return of_database | {name: f"s3_{name}" for name in ("put", "get", "gets")}
        return of_database | {"put": "disk_sha256", "get": "file", "gets": "files"}

    @property
    def ways(self) -> dict[str, dict[str, Any]]:
        """How bytes can go, as words for a name and options for `put_file` and `get_file`."""
        return {"": {}, " through the server": {"use_proxy": True}} if self.settings.blobs else {"": {}}

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
    def watched(self) -> Iterator[Usage]:
        """Follow what the server uses during the block."""
        usage, over = Usage(self.server.pid), threading.Event()
        watcher = threading.Thread(target=usage.follow, args=(over,), daemon=True)
        watcher.start()
        try:
            yield usage
            usage.end()
        finally:
            over.set()
            watcher.join()

    def url_of(self, artifact_id: str, rest: str = "") -> str:
        workspace, _, alias = artifact_id.partition("/")
        return f"{self.server.url}/{workspace}/artifacts/{alias}{rest}"

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Work on the data while nobody serves it."""
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
