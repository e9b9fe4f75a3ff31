"""The machine that was measured on, and the versions of what ran."""

import asyncio
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import asyncpg
import msgspec
import psutil

import armarium
from armarium.settings import Settings

PACKAGES = ("uvicorn", "uvloop", "starlette", "msgspec", "asyncpg", "obstore", "numpy", "hypha-rpc")


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """memory_gib: all there is. disk: the file system that temporary data is on. versions: by name, in order."""

    cpu: str
    cores: int
    memory_gib: float
    kernel: str
    disk: str
    versions: dict[str, str]


def this_machine(folder: Path) -> Machine:
    """folder: where the data is."""
    return Machine(
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        memory_gib=psutil.virtual_memory().total / 2**30,
        kernel=f"{platform.system()} {platform.release()} {platform.machine()}",
        disk=_file_system(folder),
        versions={
            "armarium": armarium.__version__,
            "Python": platform.python_version(),
            "SQLite": sqlite3.sqlite_version,
            **{name: version(name) for name in PACKAGES},
            **_nginx(),
        },
    )


def servers_behind(settings: Settings) -> dict[str, str]:
    """The versions of the servers an armarium stands on."""
    found = {}
    if settings.database:
        found["PostgreSQL"] = asyncio.run(_postgres(settings.database))
    if settings.blobs:
        found["SeaweedFS"] = _said_by(str(Path(sys.executable).with_name("weed")), "version").split()[2]
    return found


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _file_system(folder: Path) -> str:
    above = [part for part in psutil.disk_partitions(all=True) if folder.resolve().is_relative_to(part.mountpoint)]
    return max(above, key=lambda part: len(part.mountpoint)).fstype if above else "unknown"


def _nginx() -> dict[str, str]:
    program = shutil.which("nginx")
    return {"nginx": _said_by(program, "-v").strip().rpartition("/")[2]} if program else {}


async def _postgres(url: str) -> str:
    database = await asyncpg.connect(url)
    try:
        return str(await database.fetchval("SHOW server_version"))
    finally:
        await database.close()


def _said_by(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout or done.stderr
