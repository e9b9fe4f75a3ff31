"""Uploads into a draft over plain HTTP, in one piece or in parts.

PUT   /{workspace}/artifacts/{alias}/files/{path}               the bytes of one file
POST  /{workspace}/artifacts/{alias}/create-multipart-upload    URLs for the parts of a large one
POST  /{workspace}/artifacts/{alias}/complete-multipart-upload  join the parts
"""

from collections.abc import Mapping

import msgspec
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from armarium.auth.identify import Identify
from armarium.core import Core
from armarium.domain.errors import Invalid
from armarium.faces.http.errors import Edge
from armarium.faces.http.streaming import read_body, request_body
from armarium.faces.hypha.arguments import lifetime_of
from armarium.faces.hypha.requests import (
    BadParameter,
    artifact_name,
    caller,
    failure,
    json_response,
    query_of,
)
from armarium.faces.hypha.schemas import Completion

_MOST_DIGITS = 18


class UploadRoutes:
    """The routes that take bytes, or say where bytes go."""

    def __init__(self, core: Core, identify: Identify, *, max_body_bytes: int) -> None:
        self._core = core
        self._identify = identify
        self._max_body_bytes = max_body_bytes

    def routes(self) -> list[BaseRoute]:
        artifact = "/{workspace}/artifacts/{alias}"
        return [
            Route(artifact + "/files/{path:path}", Edge(self._put_file, failure), methods=["PUT"]),
            Route(artifact + "/create-multipart-upload", Edge(self._begin, failure), methods=["POST"]),
            Route(artifact + "/complete-multipart-upload", Edge(self._complete, failure), methods=["POST"]),
        ]

    async def _put_file(self, scope: Scope, receive: Receive, send: Send) -> None:
        who = await caller(self._identify, scope, token_in_query=True)
        weight = _number(query_of(scope), "download_weight", 0.0)
        path: str = scope["path_params"]["path"]
        staged = await self._core.files.stage(who, artifact_name(scope), [path], weights=[weight])
        entry = await self._core.files.receive(staged[0].slot, request_body(scope, receive))
        response = json_response({"success": True, "message": "File uploaded successfully"})
        response.headers["etag"] = f'"{entry.blob_id}"'
        await response(scope, receive, send)

    async def _begin(self, scope: Scope, receive: Receive, send: Send) -> None:
        who = await caller(self._identify, scope)
        query = query_of(scope)
        if "path" not in query:
            raise BadParameter("query", "path", "path is required.")
        begun = await self._core.uploads.begin(
            who,
            artifact_name(scope),
            query["path"],
            part_count=_part_count(query),
            weight=_number(query, "download_weight", 0.0),
            expires_in=lifetime_of(_number(query, "expires_in", 3600.0)),
            direct=query.get("use_proxy", "").lower() not in ("1", "true"),
        )
        parts = [{"part_number": number, "url": url} for number, url in enumerate(begun.part_urls, start=1)]
        await json_response({"upload_id": begun.upload_id, "parts": parts})(scope, receive, send)

    async def _complete(self, scope: Scope, receive: Receive, send: Send) -> None:
        who = await caller(self._identify, scope)
        asked = _completion(await read_body(receive, self._max_body_bytes))
        etags = {part.part_number: part.etag for part in asked.parts}
        entry = await self._core.uploads.complete(who, artifact_name(scope), asked.upload_id, etags)
        answer = {"success": True, "message": f"Upload of '{entry.path}' completed."}
        await json_response(answer)(scope, receive, send)


def _part_count(query: Mapping[str, str]) -> int:
    text = query.get("part_count", "")
    if not (text.isascii() and text.isdigit() and text.strip("0")):
        raise BadParameter("query", "part_count", "part_count must be a whole number greater than 0.")
    return int(text[:_MOST_DIGITS])


def _number(query: Mapping[str, str], name: str, default: float) -> float:
    try:
        return float(query.get(name) or default)
    except ValueError:
        raise Invalid(name, f"Invalid {name}: it must be a non-negative number.") from None


def _completion(body: bytes) -> Completion:
    try:
        return msgspec.json.decode(body, type=Completion)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadParameter("body", "parts", f"The body must hold upload_id and parts: {error}") from None
