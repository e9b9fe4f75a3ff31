"""Service functions over HTTP: `GET|POST /{workspace}/services/{service}/{function}`.

Keyword arguments come from the query, read by the types the function declares, or from a JSON or MessagePack
body. Answers are the bare result; failures are `{"success": false, "detail": "RemoteException: <Class>: <text>"}`.
"""

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from armarium.auth.identify import Identify
from armarium.domain.errors import Invalid, NotAuthenticated, NotFound
from armarium.faces.http.errors import failure
from armarium.faces.http.streaming import read_body
from armarium.faces.hypha.errors import words
from armarium.faces.hypha.identity import Session
from armarium.faces.hypha.requests import caller, json_response, query_of
from armarium.faces.hypha.services import Function, Service

_MSGPACK = "application/msgpack"
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


class ServiceCalls:
    """The functions of services by `(workspace, service id)`; workspace `*` answers in every workspace."""

    def __init__(self, services: Mapping[tuple[str, str], Service], identify: Identify, *, max_body_bytes: int) -> None:
        self._services = services
        self._identify = identify
        self._max_body_bytes = max_body_bytes

    def routes(self) -> list[BaseRoute]:
        return [Route("/{workspace}/services/{service_id}/{function}", self, methods=["GET", "POST"])]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._answer(scope, receive)
        except Exception as error:  # noqa: BLE001 - the edge: what is not foreseen is logged by `words`
            response = _failure(error)
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        who = await caller(self._identify, scope, only_reads=False)
        params = scope["path_params"]
        function = self._function(params["workspace"], params["service_id"], params["function"])
        media_type = _media_type(scope)
        arguments = await self._arguments(scope, receive, function, media_type)
        result = await function.start(Session(principal=who, workspace=who.workspace), [], arguments)
        if media_type == _MSGPACK:
            return Response(msgspec.msgpack.encode(result), media_type=_MSGPACK)
        return json_response(result)

    def _function(self, workspace: str, service_id: str, name: str) -> Function:
        bare = service_id.rpartition(":")[2]
        service = self._services.get((workspace, bare)) or self._services.get(("*", bare))
        if service is None:
            raise NotFound("service", service_id, f"Service not found: {workspace}/{service_id}")
        function = service.functions.get(name)
        if function is None or function.needs_connection:
            raise NotFound("function", name, f"Function not found: {name}")
        return function

    async def _arguments(self, scope: Scope, receive: Receive, function: Function, media_type: str) -> dict[str, Any]:
        if scope["method"] in ("GET", "HEAD"):
            query = query_of(scope)
            query.pop("_mode", None)
            return {name: _coerced(function, name, text) for name, text in query.items()}
        body = await read_body(receive, self._max_body_bytes)
        arguments = _decoded(body, media_type) if body else {}
        if not isinstance(arguments, dict) or not all(isinstance(name, str) for name in arguments):
            raise Invalid("body", "The body must be an object of keyword arguments.")
        arguments.pop("_mode", None)
        return arguments


def _decoded(body: bytes, media_type: str) -> Any:
    try:
        return msgspec.msgpack.decode(body) if media_type == _MSGPACK else json.loads(body)
    except (ValueError, RecursionError):
        kind = "MessagePack" if media_type == _MSGPACK else "JSON"
        raise Invalid("body", f"The body is not valid {kind}.") from None


def _coerced(function: Function, name: str, text: str) -> Any:
    """Read one query parameter as the type the function declares; text stays text where text is welcome."""
    declared = function.schema["parameters"]["properties"].get(name, {}).get("type", "string")
    kinds = {declared} if isinstance(declared, str) else set(declared)
    if "boolean" in kinds and text.lower() in _BOOLEANS:
        return _BOOLEANS[text.lower()]
    if text == "null" and "null" in kinds:
        return None
    if ("object" in kinds and text.startswith("{")) or ("array" in kinds and text.startswith("[")):
        return _decoded(text.encode(), "application/json")
    if "string" in kinds or not kinds & {"integer", "number"}:
        return text
    return _number(name, text)


def _number(name: str, text: str) -> float:
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        raise Invalid(name, f"Invalid {name}: it must be a number.") from None


def _media_type(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"content-type":
            text: str = value.decode("latin-1")
            return text.partition(";")[0].strip().lower()
    return ""


def _failure(error: Exception) -> Response:
    if isinstance(error, NotAuthenticated):
        return json_response({"detail": error.message}, 401)
    said = words(error)
    body = {"success": False, "detail": f"RemoteException: {said.text}"}
    return failure(body, error, said.status)
