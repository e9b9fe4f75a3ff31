"""The connections of this process: one pool per event loop, shared by every client on it."""

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING
from urllib.request import getproxies_environment

if TYPE_CHECKING:
    from aiohttp import ClientSession

_sessions: dict[asyncio.AbstractEventLoop, tuple["ClientSession", AsyncGenerator["ClientSession", None]]] = {}


async def session() -> "ClientSession":
    """The pool of the running loop; it is closed together with the loop, by nobody else."""
    loop = asyncio.get_running_loop()
    known = _sessions.get(loop)
    if known is not None and not known[0].closed:
        return known[0]
    _forget_closed_loops()
    keeper = _open_while_the_loop_runs()
    opened = await anext(keeper)
    _sessions[loop] = (opened, keeper)
    return opened


async def _open_while_the_loop_runs() -> AsyncGenerator["ClientSession", None]:
    """A loop that ends runs `shutdown_asyncgens`, which brings this generator to its `finally`."""
    from aiohttp import ClientSession, DummyCookieJar, TCPConnector  # noqa: PLC0415 - takes a tenth of a second

    # Idle connections are dropped before the 5 s after which many servers hang up: no request meets a closing one.
    connector = TCPConnector(limit=100, keepalive_timeout=4.0)
    opened = ClientSession(
        connector=connector,
        cookie_jar=DummyCookieJar(),
        skip_auto_headers=("Content-Type",),  # a signed URL may be bound to the headers it was made for
        trust_env=bool(getproxies_environment()),
    )
    try:
        yield opened
    finally:
        _sessions.pop(asyncio.get_running_loop(), None)
        await opened.close()


def _forget_closed_loops() -> None:
    """Loops that were closed without a shutdown; theirs is nothing left to close."""
    for loop in [loop for loop in _sessions if loop.is_closed()]:
        del _sessions[loop]
