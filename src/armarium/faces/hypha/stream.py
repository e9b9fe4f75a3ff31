"""The HTTP door of the Hypha wire: `GET /rpc` streams to the client, `POST /rpc` takes its frames."""

import asyncio
import hashlib
import hmac
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from armarium.faces.hypha import frames
from armarium.faces.hypha.hub import Hub, Refused
from armarium.faces.hypha.outbox import Close, Outbox
from armarium.faces.hypha.rpc import Peer
from armarium.faces.hypha.schemas import Hello

PING_SECONDS = 10.0
"""Well below the 30 s after which clients take the stream for dead."""

_encoder = msgspec.msgpack.Encoder()


class _Carrier:
    """One open stream, seen from the connection it carries."""

    def __init__(self, authorization: str) -> None:
        self.outbox = Outbox()
        self.authorization = _digest(authorization)
        self.pump: asyncio.Task[None] | None = None

    def send(self, frame: bytes) -> None:
        if not self.outbox.put(frame) and self.pump is not None:
            self.pump.cancel()

    def tell(self, message: dict[str, Any]) -> None:
        self.outbox.put(_encoder.encode(message))

    def close(self, code: int, reason: str) -> None:
        self.outbox.close(code, reason)


class StreamDoor:
    """Lets clients in that cannot use WebSockets and carries their frames."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.method == "POST":
            await (await self._take(request))(scope, receive, send)
            return
        if request.method == "HEAD":
            await Response(status_code=405, headers={"allow": "GET, POST"})(scope, receive, send)
            return
        try:
            peer, carrier = await self._let_in(request)
        except Refused as exc:
            await JSONResponse({"detail": exc.message}, exc.status)(scope, receive, send)
            return
        await self._carry(peer, carrier, receive, send)

    async def _let_in(self, request: Request) -> tuple[Peer, _Carrier]:
        query, authorization = request.query_params, request.headers.get("authorization", "")
        carrier = _Carrier(authorization)
        hello = Hello(
            query.get("client_id", ""),
            query.get("workspace") or None,
            _bearer(authorization),
            query.get("reconnection_token") or None,
        )
        peer = await self._hub.admit(hello, carrier)
        try:
            carrier.tell(await self._hub.connection_info(peer))
        except BaseException:
            self._hub.leave(peer)
            raise
        return peer, carrier

    async def _carry(self, peer: Peer, carrier: _Carrier, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/x-msgpack-stream"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        carrier.pump = asyncio.ensure_future(_pump(carrier.outbox, send))
        gone = asyncio.ensure_future(_wait_for_disconnect(receive))
        try:
            await asyncio.wait((carrier.pump, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._hub.leave(peer)
            for task in (carrier.pump, gone):
                task.cancel()
            await asyncio.gather(carrier.pump, gone, return_exceptions=True)

    async def _take(self, request: Request) -> Response:
        peer = self._sender(request)
        if peer is None:
            return JSONResponse({"detail": "There is no open stream for this client."}, 400)
        try:
            body = await _read_body(request)
        except ClientDisconnect:
            return Response(status_code=400)
        if body is None:
            return JSONResponse({"detail": "The message is too large."}, 413)
        kind = _control_kind(body)
        if kind:
            await self._hub.control(peer, kind)
        else:
            peer.receive(body)
        return Response()

    def _sender(self, request: Request) -> Peer | None:
        query = request.query_params
        peer = self._hub.peer(query.get("workspace", ""), query.get("client_id", ""))
        if peer is None or not isinstance(peer.carrier, _Carrier):
            return None
        given = _digest(request.headers.get("authorization", ""))
        return peer if hmac.compare_digest(given, peer.carrier.authorization) else None


async def _pump(outbox: Outbox, send: Send) -> None:
    while True:
        try:
            item = await asyncio.wait_for(outbox.get(), PING_SECONDS)
        except TimeoutError:
            item = _encoder.encode({"type": "ping"})
        if isinstance(item, Close):
            await send({"type": "http.response.body", "body": b""})
            return
        data = item if isinstance(item, bytes) else item.encode()
        await send({"type": "http.response.body", "body": len(data).to_bytes(4, "big") + data, "more_body": True})


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _read_body(request: Request) -> bytes | None:
    """The body, or None if it is larger than a frame may be."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > frames.FRAME_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


def _control_kind(body: bytes) -> str:
    """The type of a control message; empty for a frame, which always says to whom it goes."""
    if len(body) > 1000:
        return ""
    try:
        routing, _ = frames.split(body)
    except frames.FrameError:
        return ""
    return "" if routing.to else routing.type


def _bearer(authorization: str) -> str | None:
    scheme, _, token = authorization.partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _digest(authorization: str) -> bytes:
    return hashlib.sha256(authorization.encode("utf-8", "surrogateescape")).digest()
