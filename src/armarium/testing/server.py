"""A real armarium on a free loopback port, for tests, benchmarks and demonstrations."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import armarium

_LISTENING = re.compile(r"armarium is listening on (http://\S+:(\d+))")
_ADMIN_TOKEN = re.compile(r"admin token: (\S+)")
_CODE = str(Path(armarium.__file__).parents[1])


class ServerError(Exception):
    """The server ended, or said nothing in time; the message holds what it printed."""


class RunningServer:
    """`armarium serve` in its own process, as a context manager.

    data: a folder that outlives the server; the same folder serves again after `restart`.
    port: 0 takes a free one, which is then kept over restarts.
    settings: `ARMARIUM_*` environment variables of the server and of `run`.
    """

    storage: Callable[[Path], Mapping[str, str]] = staticmethod(lambda data: {})
    """Settings every server of a data folder begins with: where `storage.py` says that things are kept."""

    def __init__(
        self,
        data: Path,
        *,
        port: int = 0,
        options: Sequence[str] = (),
        settings: Mapping[str, str] | None = None,
        start_timeout_seconds: float = 30.0,
    ) -> None:
        self.data = data
        self.port = port
        self.url = ""
        self._options = tuple(options)
        self._environment = _environment({**self.storage(data), **(settings or {})})
        self._start_timeout_seconds = start_timeout_seconds
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._lines: list[str] = []
        self._heard = threading.Condition()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the process and return when it listens; raises ServerError with its output otherwise."""
        address = ("--host", "127.0.0.1", "--port", str(self.port))
        self._process = subprocess.Popen(
            [*_ARMARIUM, "serve", *address, "--data", str(self.data), *self._options],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        first_new_line = len(self._lines)
        self._reader = threading.Thread(target=self._collect, args=(self._process,), daemon=True)
        self._reader.start()
        match = self._wait_for(_LISTENING, first_new_line, timeout_seconds=self._start_timeout_seconds)
        self.url, self.port = match[1], int(match[2])

    def stop(self, timeout_seconds: float = 30.0) -> int | None:
        """Ask politely (SIGTERM), wait, and return the exit code; None if it was not running.

        A server that does not end in time is killed, and ServerError says so.
        """
        process = self._process
        if process is None:
            return None
        process.terminate()
        try:
            code = process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerError(f"The server ignored SIGTERM for {timeout_seconds} s:\n{self.output}") from None
        self._forget()
        return code

    def kill(self) -> None:
        """End the process as a power cut would (SIGKILL)."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._forget()

    def restart(self) -> None:
        """Start again on the same port and data, stopping first what still runs."""
        self.stop()
        self.start()

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ServerError("The server is not running.")
        return self._process.pid

    @property
    def output(self) -> str:
        """Everything printed so far, over all starts."""
        with self._heard:
            return "".join(self._lines)

    @property
    def admin_token(self) -> str:
        """The token that the first start on a data folder prints, and no later one."""
        return self._wait_for(_ADMIN_TOKEN, 0, timeout_seconds=5.0)[1]

    def run(self, *arguments: str) -> str:
        """Run an armarium command on the same data and return what it printed; ServerError if it fails."""
        done = subprocess.run(
            [*_ARMARIUM, *arguments, "--data", str(self.data)],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ServerError(f"armarium {' '.join(arguments[:2])} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def make_user(self, name: str) -> None:
        self.run("user", "create", name)

    def make_token(self, user: str, *, workspace: str | None = None, scopes: Sequence[str] = ()) -> str:
        """Return a fresh token of an existing user; workspace None means the user's own."""
        options = ["--workspace", workspace] if workspace else []
        for scope in scopes:
            options += ["--scope", scope]
        return self.run("token", "create", "--user", user, *options).strip().splitlines()[-1]

    def _collect(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with self._heard:
                self._lines.append(line)
                self._heard.notify_all()
        with self._heard:
            self._heard.notify_all()

    def _wait_for(self, pattern: re.Pattern[str], first_line: int, *, timeout_seconds: float) -> re.Match[str]:
        deadline = time.monotonic() + timeout_seconds
        with self._heard:
            while (match := self._search(pattern, first_line)) is None:
                if not self._may_still_speak() or time.monotonic() > deadline:
                    printed = "".join(self._lines[first_line:])
                    raise ServerError(f"armarium serve never printed '{pattern.pattern}', only:\n{printed}")
                # Short, because a reader that ends between the test and the wait notifies nobody.
                self._heard.wait(0.2)
        return match

    def _search(self, pattern: re.Pattern[str], first_line: int) -> re.Match[str] | None:
        return next((match for line in self._lines[first_line:] if (match := pattern.search(line))), None)

    def _may_still_speak(self) -> bool:
        return self._reader is not None and self._reader.is_alive()

    def _forget(self) -> None:
        """Let the reader drain the pipe, then close it."""
        if self._reader is not None:
            self._reader.join(timeout=5)
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()
        self._process = self._reader = None


_ARMARIUM = (sys.executable, "-m", "armarium")


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without its own armarium settings, running the same code as the caller."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ARMARIUM_")}
    path = os.pathsep.join(filter(None, (_CODE, inherited.get("PYTHONPATH"))))
    return inherited | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"} | dict(settings)
