"""The OpenAPI 3.1 document of a REST door, made from the signatures its requests are read by."""

import inspect
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, get_args, get_origin

import msgspec
from starlette.responses import Response

from armarium.faces.http.rest import Answer, Operation, RestDoor, signature_of

_REF = "#/components/schemas/{name}"
_JSON = "application/json"
_PATH_PART = re.compile(r"{(\w+)(?::\w+)?}")


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a document says of its door as a whole.

    security: name -> security scheme; any one of them is enough. failure: the type of every error body.
    always: statuses every operation may answer.
    """

    title: str
    version: str
    description: str
    server_url: str
    security: Mapping[str, Mapping[str, str]]
    failure: Any
    always: tuple[int, ...]


def document(door: RestDoor, about: About) -> dict[str, Any]:
    """Describe all operations of a door."""
    kinds = _Kinds([about.failure, *(kind for operation in door.operations for kind in _kinds_of(operation))])
    paths: dict[str, dict[str, Any]] = {}
    names: Counter[str] = Counter()
    for operation in door.operations:
        path = door.prefixes[0] + _PATH_PART.sub(r"{\1}", operation.path)
        described = paths.setdefault(path, {})[operation.method.lower()] = _described(operation, about, kinds)
        names[described["operationId"]] += 1
        if (times := names[described["operationId"]]) > 1:  # one handler may answer several paths
            described["operationId"] += f"_{times}"
    return {
        "openapi": "3.1.0",
        "info": {"title": about.title, "version": about.version, "description": about.description},
        "servers": [{"url": about.server_url}],
        "security": [{name: []} for name in about.security],
        "paths": paths,
        "components": {"schemas": kinds.components, "securitySchemes": dict(about.security)},
    }


class _Kinds:
    """The schema of every type a door speaks of."""

    def __init__(self, kinds: Iterable[Any]) -> None:
        unique = [kind for kind in dict.fromkeys(kinds) if kind not in (None, type(None))]
        schemas, self.components = msgspec.json.schema_components(unique, ref_template=_REF)
        self._schemas = dict(zip(unique, schemas, strict=True))

    def schema(self, kind: Any) -> dict[str, Any]:
        schema: dict[str, Any] = self._schemas[kind]
        return schema

    def properties(self, kind: Any) -> tuple[dict[str, Any], list[str]]:
        """The fields of a struct, and which of them must be given."""
        schema = self.components[self._schemas[kind]["$ref"].rpartition("/")[2]]
        return schema.get("properties", {}), schema.get("required", [])


def _kinds_of(operation: Operation) -> list[Any]:
    signature = signature_of(operation)
    returned = [] if operation.gives else [_unwrapped(signature.returns)]
    return [signature.query, signature.body, *signature.path_parts.values(), *returned, *operation.also.values()]


def _unwrapped(returns: Any) -> Any:
    """What is sent as JSON; None for a handler that sends its answer itself."""
    kind = get_args(returns)[0] if get_origin(returns) is Answer else returns
    sends_itself = get_origin(kind) is Callable or (inspect.isclass(kind) and issubclass(kind, Response))
    return None if sends_itself else kind


def _described(operation: Operation, about: About, kinds: _Kinds) -> dict[str, Any]:
    signature = signature_of(operation)
    summary, _, description = (inspect.getdoc(operation.handler) or "").partition("\n")
    described: dict[str, Any] = {
        "operationId": getattr(operation.handler, "__name__", operation.path),
        "summary": summary.rstrip("."),
        "parameters": _parameters(operation, kinds),
        "responses": _responses(operation, about, kinds),
    }
    if description.strip():
        described["description"] = description.strip()
    if signature.body:
        described["requestBody"] = {"required": True, "content": {_JSON: {"schema": kinds.schema(signature.body)}}}
    elif operation.takes:
        binary = {"schema": {"type": "string", "format": "binary"}}
        described["requestBody"] = {"required": False, "content": {operation.takes: binary}}
    return described


def _parameters(operation: Operation, kinds: _Kinds) -> list[dict[str, Any]]:
    signature = signature_of(operation)
    parts = {name: {"type": "string"} for name in _PATH_PART.findall(operation.path)}
    parts |= {name: kinds.schema(kind) for name, kind in signature.path_parts.items()}
    listed = [{"name": name, "in": "path", "required": True, "schema": schema} for name, schema in parts.items()]
    if signature.query:
        properties, required = kinds.properties(signature.query)
        listed += [
            {"name": name, "in": "query", "required": name in required, "schema": schema}
            for name, schema in properties.items()
        ]
    if operation.creates:
        key = {"type": "string", "minLength": 1, "maxLength": 255}
        listed.append({"name": "Idempotency-Key", "in": "header", "required": False, "schema": key})
    return listed


def _responses(operation: Operation, about: About, kinds: _Kinds) -> dict[str, Any]:
    returned = _unwrapped(signature_of(operation).returns)
    responses = {str(operation.status): _success(operation, returned, operation.status, kinds)}
    responses |= {str(status): _success(operation, kind, status, kinds) for status, kind in operation.also.items()}
    failure = {_JSON: {"schema": kinds.schema(about.failure)}}
    of_keys = (400, 409, 422) if operation.creates else ()  # an `Idempotency-Key` that is wrong, in use, or used
    for status in sorted({*about.always, *operation.fails, *of_keys}):
        responses.setdefault(str(status), {"description": HTTPStatus(status).phrase, "content": failure})
    return responses


def _success(operation: Operation, kind: Any, status: int, kinds: _Kinds) -> dict[str, Any]:
    phrase = HTTPStatus(status).phrase
    if operation.gives and status in (200, 206):
        return {"description": phrase, "content": {operation.gives: {"schema": {"type": "string", "format": "binary"}}}}
    if kind in (None, type(None)):
        return {"description": phrase}
    return {"description": phrase, "content": {_JSON: {"schema": kinds.schema(kind)}}}
