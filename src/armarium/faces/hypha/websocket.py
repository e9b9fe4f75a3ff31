"""The WebSocket door of the Hypha wire: `/ws`, as a bare ASGI application."""

import asyncio
import json
import logging
import time
from collections.abc import Iterable
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from armarium.faces.hypha.frames import control_type
from armarium.faces.hypha.hub import Hub, Refused
from armarium.faces.hypha.outbox import Close, Outbox
from armarium.faces.hypha.rpc import Peer
from armarium.faces.hypha.schemas import Hello

log = logging.getLogger(__name__)

HELLO_SECONDS = 5.0
_MAX_HELLO = 64 * 1024
# A longer reason makes the close frame itself invalid, and the client then sees no code at all.
_MAX_REASON_BYTES = 123

_hello = msgspec.json.Decoder(Hello)


class _Carrier:
    """One WebSocket, seen from the connection it carries."""

    def __init__(self) -> None:
        self.outbox = Outbox()
        self.reader: asyncio.Task[None] | None = None

    def send(self, frame: bytes) -> None:
        if not self.outbox.put(frame):
            self._give_up()

    def tell(self, message: dict[str, Any]) -> None:
        self.outbox.put(json.dumps(message))

    def close(self, code: int, reason: str) -> None:
        self.outbox.close(code, reason)

    def _give_up(self) -> None:
        """Drop a client that does not take what it is sent."""
        if self.reader is not None:
            self.reader.cancel()


class WebSocketDoor:
    """Lets clients in and carries their frames."""

    def __init__(self, hub: Hub, *, hello_seconds: float = HELLO_SECONDS) -> None:
        self._hub = hub
        self._hello_seconds = hello_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (await receive())["type"] != "websocket.connect":
            return
        await send({"type": "websocket.accept"})
        carrier = _Carrier()
        try:
            peer = await self._let_in(receive, carrier)
        except Refused as exc:
            await _refuse(send, exc)
            return
        if peer is not None:
            await self._carry(peer, carrier, receive, send)

    async def _let_in(self, receive: Receive, carrier: _Carrier) -> Peer | None:
        """Read the first frame and answer it; None if the client has gone. Raises Refused."""
        try:
            message = await asyncio.wait_for(receive(), self._hello_seconds)
        except TimeoutError:
            raise Refused("Authentication payload timeout.", 1008, 408) from None
        if message["type"] != "websocket.receive":
            return None
        peer = await self._hub.admit(_read_hello(message), carrier)
        try:
            carrier.tell(await self._hub.connection_info(peer))
        except BaseException:
            self._hub.leave(peer)
            raise
        return peer

    async def _carry(self, peer: Peer, carrier: _Carrier, receive: Receive, send: Send) -> None:
        """Move frames both ways until one side ends it."""
        carrier.reader = asyncio.ensure_future(self._read(peer, carrier.outbox, receive))
        watch = asyncio.ensure_future(_watch_idle(peer, self._hub.limits.idle_seconds))
        writer = asyncio.ensure_future(_write(carrier.outbox, send))
        tasks = (carrier.reader, writer, watch)
        try:
            await asyncio.wait((carrier.reader, writer), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._hub.leave(peer)
            for task in tasks:
                task.cancel()
            _log_failures(await asyncio.gather(*tasks, return_exceptions=True))

    async def _read(self, peer: Peer, outbox: Outbox, receive: Receive) -> None:
        while True:
            message = await receive()
            if message["type"] != "websocket.receive":
                return
            frame = message.get("bytes")
            if frame is not None:
                peer.receive(frame)
            else:
                await self._hub.control(peer, control_type(message.get("text") or ""))
            await outbox.room()


async def _write(outbox: Outbox, send: Send) -> None:
    """Send what the outbox holds, in order, until it is closed or the client is gone."""
    while True:
        item = await outbox.get()
        if isinstance(item, Close):
            await send({"type": "websocket.close", "code": item.code, "reason": _short(item.reason)})
            return
        await send({"type": "websocket.send", "bytes" if isinstance(item, bytes) else "text": item})


def _log_failures(outcomes: Iterable[BaseException | None]) -> None:
    for outcome in outcomes:
        if isinstance(outcome, Exception) and not isinstance(outcome, OSError):
            log.error("a connection failed", exc_info=outcome)


async def _watch_idle(peer: Peer, idle_seconds: float) -> None:
    while True:
        silence = time.monotonic() - peer.last_heard
        if silence >= idle_seconds:
            peer.close(1001, "idle timeout")
            return
        await asyncio.sleep(min(idle_seconds - silence, 60.0) + 0.01)
        peer.incoming.expire()


def _read_hello(message: Any) -> Hello:
    text = message.get("text")
    data = text.encode() if isinstance(text, str) else message.get("bytes") or b""
    try:
        if len(data) > _MAX_HELLO:
            raise ValueError
        return _hello.decode(data)
    except (ValueError, RecursionError):
        raise Refused("Failed to decode authentication information.", 1003, 400) from None


async def _refuse(send: Send, refusal: Refused) -> None:
    try:
        if refusal.is_final:
            # A client that comes back after a cut gives up for good on an error frame.
            await send({"type": "websocket.send", "text": json.dumps({"type": "error", "message": refusal.message})})
        await send({"type": "websocket.close", "code": refusal.code, "reason": _short(refusal.message)})
    except OSError:
        log.debug("a refused client did not wait for the reason")


def _short(reason: str) -> str:
    return reason.encode()[:_MAX_REASON_BYTES].decode("utf-8", "ignore")
