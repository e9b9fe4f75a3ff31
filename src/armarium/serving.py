"""Running the application under uvicorn, from a bound socket to a clean stop, in one process or several."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable

import uvicorn

from armarium.app import build
from armarium.assembly import base_url_of
from armarium.domain.errors import Invalid, Unavailable
from armarium.faces.http.direct_bodies import DirectHttp
from armarium.faces.http.read_ahead import read_ahead
from armarium.logs import configure_logs
from armarium.settings import Settings
from armarium.supervisor import Supervisor, Worker

DRAIN_SECONDS = 15
PATIENCE_SECONDS = 2.0 * DRAIN_SECONDS
READ_AHEAD_BYTES = 640 << 10
_BACKLOG = 2048


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM. Prints where, what holds the data, and a first start's admin token.

    Raises Unavailable when the address cannot be had.
    """
    configure_logs(settings.log_level, settings.log_format)
    listener = _listen(settings.host, settings.port)
    base_url = base_url_of(settings, listener.getsockname()[1])
    read_ahead(READ_AHEAD_BYTES)

    def announce(token: str) -> None:
        _announce(base_url, settings, token)

    if settings.workers == 1:
        _serve(settings, listener, base_url, announce)
    else:
        _serve_in_processes(settings, listener, base_url, announce)


def _serve_in_processes(
    settings: Settings, listener: socket.socket, base_url: str, announce: Callable[[str], None]
) -> None:
    if not hasattr(os, "fork"):
        raise Invalid("workers", "This system cannot serve with several workers: set workers to 1.")
    listener.listen(_BACKLOG)  # who connects while a worker is replaced waits for the next one

    def work(worker: Worker) -> None:
        _serve(settings, listener, base_url, worker.report, lifeline=worker.lifeline)

    def began(tokens: list[str]) -> None:
        announce("".join(tokens))  # of workers that start together one makes the first user

    code = Supervisor(settings.workers, work, began, patience_seconds=PATIENCE_SECONDS).run()
    if code:
        raise SystemExit(code)


def _serve(
    settings: Settings,
    listener: socket.socket,
    base_url: str,
    answers: Callable[[str], None],
    *,
    lifeline: int | None = None,
) -> None:
    """Serve in this process. answers: called once it does, with a first start's admin token or nothing.

    lifeline: a descriptor that becomes readable when it is time to stop.
    """
    token: list[str] = []

    def remember(admin_token: str | None) -> None:
        if admin_token:
            token.append(admin_token)

    app = build(settings, base_url=base_url, announce=remember)
    config = uvicorn.Config(
        app,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        http=DirectHttp,
        ws="websockets-sansio",
        ws_max_size=settings.websocket_max_message_bytes,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        backlog=_BACKLOG,
    )
    server = _Server(config, app.drain, lambda: answers("".join(token)), lifeline)
    # uvicorn stops cleanly and then raises the signal once more; by then there is nothing left to interrupt.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    server.run(sockets=[listener])
    if not server.started:
        raise SystemExit(1)


class _Server(uvicorn.Server):
    """Says so once it really answers, and lets calls under way finish before it ends."""

    def __init__(
        self,
        config: uvicorn.Config,
        drain: Callable[[], Awaitable[None]],
        answers: Callable[[], None],
        lifeline: int | None,
    ) -> None:
        super().__init__(config)
        self._drain = drain
        self._answers = answers
        self._lifeline = lifeline

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self._lifeline is not None:
            asyncio.get_running_loop().add_reader(self._lifeline, self._end)
        await super().startup(sockets)
        if self.started:
            self._answers()

    def _end(self) -> None:
        self.should_exit = True
        if self._lifeline is not None:
            asyncio.get_running_loop().remove_reader(self._lifeline)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn would close the connections first, and calls under way would never be answered.
        await self._drain()
        await super().shutdown(sockets)


def _announce(base_url: str, settings: Settings, token: str) -> None:
    lines = [f"armarium is listening on {base_url}", f"data: {settings.data.resolve()}"]
    if settings.workers > 1:
        lines.append(f"workers: {settings.workers}")
    if token:
        lines.append("This is the first start: keep the admin token, it is not shown again.")
        lines.append(f"admin token: {token}")
    print("\n".join(lines), flush=True)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Unavailable(f"Cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}.") from None
    listener.set_inheritable(True)
    return listener
