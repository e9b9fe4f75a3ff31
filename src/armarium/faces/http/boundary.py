"""The outermost layer of every HTTP answer: a request id, the metrics, other origins, a last net under the handlers."""

import itertools
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable

import msgspec
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from armarium.faces.http.metrics import Metrics

log = logging.getLogger(__name__)

REQUEST_ID = "armarium.request_id"
"""Where a scope holds the id of its request."""
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class Boundary:
    """Wraps the application; whatever no handler foresaw becomes a 500 that says nothing but its request id."""

    def __init__(self, app: ASGIApp, metrics: Metrics, *, drain: Callable[[], Awaitable[None]]) -> None:
        """drain: lets what is under way finish; whoever runs the server calls it before it closes connections."""
        self.app = app
        self.drain = drain
        self._cross_origin = _cross_origin(app)
        self._metrics = metrics
        self._process = secrets.token_hex(4).encode()
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id, is_from_elsewhere = _look_at_headers(scope)
        request_id = request_id or self._fresh_id()
        scope[REQUEST_ID] = request_id.decode()
        status = 0
        began = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id)]
            await send(message)

        try:
            app = self._cross_origin if is_from_elsewhere else self.app
            await app(scope, receive, send_with_id)
        except Exception:
            log.exception("%s %s failed, request id %s", scope["method"], scope["path"], request_id.decode())
            if status:
                raise  # the answer is under way: all that is left is to cut the connection
            await _send_internal_error(send_with_id, request_id.decode())
        finally:
            self._metrics.request_ended(scope["method"], status, time.perf_counter() - began)

    def _fresh_id(self) -> bytes:
        """Not a secret: it only has to be the only one. What stands before the hyphen tells which process answered."""
        return b"%s-%x" % (self._process, next(self._numbers))


def _look_at_headers(scope: Scope) -> tuple[bytes, bool]:
    """The caller's own request id where it is harmless, and whether a page of some origin sent this."""
    request_id, has_origin = b"", False
    for name, value in scope["headers"]:
        if name == b"origin":
            has_origin = True
        elif name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            request_id = value
    return request_id, has_origin


def _cross_origin(app: ASGIApp) -> ASGIApp:
    """Pages of other origins may call with a token they hold; cookies are never sent along for them."""
    exposed = (
        "ETag", "Content-Range", "Content-Disposition", "X-Request-ID", "Location", "Upload-Offset", "Upload-Length",
        "Upload-Defer-Length", "Upload-Metadata", "Upload-Expires", "Tus-Resumable", "Tus-Version", "Tus-Extension",
        "Tus-Max-Size", "Tus-Checksum-Algorithm",
    )  # fmt: skip
    return CORSMiddleware(
        app, allow_origins=("*",), allow_methods=("*",), allow_headers=("*",), expose_headers=exposed, max_age=3600
    )


async def _send_internal_error(send: Send, request_id: str) -> None:
    body = msgspec.json.encode({"detail": f"Something went wrong on the server (request id {request_id})."})
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})
