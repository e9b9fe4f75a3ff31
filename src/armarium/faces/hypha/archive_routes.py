"""Zip archives over plain HTTP: an artifact as one, and what is inside one.

GET HEAD  /{workspace}/artifacts/{alias}/create-zip-file           all files, or those named by `file`, as one zip
GET HEAD  /{workspace}/artifacts/{alias}/zip-files/{zip}?path=     a file inside a zip, or a directory of it where
GET HEAD  /{workspace}/artifacts/{alias}/zip-files/{zip}/~/{path}  the path is empty or ends with a slash
"""

import re
from typing import Any
from urllib.parse import parse_qsl

from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from armarium.auth.identify import Identify
from armarium.core import Core
from armarium.core.archives import Content
from armarium.domain.archive import ArchiveFolder, ArchiveMember
from armarium.domain.errors import ArmariumError, Invalid, NotFound, Unsupported
from armarium.domain.media import content_disposition
from armarium.domain.principal import Principal
from armarium.faces.http.errors import Edge
from armarium.faces.http.streaming import SANDBOXED, send_content
from armarium.faces.hypha.errors import words
from armarium.faces.hypha.requests import artifact_name, caller, failure, flag, json_response, query_of, version_of

_TOKEN = re.compile(r"[\w!#$&^.+-]+", re.ASCII)


class ArchiveRoutes:
    """The routes; each handler is a plain ASGI application."""

    def __init__(self, core: Core, identify: Identify) -> None:
        self._core = core
        self._identify = identify

    def routes(self) -> list[BaseRoute]:
        artifact = "/{workspace}/artifacts/{alias}"
        return [
            Route(f"{artifact}/create-zip-file", Edge(self._create, failure), methods=["GET", "HEAD"]),
            Route(f"{artifact}/zip-files/{{zip:path}}", Edge(self._read, archive_failure), methods=["GET", "HEAD"]),
        ]

    async def _create(self, scope: Scope, receive: Receive, send: Send) -> None:
        who = await caller(self._identify, scope, token_in_query=True)
        query = query_of(scope)
        version, stage = version_of(query)
        content = await self._core.archives.create_zip(
            who,
            artifact_name(scope),
            _files(scope),
            version=version,
            stage=stage,
            silent=flag(query, "silent") or scope["method"] == "HEAD",
        )
        disposition = (b"content-disposition", _attachment(content.filename))
        await _send(scope, receive, send, content, (*SANDBOXED, disposition))

    async def _read(self, scope: Scope, receive: Receive, send: Send) -> None:
        who = await caller(self._identify, scope, token_in_query=True)
        zip_path, path = _asked(scope)
        if not path or path.endswith("/"):
            await self._list(scope, receive, send, who, zip_path, path)
            return
        version, stage = version_of(query_of(scope))
        content = await self._core.archives.open_member(
            who, artifact_name(scope), zip_path, path, version=version, stage=stage
        )
        disposition = (b"content-disposition", _quoted_attachment(content.filename))
        await _send(scope, receive, send, content, (*SANDBOXED, disposition))

    async def _list(
        self, scope: Scope, receive: Receive, send: Send, who: Principal, zip_path: str, directory: str
    ) -> None:
        version, stage = version_of(query_of(scope))
        members, folders = await self._core.archives.list_zip(
            who, artifact_name(scope), zip_path, directory, version=version, stage=stage
        )
        listed = [*map(_member_json, members), *map(_folder_json, folders)]
        await json_response(listed)(scope, receive, send)


def archive_failure(error: ArmariumError) -> Response:
    """Tell a failure the way clients of the zip routes expect: a missing zip, a missing member, no zip at all."""
    if isinstance(error, NotFound) and error.kind == "file":
        return _unsuccessful(f"ZIP file not found: {error.id}", 404)
    told = (isinstance(error, NotFound) and error.kind == "member") or isinstance(error, Unsupported)
    if told or (isinstance(error, Invalid) and error.field == "archive"):
        return _unsuccessful(error.message, words(error).status)
    return failure(error)


def _unsuccessful(detail: str, status: int) -> Response:
    return json_response({"success": False, "detail": detail}, status)


async def _send(
    scope: Scope, receive: Receive, send: Send, content: Content, headers: tuple[tuple[bytes, bytes], ...]
) -> None:
    await send_content(
        scope,
        receive,
        send,
        content.open,
        size_bytes=content.size_bytes,
        etag=content.etag,
        modified_at=content.modified_at,
        content_type=content.content_type,
        extra_headers=headers,
    )


def _attachment(filename: str) -> bytes:
    """The name without quotes where that is possible: some clients compare the whole header."""
    if _TOKEN.fullmatch(filename):
        return f"attachment; filename={filename}".encode()
    return _quoted_attachment(filename)


def _quoted_attachment(filename: str) -> bytes:
    return content_disposition(filename, inline=False).encode()


def _files(scope: Scope) -> list[str]:
    pairs = parse_qsl(scope["query_string"].decode("latin-1"))
    return [value for name, value in pairs if name == "file"]


def _asked(scope: Scope) -> tuple[str, str]:
    """The zip and the path in it, which stands behind `/~/` or in the query. Raises Invalid for both."""
    zip_path, tilde, path = f"{scope['path_params']['zip']}/".partition("/~/")
    query_path = query_of(scope).get("path")
    if not tilde:
        return zip_path.removesuffix("/"), query_path or ""
    if query_path is not None:
        raise Invalid("path", "Give the path inside the ZIP file once: behind /~/ or as ?path=.")
    return zip_path, path.removesuffix("/")


def _member_json(member: ArchiveMember) -> dict[str, Any]:
    return {
        "type": "file",
        "name": member.path.rpartition("/")[2],
        "size": member.size_bytes,
        "last_modified": member.modified_at,
    }


def _folder_json(folder: ArchiveFolder) -> dict[str, Any]:
    described: dict[str, Any] = {"type": "directory", "name": folder.path.rstrip("/").rpartition("/")[2]}
    if folder.modified_at is not None:
        described |= {"size": None, "last_modified": folder.modified_at}
    return described
