"""Refusals of the service, told in the words of `armarium.domain.errors`; three shapes of body are understood.

Source: protocols/aimable.md, section 6.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from armarium.domain.errors import (
    ArmariumError,
    Conflict,
    Forbidden,
    Invalid,
    NotAuthenticated,
    NotFound,
    TooLarge,
    Unavailable,
    Unsupported,
)
from armarium.sdk.aimable.values import Artifact
from armarium.sdk.transport import Failure


class GenerationFailed(ArmariumError):  # noqa: N818 - reads as a sentence, as the domain's errors do
    """The artifact will not be completed; `artifact.error` says why."""

    def __init__(self, artifact: Artifact) -> None:
        reason = (artifact.error or {}).get("message") or f"its status is '{artifact.status}'"
        super().__init__(f"Artifact '{artifact.id}' was not made: {reason}")
        self.artifact = artifact


def error_of(failure: Failure) -> ArmariumError:
    """The error for an answer that is none of the expected ones; no answer at all is Unavailable."""
    said = _said(failure)
    made = _KINDS.get(failure.status)
    return made(failure, said) if made is not None else ArmariumError(said)


def code_of(failure: Failure) -> str | None:
    """The word of the service for what is wrong, where it has one."""
    error = failure.body.get("error") if isinstance(failure.body, dict) else None
    return str(error["code"]) if isinstance(error, dict) and "code" in error else None


def _not_found(failure: Failure, said: str) -> NotFound:
    parts = urlsplit(failure.url).path.strip("/").split("/")
    kind = "artifact" if "artifacts" in parts else "space"
    place = parts.index(f"{kind}s") + 1 if f"{kind}s" in parts else len(parts)
    return NotFound(kind, parts[place] if place < len(parts) else "", said)


def _unavailable(failure: Failure, said: str) -> Unavailable:
    return Unavailable(said, retry_after_seconds=failure.retry_after_seconds or 1.0)


def _said(failure: Failure) -> str:
    body = failure.body if isinstance(failure.body, dict) else {}
    detail, error = body.get("detail"), body.get("error")
    if isinstance(detail, list) and detail:
        return "; ".join(f"{_place(entry)}: {entry.get('msg', 'not valid')}" for entry in detail)
    if isinstance(error, dict) and error.get("message"):
        return str(error["message"])
    return str(detail) if isinstance(detail, str) else failure.reason


def _field(body: Any) -> str:
    detail = body.get("detail") if isinstance(body, dict) else None
    return _place(detail[0]) if isinstance(detail, list) and detail else "request"


def _place(entry: dict[str, Any]) -> str:
    """Where in the request the fault is, such as `body.name`."""
    return ".".join(str(part) for part in entry.get("loc", ("request",)))


_KINDS: dict[int | None, Callable[[Failure, str], ArmariumError]] = {
    400: lambda _failure, said: Invalid("request", said),
    401: lambda _failure, said: NotAuthenticated(said),
    403: lambda failure, said: Forbidden(failure.method, said),
    404: _not_found,
    409: lambda _failure, said: Conflict(said),
    413: lambda _failure, said: TooLarge(said),
    415: lambda _failure, said: Invalid("request", said),
    422: lambda failure, said: Invalid(_field(failure.body), said),
    501: lambda _failure, said: Unsupported(said),
    **dict.fromkeys((None, 429, 502, 503, 504), _unavailable),
}
