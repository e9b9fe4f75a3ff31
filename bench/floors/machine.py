"""The disk, and the start of a Python."""

import hashlib
import os
import subprocess
import sys
import tempfile
import time

from bench.floors.ground import Ground, floor, speed
from bench.measure import Measure, Timings
from bench.sizes import MiB


def disk(ground: Ground) -> Measure:
    return _write("disk", ground, "written and fsynced, no hash", hashed=False)


def disk_sha256(ground: Ground) -> Measure:
    return _write("disk_sha256", ground, "SHA-256, written and fsynced, one thread", hashed=True)


def _write(name: str, ground: Ground, note: str, *, hashed: bool) -> Measure:
    size = ground.sizes.large_bytes
    return speed(name, size, [_seconds_to_write(ground, size, hashed=hashed) for _ in range(2)], note)


def _seconds_to_write(ground: Ground, size: int, *, hashed: bool) -> float:
    """Into a fresh file, in pieces of a megabyte."""
    piece = os.urandom(MiB)
    digest = hashlib.sha256()
    with tempfile.TemporaryFile(dir=ground.folder, buffering=0) as file:
        started = time.perf_counter()
        for _ in range(size // MiB):
            if hashed:
                digest.update(piece)
            file.write(piece)
        os.fsync(file.fileno())
        return time.perf_counter() - started


def python(ground: Ground) -> Measure:
    started = time.perf_counter()
    latencies = []
    for _ in range(ground.sizes.starts):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import uvicorn, starlette.routing, msgspec"], check=True)
        latencies.append(time.perf_counter() - began)
    seen = [Timings(started, time.perf_counter(), latencies)]
    return floor("python", "p50_ms", seen, "Python starts and imports uvicorn and Starlette")
