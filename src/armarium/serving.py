"""Running the application under uvicorn, from a bound socket to a clean stop, in one process or several."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable

import uvicorn

from armarium.acceptor import Acceptor, Share, shares
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
    all_shares = shares(settings.workers)

    def work(worker: Worker) -> None:
        _serve(settings, listener, base_url, worker.report, lifeline=worker.lifeline, share=all_shares[worker.number])

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
    share: Share | None = None,
) -> None:
    """Serve in this process. answers: called once it does, with a first start's admin token or nothing.

    lifeline: a descriptor that becomes readable when it is time to stop.
    share: of the connections, where several processes serve; None takes all.
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
    server = _Server(config, app.drain, lambda: answers("".join(token)), lifeline, share)
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
        share: Share | None,
    ) -> None:
        super().__init__(config)
        self._drain = drain
        self._answers = answers
        self._lifeline = lifeline
        self._share = share
        self._acceptors: list[Acceptor] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self._lifeline is not None:
            asyncio.get_running_loop().add_reader(self._lifeline, self._end)
        await super().startup(sockets if self._share is None else [])
        if self.started:
            if self._share is not None:
                self._accept(sockets or [], self._share)
            self._answers()

    def _accept(self, listeners: list[socket.socket], share: Share) -> None:
        for listener in listeners:
            acceptor = Acceptor(listener, share, self._protocol, lambda: len(self.server_state.connections))
            acceptor.start()
            self._acceptors.append(acceptor)

    def _protocol(self) -> asyncio.Protocol:
        """What uvicorn makes of each connection it takes itself."""
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    async def on_tick(self, counter: int) -> bool:
        for acceptor in self._acceptors:
            acceptor.tell()
        return await super().on_tick(counter)

    def _end(self) -> None:
        self.should_exit = True
        if self._lifeline is not None:
            asyncio.get_running_loop().remove_reader(self._lifeline)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn would close the connections first, and calls under way would never be answered.
        await self._drain()
        for acceptor in self._acceptors:
            await acceptor.close()
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
