"""What a request says, as values: path parts, the query string, a JSON body; and what is wrong with them."""

import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive, Scope

from armarium.domain.errors import Invalid
from armarium.faces.http.idempotency import RESOURCE_ID
from armarium.faces.http.streaming import read_body, request_body

_AT = re.compile(r" - at `\$(?P<path>.*)`$")
_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_MISSING = re.compile(r"Object missing required field `(?P<field>[^`]+)`")


class BadParameter(Invalid):
    """A parameter that is missing or of the wrong type or shape.

    location: where it stands, such as `("body", "files", 0, "path")`. kind: `missing` or `value_error`.
    """

    def __init__(self, location: tuple[str | int, ...], reason: str, kind: str = "value_error") -> None:
        super().__init__(str(location[-1]), reason)
        self.location = location
        self.kind = kind


class NotJson(Invalid):
    """A body that is no JSON at all."""

    def __init__(self) -> None:
        super().__init__("body", "The request body is not valid JSON.")


class Call:
    """One request, for handlers that look at its headers or stream its body."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self.receive = receive

    def header(self, name: str) -> str | None:
        """The value of a header, None where it was not sent; of a repeated one the last. name: in lower case."""
        wanted = name.encode("latin-1")
        found = [value for key, value in self.scope["headers"] if key == wanted]
        return found[-1].decode("latin-1").strip() if found else None

    @property
    def resource_id(self) -> str | None:
        """What the thing this request makes must be called, so that it is made once; None where any id will do."""
        found: str | None = self.scope.get(RESOURCE_ID)
        return found

    def body(self) -> AsyncIterator[bytes]:
        """The body as it arrives."""
        return request_body(self.scope, self.receive)


class QueryReader:
    """Reads query strings into one struct; numbers and booleans are text there."""

    def __init__(self, kind: type) -> None:
        self._kind = kind
        fields = msgspec.structs.fields(kind)
        self._lists = {field.encode_name for field in fields if _holds_many(msgspec.inspect.type_info(field.type))}

    def __call__(self, query_string: bytes) -> Any:
        given: dict[str, Any] = {}
        for name, value in parse_qsl(query_string.decode("latin-1"), keep_blank_values=True):
            if name in self._lists:
                given.setdefault(name, []).append(value)
            else:
                given[name] = value
        return _converted(given, self._kind, "query")


class BodyReader:
    """Reads JSON bodies into one type."""

    def __init__(self, kind: type, max_body_bytes: int) -> None:
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(kind)
        self._max_body_bytes = max_body_bytes

    async def __call__(self, receive: Receive) -> Any:
        body = await read_body(receive, self._max_body_bytes)
        try:
            return self._decoder.decode(body)
        except msgspec.ValidationError as error:
            raise _fault(error, "body") from None
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            raise NotJson from None


def read_path_part(name: str, text: str, kind: Any) -> Any:
    """Convert one part of a path. Raises BadParameter."""
    if kind is str:
        return text
    try:
        return msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadParameter(("path", name), str(error)) from None


def _converted(given: dict[str, Any], kind: type, where: str) -> Any:
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _fault(error, where) from None


def _fault(error: msgspec.ValidationError, where: str) -> BadParameter:
    """Say what msgspec found wrong, with the place as a list of steps."""
    text = str(error)
    at = _AT.search(text)
    reason = text[: at.start()] if at else text
    location = (where, *_steps(at["path"])) if at else (where,)
    missing = _MISSING.match(reason)
    if missing:
        return BadParameter((*location, missing["field"]), "Field required", "missing")
    return BadParameter(location, reason)


def _steps(path: str) -> list[str | int]:
    return [name or (int(index) if index.isdigit() else index) for name, index in _STEP.findall(path)]


def _holds_many(info: msgspec.inspect.Type) -> bool:
    if isinstance(info, msgspec.inspect.UnionType):
        return any(map(_holds_many, info.types))
    return isinstance(info, msgspec.inspect.ListType | msgspec.inspect.VarTupleType | msgspec.inspect.FrozenSetType)
