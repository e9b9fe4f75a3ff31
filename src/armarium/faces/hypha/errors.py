"""Failures in the words Hypha clients know: the name of a Python exception, and a status for calls over HTTP."""

import logging
import secrets
from typing import NamedTuple

from armarium.domain import errors
from armarium.faces.hypha.frames import FrameError

log = logging.getLogger(__name__)


class Words(NamedTuple):
    """What a client is told: an exception class it may match on, an HTTP status, and the message."""

    name: str
    status: int
    message: str

    @property
    def text(self) -> str:
        return f"{self.name}: {self.message}"


class BadCallError(TypeError):
    """A function was called with arguments it does not have."""


class UnknownMethodError(AttributeError):
    """A service has no function of that name."""


class CallFailed(errors.ArmariumError):
    """A client's function failed, or the client went away before it answered."""


class NoSuchClient(errors.ArmariumError):
    """A frame was sent to a client that is not connected."""


_NOT_FOUND = {"version": ("ValueError", 400), "upload": ("ValueError", 400), "file": ("FileNotFoundError", 404)}
_EXISTS = {"artifact": ("FileExistsError", 409), "workspace": ("RuntimeError", 409)}
_TABLE: dict[type[Exception], tuple[str, int]] = {
    errors.NotFound: ("KeyError", 404),
    errors.AlreadyExists: ("ValueError", 409),
    errors.Conflict: ("RuntimeError", 409),
    errors.NotStaged: ("AssertionError", 400),
    errors.Invalid: ("ValueError", 400),
    errors.SchemaViolation: ("ValueError", 400),
    errors.NotAuthenticated: ("PermissionError", 401),
    errors.Forbidden: ("PermissionError", 403),
    errors.TooLarge: ("ValueError", 413),
    errors.Unsupported: ("NotImplementedError", 501),
    errors.Refused: ("RuntimeError", 502),
    errors.Unavailable: ("RuntimeError", 503),
    BadCallError: ("TypeError", 400),
    FrameError: ("ValueError", 400),
    CallFailed: ("RuntimeError", 502),
    NoSuchClient: ("ConnectionError", 404),
    UnknownMethodError: ("AttributeError", 404),
}


def words(exc: BaseException) -> Words:
    """Say what went wrong; what nobody foresaw is logged with its trace and told as a number to ask about."""
    known = next((kind for kind in type(exc).__mro__ if kind in _TABLE), None)
    if known is None:
        return _internal(exc)
    name, status = _class_and_status(exc, _TABLE[known])
    return Words(name, status, _message(exc, name))


def _class_and_status(exc: BaseException, default: tuple[str, int]) -> tuple[str, int]:
    if isinstance(exc, errors.NotFound):
        return _NOT_FOUND.get(exc.kind, default)
    if isinstance(exc, errors.AlreadyExists):
        return _EXISTS.get(exc.kind, default)
    return default


def _message(exc: BaseException, name: str) -> str:
    if isinstance(exc, errors.SchemaViolation):
        return f"ValidationError: {exc.reason}"
    # A KeyError prints the repr of its argument, and clients have grown used to the quotes.
    return repr(str(exc)) if name == "KeyError" else str(exc)


def _internal(exc: BaseException) -> Words:
    request_id = secrets.token_hex(6)
    log.error("call failed, request id %s", request_id, exc_info=exc)
    return Words("InternalError", 500, f"Something went wrong on the server (request id {request_id}).")


def error_text(exc: BaseException) -> str:
    """The one line a client's RemoteException shows: `<ClassName>: <message>`."""
    return words(exc).text
