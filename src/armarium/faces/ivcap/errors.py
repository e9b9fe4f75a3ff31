"""Failures in the words of IVCAP: `message` always, `id` of what is missing, `name` of the parameter at fault.

Only status codes everybody knows are sent: clients look them up in a list.
"""

from typing import Any

import msgspec
from starlette.responses import Response

from armarium.core.resumable import OffsetConflict
from armarium.domain import errors
from armarium.domain.aspect import artifact_urn
from armarium.domain.errors import ArmariumError, Invalid, NotFound
from armarium.faces.http.errors import failure, status_of
from armarium.faces.http.idempotency import BadKey
from armarium.faces.http.parameters import NotJson
from armarium.faces.http.tus import MARK, TusFailure

ASPECT_URN = "urn:ivcap:aspect:"

_STATUS: dict[type[ArmariumError], int] = {
    errors.Invalid: 422,
    errors.NotUnique: 424,
    errors.NotStaged: 409,
    NotJson: 400,
}


_OF_UPLOADS = frozenset({"length", "checksum", "path"})
"""What can be wrong with an upload is said by headers, not by parameters."""


class Failure(msgspec.Struct, omit_defaults=True):
    """The body of every failure."""

    message: str
    id: str | None = None
    name: str | None = None


class BadRequest(Invalid):
    """A header or body that cannot be used, where the protocol answers 400."""


class WrongMediaType(ArmariumError):  # noqa: N818 - reads like the other errors a user can cause
    """A body of a type nobody reads."""


_STATUS |= {BadRequest: 400, BadKey: 400, WrongMediaType: 415}


def tell(error: ArmariumError) -> Response:
    """Answer with a failure."""
    if isinstance(error, TusFailure):
        return _with(failure(Failure(error.message), error, error.status), error.headers)
    status = _status(error)
    response = failure(_body(error, status), error, status)
    if isinstance(error, OffsetConflict):
        return _with(response, {**MARK, "upload-offset": str(error.offset)})
    return response


def _status(error: ArmariumError) -> int:
    if isinstance(error, Invalid) and error.field in _OF_UPLOADS:
        return 400
    return next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), None) or status_of(error)


def _body(error: ArmariumError, status: int) -> Failure:
    if isinstance(error, NotFound):
        urn = urn_of(error.kind, error.id)
        return Failure(f"There is no artifact '{urn[:200]}'." if error.kind == "artifact" else error.message, id=urn)
    if isinstance(error, Invalid) and status == 422:
        return Failure(error.message, name=error.field)
    return Failure(error.message)


def urn_of(kind: str, id: str) -> str:
    """What is missing, as a URN where it has one."""
    if id.startswith("urn:"):
        return id
    return {"artifact": artifact_urn(id), "aspect": ASPECT_URN + id}.get(kind, id or kind)


def _with(response: Response, headers: Any) -> Response:
    response.headers.update(headers)
    return response
