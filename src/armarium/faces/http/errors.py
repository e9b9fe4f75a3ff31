"""Failures of the routes that belong to no door, and the edge that every HTTP handler stands behind."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from armarium.core.idempotency import KeyReused, StillRunning
from armarium.domain import errors
from armarium.domain.errors import ArmariumError

Handler = Callable[[Scope, Receive, Send], Awaitable[None]]


class RateLimited(errors.Unavailable):
    """A credential asks for more than it may in this time."""


class MethodNotAllowed(ArmariumError):  # noqa: N818 - reads like the other errors a user can cause
    """A path that is there, asked in a way it does not know."""

    def __init__(self, allowed: list[str]) -> None:
        super().__init__("Method Not Allowed")
        self.allowed = allowed


STATUS: Mapping[type[ArmariumError], int] = {
    errors.NotFound: 404,
    errors.AlreadyExists: 409,
    errors.Conflict: 409,
    errors.NotStaged: 400,
    errors.Invalid: 400,
    errors.SchemaViolation: 400,
    errors.NotAuthenticated: 401,
    errors.Forbidden: 403,
    errors.TooLarge: 413,
    errors.Unsupported: 501,
    errors.Refused: 502,
    errors.Unavailable: 503,
    KeyReused: 422,
    RateLimited: 429,
    MethodNotAllowed: 405,
}
"""What HTTP says of each error, where a door's protocol has no words of its own."""


class Edge:
    """An ASGI application that tells the errors a user can cause, in the words of whoever owns the route."""

    def __init__(self, handler: Handler, tell: Callable[[ArmariumError], Response]) -> None:
        self._handler = handler
        self._tell = tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._handler(scope, receive, send)
        except ArmariumError as error:
            await self._tell(error)(scope, receive, send)


def status_of(error: ArmariumError) -> int:
    """The status of an error, by its nearest class in the table."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def plain_failure(error: ArmariumError) -> Response:
    """Tell a failure as `{"detail": ...}`."""
    return failure({"detail": error.message}, error, status_of(error))


def failure(body: object, error: Exception, status: int) -> Response:
    """A failure as JSON, with the headers HTTP wants beside its status."""
    response = Response(msgspec.json.encode(body), status_code=status, media_type="application/json")
    if isinstance(error, errors.Unavailable | StillRunning):
        response.headers["retry-after"] = str(max(1, round(error.retry_after_seconds)))
    if isinstance(error, MethodNotAllowed):
        response.headers["allow"] = ", ".join(error.allowed)
    if status == 401:
        response.headers["www-authenticate"] = "Bearer"
    return response
