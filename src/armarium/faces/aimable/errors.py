"""Failures in the words of this protocol: one body that satisfies readers of each documented shape.

`{"detail": <text, or a list for 422>, "error": {"code", "message"}, "status", "request_id"}`, and problem details
(RFC 9457) for who prefers them.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from armarium.core.documents import NotReady
from armarium.core.idempotency import KeyReused, StillRunning
from armarium.domain import errors
from armarium.domain.errors import ArmariumError
from armarium.faces.http.boundary import REQUEST_ID
from armarium.faces.http.errors import MethodNotAllowed, RateLimited, failure, status_of
from armarium.faces.http.idempotency import BadKey
from armarium.faces.http.parameters import BadParameter, NotJson

_PROBLEM = "application/problem+json"
_IN_QUERY = frozenset({"cursor", "limit", "status", "thread_id", "document_type"})


class WrongMediaType(errors.Invalid):
    """A body that says it is no JSON."""

    def __init__(self) -> None:
        super().__init__("content-type", "The request body must be application/json.")


_TABLE: Mapping[type[ArmariumError], tuple[int, str]] = {
    BadKey: (400, "idempotency_key_invalid"),
    NotJson: (400, "bad_request"),
    errors.NotAuthenticated: (401, "unauthorized"),
    errors.Forbidden: (403, "forbidden"),
    errors.NotFound: (404, "not_found"),
    MethodNotAllowed: (405, "method_not_allowed"),
    errors.AlreadyExists: (409, "conflict"),
    errors.Conflict: (409, "conflict"),
    errors.NotStaged: (409, "conflict"),
    NotReady: (409, "not_ready"),
    StillRunning: (409, "idempotency_in_progress"),
    errors.TooLarge: (413, "too_large"),
    WrongMediaType: (415, "unsupported_media_type"),
    errors.Invalid: (422, "validation_error"),
    errors.SchemaViolation: (422, "validation_error"),
    KeyReused: (422, "idempotency_key_reused"),
    RateLimited: (429, "rate_limited"),
    errors.Unsupported: (501, "unsupported"),
    errors.Refused: (502, "refused"),
    errors.Unavailable: (503, "unavailable"),
}


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong with a request, and where."""

    loc: list[str | int]
    msg: str
    type: str


class Reason(msgspec.Struct, frozen=True):
    """A failure as a word and a sentence."""

    code: str
    message: str


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every failure."""

    detail: str | list[Fault]
    error: Reason
    status: int
    request_id: str | None


def words(error: ArmariumError) -> tuple[int, str]:
    """Status and code of an error."""
    known = next((kind for kind in type(error).__mro__ if kind in _TABLE), None)
    return _TABLE[known] if known is not None else (status_of(error), "error")


def tell(error: ArmariumError) -> Response:
    """Answer with a failure."""
    return _Told(error)


class _Told(Response):
    """A failure, written when it is known who asked and how they like to read it."""

    def __init__(self, error: ArmariumError) -> None:
        super().__init__()
        self._error = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = self._error
        status, code = words(error)
        body: Any = Failure(
            detail=_faults(error) if status == 422 else error.message,
            error=Reason(code, error.message),
            status=status,
            request_id=scope.get(REQUEST_ID),
        )
        is_problem = _prefers_problem(scope)
        told = failure(_problem(body) if is_problem else body, error, status)
        if is_problem:
            told.headers["content-type"] = _PROBLEM
        if isinstance(error, NotReady):
            told.headers["retry-after"] = "1"
        await told(scope, receive, send)


def _faults(error: ArmariumError) -> list[Fault]:
    if isinstance(error, BadParameter):
        return [Fault(list(error.location), error.reason, error.kind)]
    field = error.field if isinstance(error, errors.Invalid) else "request"
    where = "query" if field in _IN_QUERY else "header" if field == "Idempotency-Key" else "body"
    return [Fault([where, field], error.message, "value_error")]


def _problem(body: Failure) -> dict[str, Any]:
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(body.status).phrase,
        "status": body.status,
        "detail": body.error.message,
        "code": body.error.code,
        "request_id": body.request_id,
    }
    return problem if isinstance(body.detail, str) else {**problem, "errors": body.detail}


def _prefers_problem(scope: Scope) -> bool:
    accepted = b",".join(value for name, value in scope["headers"] if name == b"accept").decode("latin-1").lower()
    kinds = [part.split(";")[0].strip() for part in accepted.split(",")]
    return _PROBLEM in kinds and "application/json" not in kinds[: kinds.index(_PROBLEM)]
