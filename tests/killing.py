"""A program that is killed at every step it takes: `python -m tests.killing <operation> <data folder> <results>`.

For n = 1, 2, ... it copies the data folder to `<results>/<n>`, and a child process does the operation there until it
kills itself (SIGKILL) just before its n-th step; in `<results>/0` it does so when all is done and nobody knows yet.
It ends when a child gets through, and prints one step a line. A step is a call that asks the operating system to change
or keep something, a statement that changes the database, or a piece of an upload. What follows the operation in the
background (the text index) takes steps as well.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from armarium.assembly import open_core
from armarium.core import Core
from armarium.core.versions import Changes
from armarium.domain.principal import Principal, Role
from armarium.domain.version import Intent
from armarium.settings import Settings

ADA = Principal(id="ada", grants={"ws-user-ada": Role.ADMIN})
PIECES = tuple(bytes([n]) * 300_000 for n in range(1, 4))
"""Large enough that each goes to the disk when it comes."""

_SYSTEM_CALLS = ("fsync", "fdatasync", "link", "unlink", "rename", "replace", "mkdir", "rmdir", "truncate", "ftruncate")
GOT_THROUGH = 7
AT_THE_END = 0
DONE = "tell who asked"


def settings_of(data: Path) -> Settings:
    return Settings(data=data, blob_grace=Settings().blob_grace * 0)


class Trap:
    """Counts steps once it is armed, names them, and kills at one of them."""

    def __init__(self, data: Path, at: int) -> None:
        self._data = data
        self._at = at
        self._count = 0
        self._armed = False
        self._lock = threading.Lock()

    async def arm(self) -> None:
        """Count from here on, when the text index has caught up with what came before."""
        query = "SELECT count(*) FROM text_pending"
        with contextlib.closing(sqlite3.connect(self._data / "catalog.sqlite")) as connection:
            while connection.execute(query).fetchone()[0]:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)
        self._armed = True

    def disarm(self) -> None:
        self._armed = False

    def step(self, name: str) -> None:
        if not self._armed:
            return
        with self._lock:
            self._count += 1
            if self._count == self._at or (self._at == AT_THE_END and name == DONE):
                os.write(1, f"{self._at} {name}\n".encode())
                os.kill(os.getpid(), signal.SIGKILL)

    def set_up(self) -> None:
        """Put the trap under everything that changes a disk."""
        for name in _SYSTEM_CALLS:
            setattr(os, name, self._stepping(f"os.{name}", getattr(os, name)))
        connect = sqlite3.connect

        def traced(*args: Any, **options: Any) -> sqlite3.Connection:
            connection = connect(*args, **options)
            connection.set_trace_callback(self._statement)
            return connection

        sqlite3.connect = traced  # type: ignore[assignment]

    def _statement(self, sql: str) -> None:
        words = sql.split()
        if words and words[0].upper() not in ("SELECT", "WITH", "PRAGMA", "--"):
            self.step(" ".join(["sqlite", *words[:3]])[:60])

    def _stepping(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def stepping(*args: Any, **options: Any) -> Any:
            self.step(name)
            return call(*args, **options)

        return stepping


async def prepare(core: Core) -> None:
    """What is there before: two artifacts nobody touches, and one in the middle of a draft."""
    await core.accounts.ensure_home("ada")
    for alias in ("kept", "work"):
        await core.artifacts.create(ADA, alias=alias, manifest={"name": alias}, type="dataset", stage=True)
        for path in ("a.txt", "d/b.txt"):
            await core.files.write(ADA, alias, path, f"{alias} {path} v0".encode())
        await core.versions.commit(ADA, alias)
        await core.versions.stage(ADA, alias, Changes(), intent=Intent.NEW_VERSION)
        await core.files.write(ADA, alias, "a.txt", f"{alias} v1".encode())
        await core.versions.commit(ADA, alias)
    await core.versions.stage(ADA, "work", Changes(manifest={"name": "drafted"}, secrets={"KEY": "sesame"}))
    await core.files.write(ADA, "work", "a.txt", b"drafted a")
    await core.files.write(ADA, "work", "new.txt", b"drafted new")
    await core.files.remove(ADA, "work", "d/b.txt")
    await core.artifacts.create(ADA, alias="child", parent="work", manifest={"name": "child"})


async def _pieces(trap: Trap) -> AsyncIterator[bytes]:
    for number, piece in enumerate(PIECES):
        trap.step(f"piece {number} arrives")
        yield piece


async def _upload(core: Core, trap: Trap, path: str) -> None:
    """Receive bytes behind a URL that was handed out before."""
    (staged,) = await core.files.stage(ADA, "work", [path], weights=[0.0])
    await trap.arm()
    await core.files.receive(staged.slot, _pieces(trap))


Work = Callable[[Core], Awaitable[Any]]


def _armed(work: Work) -> Callable[[Core, Trap], Awaitable[None]]:
    async def run(core: Core, trap: Trap) -> None:
        await trap.arm()
        await work(core)

    return run


async def _commit_new(core: Core, trap: Trap) -> None:
    await core.versions.stage(ADA, "work", Changes(), intent=Intent.NEW_VERSION)
    await trap.arm()
    await core.versions.commit(ADA, "work", label="r1")


async def _sweep(core: Core, trap: Trap) -> None:
    await core.versions.discard(ADA, "work")
    await core.versions.remove(ADA, "work", "v0")
    await trap.arm()
    await core.sweeper.sweep()


OPERATIONS: Mapping[str, Callable[[Core, Trap], Awaitable[None]]] = {
    "put a new file": lambda core, trap: _upload(core, trap, "put.bin"),
    "put over a staged file": lambda core, trap: _upload(core, trap, "new.txt"),
    "ask for upload URLs": _armed(lambda core: core.files.stage(ADA, "work", ["p.txt", "q.txt"], weights=[0.0, 2.0])),
    "commit in place": _armed(lambda core: core.versions.commit(ADA, "work")),
    "discard": _armed(lambda core: core.versions.discard(ADA, "work")),
    "delete a version": _armed(lambda core: core.versions.remove(ADA, "work", "v0")),
    "delete the latest version": _armed(lambda core: core.versions.remove(ADA, "work", "latest")),
    "delete an artifact": _armed(lambda core: core.artifacts.delete(ADA, "work")),
    "delete recursively": _armed(lambda core: core.artifacts.delete(ADA, "work", recursive=True)),
    "create": _armed(
        lambda core: core.artifacts.create(
            ADA, alias="made", manifest={"name": "made"}, secrets={"KEY": "sesame"}, parent="kept"
        )
    ),
    "edit": _armed(lambda core: core.versions.edit(ADA, "kept", Changes(manifest={"name": "edited"}), as_new=True)),
    "commit a new version": _commit_new,
    "sweep": _sweep,
}


async def do(operation: str, data: Path, trap: Trap) -> None:
    async with open_core(settings_of(data)) as core:
        await OPERATIONS[operation](core, trap)
        trap.step(DONE)
        trap.disarm()


def _run_child(operation: str, data: Path, at: int) -> None:
    trap = Trap(data, at)
    trap.set_up()
    asyncio.run(do(operation, data, trap))
    os._exit(GOT_THROUGH)


def run_killed(work: Callable[[Path, Trap], Coroutine[Any, Any, None]], data: Path, at: int) -> int:
    """Do some work in a child that dies at a step; returns how it ended: -9, or GOT_THROUGH."""
    child = os.fork()
    if child == 0:
        try:
            trap = Trap(data, at)
            trap.set_up()
            asyncio.run(work(data, trap))
            os._exit(GOT_THROUGH)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)


def main(operation: str, data: Path, results: Path) -> int:
    for at in range(AT_THE_END, 1000):
        shutil.copytree(data, results / str(at))
        child = os.fork()
        if child == 0:
            try:
                _run_child(operation, results / str(at), at)
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            return 0 if os.WEXITSTATUS(status) == GOT_THROUGH else 1
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
