"""Long request bodies, received straight into the memory of whoever stores them.

The ordinary way through uvicorn copies each byte five times between the socket and a file and touches fresh memory for
most of them; that costs more than hashing. Here the connection changes hands: once a long body begins, the operating
system writes into the memory that the store offers, and when the body is complete uvicorn goes on as if it had read it.
"""

import asyncio
import contextlib
from typing import Any

import httptools
from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from armarium.domain.errors import Invalid

LONG_BODY_BYTES = 16 << 20
"""A shorter body is not worth the change of hands."""

_EXTENSION = "armarium.direct_body"
_DROPPED_BYTES = 1 << 18


class DirectHttp(HttpToolsProtocol):
    """uvicorn's protocol, which offers long bodies to the application as a `DirectBody` in the scope."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.body_bytes = 0
        self._direct: DirectBody | None = None

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.body_bytes = 0

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        length = _announced_bytes(self.headers)
        if length >= LONG_BODY_BYTES and self.cycle is not None and self.cycle.scope is self.scope:
            self._direct = DirectBody(self, self.cycle, length)
            self.scope["extensions"] = {_EXTENSION: {"body": self._direct}}

    def on_body(self, body: bytes) -> None:
        self.body_bytes += len(body)
        super().on_body(body)

    def on_response_complete(self) -> None:
        if self._direct is not None and self._direct.is_answered:  # not so where its request waits for its turn
            self._direct.drop_rest()
        super().on_response_complete()

    def go_on(self, cycle: RequestResponseCycle) -> None:
        """Take the connection back after a body that the parser has not seen."""
        self._direct = None
        self.flow.pause_reading()  # a transport chooses how it reads when reading begins
        self.transport.set_protocol(self)
        self.parser = self._fresh_parser()
        cycle.more_body = False
        cycle.message_event.set()
        self.flow.resume_reading()

    def _fresh_parser(self) -> httptools.HttpRequestParser:
        """A parser as uvicorn makes it for a new connection."""
        parser = httptools.HttpRequestParser(self)
        with contextlib.suppress(AttributeError):  # before httptools 0.6.3 there was nothing to be lenient about
            parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser


class DirectBody(asyncio.BufferedProtocol):
    """One body; the protocol of its connection from the first `fill` until the body is complete or dropped."""

    def __init__(self, http: DirectHttp, cycle: RequestResponseCycle, length: int) -> None:
        self._http = http
        self._cycle = cycle
        self._left = length  # of what comes from the socket
        self._early = memoryview(b"")  # what the parser had read before
        self._memory = memoryview(b"")
        self._filled = 0
        self._is_taken = False
        self._is_dropped = False
        self._full: asyncio.Future[None] | None = None

    @property
    def is_answered(self) -> bool:
        return self._cycle.response_complete

    async def fill(self, memory: memoryview) -> int:
        """Fill memory with what comes next and return the number of bytes: less than it holds only at the end.

        Raises Invalid when the client leaves before the whole body is there.
        """
        if not self._is_taken:
            await self._take()
        self._memory, self._filled = memory, 0
        try:
            self._fill_early()
            if self._left and self._filled < len(memory):
                await self._fill_from_socket()
            return self._filled
        finally:
            self._memory = memoryview(b"")

    async def _take(self) -> None:
        """Begin as any application does, which also answers `Expect: 100-continue`, then change hands."""
        message = await self._cycle.receive()
        if message["type"] == "http.disconnect":
            raise _left_early()
        self._is_taken = True
        self._early = memoryview(message["body"] + bytes(self._cycle.body))  # type: ignore[typeddict-item]
        self._cycle.body = bytearray()
        self._left -= self._http.body_bytes
        if self._left:
            self._http.flow.pause_reading()
            self._http.transport.set_protocol(self)

    def _fill_early(self) -> None:
        count = min(len(self._early), len(self._memory))
        self._memory[:count] = self._early[:count]
        self._early = self._early[count:]
        self._filled = count

    async def _fill_from_socket(self) -> None:
        if self._http.transport.is_closing():
            raise _left_early()
        self._full = asyncio.get_running_loop().create_future()
        self._http.flow.resume_reading()
        try:
            await self._full
        finally:
            self._full = None
            if self._left:
                self._http.flow.pause_reading()

    def drop_rest(self) -> None:
        """The answer is sent: let the rest of the body pass, so that the connection can be used again."""
        self._is_dropped = True
        self._early = memoryview(b"")

    def get_buffer(self, sizehint: int) -> memoryview | bytearray:
        if self._is_dropped or self._full is None:
            return bytearray(min(_DROPPED_BYTES, self._left))
        return self._memory[self._filled : self._filled + self._left]

    def buffer_updated(self, count: int) -> None:
        self._left -= count
        self._filled += count
        if not self._left:
            self._http.go_on(self._cycle)
        elif self._full is not None and self._filled == len(self._memory):
            self._http.flow.pause_reading()
        else:
            return
        self._wake()

    def _wake(self) -> None:
        if self._full is not None and not self._full.done():
            self._full.set_result(None)

    def eof_received(self) -> None:
        self._http.eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        self._http.connection_lost(error)
        if self._full is not None and not self._full.done():
            self._full.set_exception(_left_early())

    def pause_writing(self) -> None:
        self._http.pause_writing()

    def resume_writing(self) -> None:
        self._http.resume_writing()


def direct_body(scope: Scope) -> DirectBody | None:
    """The body of a request whose server can receive it straight into memory."""
    found: DirectBody | None = scope.get("extensions", {}).get(_EXTENSION, {}).get("body")
    return found


def _announced_bytes(headers: list[tuple[bytes, bytes]]) -> int:
    """The Content-Length, 0 where there is none that counts."""
    length = 0
    for name, value in headers:
        if name == b"transfer-encoding":
            return 0
        if name == b"content-length" and value.isdigit():
            length = int(value)
    return length


def _left_early() -> Invalid:
    return Invalid("body", "The connection was closed before the whole body had arrived.")
