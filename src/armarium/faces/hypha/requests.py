"""What the HTTP routes of this door share: who calls, what the query says, and how a failure is told."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from armarium.auth.bearer import credential
from armarium.auth.identify import Identify
from armarium.domain.errors import ArmariumError, Forbidden, Invalid, NotFound
from armarium.domain.identifiers import is_uuid
from armarium.domain.principal import Principal
from armarium.domain.version import Selector
from armarium.faces.http.errors import failure as http_failure
from armarium.faces.hypha.errors import words

Handler = Callable[[Scope, Receive, Send], Awaitable[None]]

_encode = msgspec.json.encode
_TRUE = frozenset({"1", "true", "yes", "on"})


class BadParameter(Invalid):
    """A parameter that is missing or of the wrong type, where the protocol answers 422 and lists what is wrong.

    where: `query` or `body`.
    """

    def __init__(self, where: str, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.where = where


async def caller(
    identify: Identify, scope: Scope, *, token_in_query: bool = False, only_reads: bool = True
) -> Principal:
    """Say who sent a request. Raises NotAuthenticated.

    only_reads: whether a GET here changes nothing; a cookie counts for nothing else.
    """
    query = scope["query_string"] if token_in_query else None
    reads = only_reads and scope["method"] in ("GET", "HEAD")
    return await identify(credential(scope["headers"], query=query, allow_cookie=reads))


def query_of(scope: Scope) -> dict[str, str]:
    """The query parameters; of a repeated one the last counts."""
    text = scope["query_string"]
    return dict(parse_qsl(text.decode("latin-1"), keep_blank_values=True)) if text else {}


def artifact_name(scope: Scope) -> str:
    """The artifact a path names: `{alias}` may be its UUID."""
    alias: str = scope["path_params"]["alias"]
    return alias if is_uuid(alias) else f"{scope['path_params']['workspace']}/{alias}"


def version_of(query: Mapping[str, str]) -> tuple[Selector, bool]:
    return query.get("version") or None, flag(query, "stage")


def flag(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "").lower() in _TRUE


def whole_number(query: Mapping[str, str], name: str, default: int) -> int:
    """Read a whole number from the query. Raises Invalid."""
    text = query.get(name)
    if text is None or text == "":
        return default
    if not text.isascii() or not text.isdigit():
        raise Invalid(name, f"Invalid {name}: it must be a non-negative whole number.")
    return int(text[:18])


def json_value(query: Mapping[str, str], name: str) -> Any:
    """Read a JSON value from the query, None where there is none. Raises Invalid."""
    text = query.get(name)
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        raise Invalid(name, f"Invalid {name}: it is not valid JSON.") from None


def json_response(value: Any, status: int = 200) -> Response:
    return Response(_encode(value), status_code=status, media_type="application/json")


async def send_json(send: Send, body: bytes, status: int = 200) -> None:
    """Answer with JSON that is encoded already."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def failure(error: ArmariumError) -> Response:
    """Tell a failure the way the artifact routes do: `{"detail": ...}`."""
    said = words(error)
    if isinstance(error, BadParameter):
        fault = {"loc": [error.where, error.field], "msg": error.reason, "type": "value_error"}
        return json_response({"detail": [fault]}, 422)
    return http_failure({"detail": detail_of(error)}, error, said.status)


def detail_of(error: ArmariumError) -> str:
    """What the artifact routes say of a failure."""
    if isinstance(error, NotFound) and error.kind == "artifact":
        return "Artifact not found"
    if isinstance(error, Forbidden):
        return f"Permission denied: {error.message}"
    return error.message
