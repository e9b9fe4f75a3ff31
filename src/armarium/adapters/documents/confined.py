"""Documents made in processes of their own, each for one document and under limits of the kernel."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from armarium.domain.document import Passage, Target
from armarium.domain.errors import Invalid, TooLarge, Unsupported

_PROGRAM = "armarium.adapters.documents.program"
_PACKAGES = {"markdown_it": "markdown-it-py", "docx": "python-docx"}


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one document may cost. cpu_seconds: of computing; seconds: on the clock; memory_bytes: address space."""

    cpu_seconds: int = 30
    seconds: float = 60.0
    memory_bytes: int = 1 << 30
    source_bytes: int = 8 << 20
    document_bytes: int = 64 << 20
    at_a_time: int = 2


class ConfinedDocuments:
    """Implements `Converter`, and `Writer` by picking sentences."""

    kinds = frozenset({"summary", "transcript", "report"})

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._turns = asyncio.Semaphore(self._limits.at_a_time)

    async def convert(self, passage: Passage, target: Target) -> bytes:
        return await self._make({**msgspec.to_builtins(passage), "target": target.value}, target.value)

    async def write(self, kind: str, title: str, passages: Sequence[Passage], instructions: str) -> str:
        return (await self._make({"kind": kind, "passages": msgspec.to_builtins(list(passages))}, kind)).decode()

    async def _make(self, request: dict[str, Any], what: str) -> bytes:
        encoded = msgspec.json.encode(request)
        if len(encoded) > self._limits.source_bytes:
            raise TooLarge(f"A document is made from at most {self._limits.source_bytes} bytes of text.")
        async with self._turns:
            answer = await self._run(encoded)
        if answer.startswith(b"="):
            return answer[1:]
        said = answer[1:].decode("utf-8", "replace")
        if answer.startswith(b"?"):
            package = _PACKAGES.get(said, said)
            raise Unsupported(f"Making {what} takes '{package}', which is not installed: install armarium[documents].")
        raise Invalid("source", f"The document cannot be made: {said or 'it takes too much time or memory'}.")

    async def _run(self, request: bytes) -> bytes:
        """Return the answer; empty when a limit ended the process."""
        limits = self._limits
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", _PROGRAM, str(limits.cpu_seconds), str(limits.memory_bytes),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            # It shall know where modules are, and nothing else of us: the environment may hold secrets.
            env={"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1", "RAYON_NUM_THREADS": "1"},
        )  # fmt: skip
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018
        feeding = asyncio.create_task(_feed(process.stdin, request))
        try:
            async with asyncio.timeout(limits.seconds):
                answer = await self._read(process.stdout)
                await process.wait()
        except TimeoutError:
            return b""
        finally:
            feeding.cancel()
            if process.returncode is None:
                process.kill()
                await process.wait()
        return answer if process.returncode == 0 else b""

    async def _read(self, stream: asyncio.StreamReader) -> bytes:
        answer = bytearray()
        while piece := await stream.read(1 << 16):
            answer += piece
            if len(answer) > self._limits.document_bytes:
                raise TooLarge(f"The document would be larger than {self._limits.document_bytes} bytes.")
        return bytes(answer)


async def _feed(stream: asyncio.StreamWriter, request: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        stream.write(request)
        await stream.drain()
        stream.close()
