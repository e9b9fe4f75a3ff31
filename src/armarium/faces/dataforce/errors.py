"""Failures in the words of this protocol: `{"detail": <text>}`, and for 422 a list of what is wrong where."""

from typing import Any

import msgspec
from starlette.responses import Response

from armarium.domain import errors
from armarium.domain.errors import ArmariumError
from armarium.faces.http.errors import failure, status_of
from armarium.faces.http.parameters import BadParameter, NotJson

_MISSING = {
    "workspace": "Organization not found",
    "root collection": "Orbit not found",
    "collection": "Collection not found",
    "artifact": "Artifact not found",
    "bucket": "Bucket secret not found",
}


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong with a request. loc: where; input: what was sent there, where that is known."""

    type: str
    loc: list[str | int]
    msg: str
    input: Any = None


class Failure(msgspec.Struct, frozen=True):
    """The body of every failure."""

    detail: str | list[Fault]


class NoAccess(errors.NotFound):
    """Collections that are not there, or not for this caller."""

    def __init__(self, ids: list[str]) -> None:
        listed = ", ".join(ids)
        super().__init__("collection", listed, f"You don't have access to the following collections: {listed}")


def tell(error: ArmariumError) -> Response:
    """Answer with a failure."""
    if isinstance(error, BadParameter | NotJson):
        return failure(Failure([_fault(error)]), error, 422)
    return failure(Failure(_text(error)), error, status_of(error))


def _fault(error: BadParameter | NotJson) -> Fault:
    if isinstance(error, BadParameter):
        return Fault(error.kind, list(error.location), error.reason)
    return Fault("json_invalid", ["body"], error.reason)


def _text(error: ArmariumError) -> str:
    match error:
        case NoAccess():
            return error.message
        case errors.NotFound():
            return _MISSING.get(error.kind, error.message)
        case errors.NotAuthenticated():
            return "Not authenticated"
        case errors.Forbidden():
            return "Not enough rights"
        case errors.AlreadyExists(kind="bucket"):
            return "Bucket secret with the given bucket name and endpoint already exists."
    return error.message
