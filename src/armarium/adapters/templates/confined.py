"""Templates rendered in processes of their own, each for one page and under limits of the kernel."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from armarium.domain.errors import Invalid, TooLarge, Unavailable, Unsupported

_PROGRAM = "armarium.adapters.templates.renderer"
_PATIENCE_SECONDS = 5.0
"""How long a page waits for its turn, and how much longer than its own time we wait for its answer."""
_DYING_SECONDS = 0.2


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one page may cost. memory_bytes: address space, of which Python itself takes some 40 MiB."""

    seconds: int = 2
    memory_bytes: int = 256 << 20
    source_bytes: int = 256 << 10
    page_bytes: int = 8 << 20
    at_a_time: int = 4


class ConfinedTemplates:
    """Implements `Templates` with a small program that forks; it is started for the first page."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._turns = asyncio.Semaphore(self._limits.at_a_time)
        self._program: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    async def render(self, name: str, source: str, variables: Mapping[str, Any]) -> str:
        limits = self._limits
        if len(source.encode()) > limits.source_bytes:
            raise TooLarge(f"Template '{name}' is larger than {limits.source_bytes} bytes.")
        request = json.dumps({"name": name, "source": source, "variables": variables}).encode()
        async with self._turn():
            answer = await self._ask(request)
            if not answer and await self._has_died():
                answer = await self._ask(request)
        if answer.startswith(b"="):
            return answer[1:].decode()
        reason = answer[1:].decode() or "it takes too much time or memory"
        raise Invalid("template", f"Template rendering failed: '{name}': {reason}.")

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise Unavailable("Too many pages are being rendered: try again.") from None
        try:
            yield
        finally:
            self._turns.release()

    async def _ask(self, request: bytes) -> bytes:
        """Return the answer; empty when the process was ended by a limit."""
        reader, writer = await asyncio.open_unix_connection(sock=self._connection())
        try:
            async with asyncio.timeout(self._limits.seconds + _PATIENCE_SECONDS):
                writer.write(request)
                writer.write_eof()
                return await _read(reader, self._limits.page_bytes + 1024)
        except (TimeoutError, ConnectionError):
            return b""
        finally:
            writer.close()

    async def _has_died(self) -> bool:
        """Whether it was the program that ended, and not one page's process; it may take a moment to show."""
        program = self._program
        if program is None:
            return True
        try:
            await asyncio.to_thread(program.wait, _DYING_SECONDS)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _connection(self) -> socket.socket:
        """Have the program fork, and return our end of the connection to the new process."""
        ours, theirs = socket.socketpair()
        with theirs:
            for _ in range(2):
                try:
                    socket.send_fds(self._running(), [b"1"], [theirs.fileno()])
                except OSError:
                    self._stop()  # it was killed: the second round starts another
                else:
                    ours.setblocking(False)
                    return ours
        ours.close()
        raise Unavailable("The template renderer cannot be started.")

    def _running(self) -> socket.socket:
        if self._control is not None and self._program is not None and self._program.poll() is None:
            return self._control
        self._stop()
        if not hasattr(os, "fork"):
            raise Unsupported("Templates are rendered on Linux and macOS only.")
        limits = self._limits
        costs = (limits.seconds, limits.memory_bytes, limits.page_bytes)
        ours, theirs = socket.socketpair()
        with theirs:
            self._program = subprocess.Popen(  # noqa: S603 - our own program, nothing of a request in its arguments
                [sys.executable, "-P", "-m", _PROGRAM, *map(str, costs)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                # It shall know where modules are, and nothing else of us: the environment may hold secrets.
                env={"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"},
            )
        ours.settimeout(1)
        self._control = ours
        return ours

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._program is not None:
            self._program.kill()
            self._program.wait()
        self._control = self._program = None

    async def close(self) -> None:
        self._stop()


async def _read(reader: asyncio.StreamReader, limit_bytes: int) -> bytes:
    answer = bytearray()
    while piece := await reader.read(1 << 16):
        answer += piece
        if len(answer) > limit_bytes:
            return b""
    return bytes(answer)
