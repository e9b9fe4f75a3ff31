"""Running the application under uvicorn, from a bound socket to a clean stop."""

import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable

import uvicorn

from armarium.app import build
from armarium.assembly import base_url_of
from armarium.domain.errors import Unavailable
from armarium.faces.http.read_ahead import read_ahead
from armarium.logs import configure_logs
from armarium.settings import Settings

DRAIN_SECONDS = 15
READ_AHEAD_BYTES = 640 << 10
_BACKLOG = 2048


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM. Prints where, what holds the data, and a first start's admin token.

    Raises Unavailable when the address cannot be had.
    """
    configure_logs(settings.log_level, settings.log_format)
    listener = _listen(settings.host, settings.port)
    port = listener.getsockname()[1]
    base_url = base_url_of(settings, port)
    token: list[str] = []

    def remember(admin_token: str | None) -> None:
        if admin_token:
            token.append(admin_token)

    read_ahead(READ_AHEAD_BYTES)
    app = build(settings, base_url=base_url, announce=remember)
    server = _Server(
        uvicorn.Config(
            app,
            loop="uvloop" if sys.platform != "win32" else "asyncio",
            http="httptools",
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
        ),
        lambda: _announce(base_url, settings, token),
        app.drain,
    )
    # uvicorn stops cleanly and then raises the signal once more; by then there is nothing left to interrupt.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    server.run(sockets=[listener])
    if not server.started:
        raise SystemExit(1)


class _Server(uvicorn.Server):
    """Says so once it really answers."""

    def __init__(
        self, config: uvicorn.Config, announce: Callable[[], None], drain: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__(config)
        self._drain = drain
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn would close the connections first, and calls under way would never be answered.
        await self._drain()
        await super().shutdown(sockets)


def _announce(base_url: str, settings: Settings, token: list[str]) -> None:
    lines = [f"armarium is listening on {base_url}", f"data: {settings.data.resolve()}"]
    if token:
        lines.append("This is the first start: keep the admin token, it is not shown again.")
        lines.append(f"admin token: {token[0]}")
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
