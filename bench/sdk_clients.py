"""The clients of our own SDK as people use them, with their own work in the figure: reading, hashing, writing."""

import time
from pathlib import Path

from armarium import AsyncDataForceClient
from bench.crew import Gate
from bench.measure import Timings


async def upload_model(gate: Gate, *, number: int, url: str, token: str, ids: dict[str, str], source: str) -> Timings:
    """Read, hash and send a model file, until the server has verified it."""
    client = AsyncDataForceClient(url, token)
    await client.setup_config(**ids)
    before = _peak_mb()
    await gate()
    started = time.perf_counter()
    await client.artifacts.upload(source, Path(source).name, on_progress=_silently)
    return _timed(started, before)


async def download_model(gate: Gate, *, number: int, url: str, token: str, ids: dict[str, str], target: str) -> Timings:
    """Fetch, hash and write the newest model file."""
    client = AsyncDataForceClient(url, token)
    await client.setup_config(**ids)
    newest = (await client.artifacts.list())[-1].id
    before = _peak_mb()
    await gate()
    started = time.perf_counter()
    await client.artifacts.download(newest, target, on_progress=_silently)
    return _timed(started, before)


def _silently(_done: int, _total: int | None) -> None: ...


def _timed(started: float, before_mb: float) -> Timings:
    ended = time.perf_counter()
    return Timings(started, ended, [ended - started], memory_mb=(before_mb, _peak_mb()))


def _peak_mb() -> float:
    """The most memory this process ever held; `getrusage` would begin with that of the process it came from."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6
