"""Artifacts over plain HTTP: manifests, listings, files.

GET       /{workspace}/artifacts/                         root artifacts of a workspace
GET       /{workspace}/artifacts/-/search                 all artifacts of a workspace
GET       /{workspace}/artifacts/{alias}                  one artifact
GET       /{workspace}/artifacts/{alias}/children         what is in a collection
GET HEAD  /{workspace}/artifacts/{alias}/files/{path}     a file, or a directory where the path ends with a slash
PUT       /{workspace}/artifacts/{alias}/files/{path}     upload into the draft
"""

from collections.abc import Mapping

import msgspec
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from armarium.auth.identify import Identify
from armarium.core import Core
from armarium.domain.errors import Invalid, NotFound
from armarium.domain.principal import Principal
from armarium.faces.http.errors import Edge
from armarium.faces.http.streaming import body_chunks, send_file
from armarium.faces.hypha.listing import Asked, answer_listing
from armarium.faces.hypha.mapping import artifact_json, directory_list
from armarium.faces.hypha.requests import (
    artifact_name,
    caller,
    failure,
    flag,
    json_response,
    json_value,
    query_of,
    send_json,
    version_of,
    whole_number,
)

_encode = msgspec.json.encode


class ArtifactRoutes:
    """The routes; each handler is a plain ASGI application, since manifests and files are the hot paths."""

    def __init__(self, core: Core, identify: Identify) -> None:
        self._core = core
        self._identify = identify

    def routes(self) -> list[BaseRoute]:
        return [  # the hottest first: routes are tried in this order
            Route("/{workspace}/artifacts/{alias}", Edge(self._manifest, failure), methods=["GET"]),
            Route("/{workspace}/artifacts/", Edge(self._roots, failure), methods=["GET"]),
            Route("/{workspace}/artifacts/-/search", Edge(self._search, failure), methods=["GET"]),
            Route("/{workspace}/artifacts/{alias}/children", Edge(self._children, failure), methods=["GET"]),
            Route(
                "/{workspace}/artifacts/{alias}/files/{path:path}",
                Edge(self._read_files, failure),
                methods=["GET", "HEAD"],
            ),
            Route("/{workspace}/artifacts/{alias}/files/{path:path}", Edge(self._put_file, failure), methods=["PUT"]),
        ]

    async def _manifest(self, scope: Scope, receive: Receive, send: Send) -> None:
        who = await caller(self._identify, scope)
        query = query_of(scope)
        view = await self._core.artifacts.read(
            who,
            artifact_name(scope),
            version=query.get("version"),
            stage=flag(query, "stage"),
            silent=flag(query, "silent"),
        )
        await send_json(send, _encode(artifact_json(view)))

    async def _children(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._answer(scope, receive, send, parent=artifact_name(scope))

    async def _roots(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._answer(scope, receive, send, roots_only=True)

    async def _search(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._answer(scope, receive, send)

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, *, parent: str | None = None, roots_only: bool = False
    ) -> None:
        who = await caller(self._identify, scope)
        listed = await answer_listing(
            self._core,
            who,
            parent,
            _asked(query_of(scope)),
            describe=artifact_json,
            workspace=scope["path_params"]["workspace"],
            roots_only=roots_only,
        )
        await send_json(send, _encode(listed))

    async def _read_files(self, scope: Scope, receive: Receive, send: Send) -> None:
        who = await caller(self._identify, scope, token_in_query=True)
        query = query_of(scope)
        version, stage = version_of(query)
        path: str = scope["path_params"]["path"]
        if not path or path.endswith("/"):
            await self._send_directory(scope, receive, send, who, path, query)
            return
        download = (await self._core.files.find(who, artifact_name(scope), [path], version=version, stage=stage))[0]
        if not flag(query, "silent") and scope["method"] == "GET":
            self._core.files.count_downloads(download.artifact, [download.entry.path])
        await send_file(scope, receive, send, self._core.blobs, download.entry)

    async def _send_directory(
        self, scope: Scope, receive: Receive, send: Send, who: Principal, path: str, query: Mapping[str, str]
    ) -> None:
        version, stage = version_of(query)
        offset, limit = whole_number(query, "offset", 0), whole_number(query, "limit", 1000)
        directory = await self._core.files.list(
            who, artifact_name(scope), path, version=version, stage=stage, limit=offset + limit if limit else None
        )
        if path.strip("/") and not (directory.files or directory.subdirectories):
            raise NotFound("file", path, "File or directory not found")
        await json_response(directory_list(directory, offset=offset, limit=limit or None))(scope, receive, send)

    async def _put_file(self, scope: Scope, receive: Receive, send: Send) -> None:
        who = await caller(self._identify, scope, token_in_query=True)
        query = query_of(scope)
        weight = _weight(query)
        staged = await self._core.files.stage(
            who, artifact_name(scope), [scope["path_params"]["path"]], weights=[weight]
        )
        entry = await self._core.files.receive(staged[0].slot, body_chunks(receive))
        response = json_response({"success": True, "message": "File uploaded successfully"})
        response.headers["etag"] = f'"{entry.blob_id}"'
        await response(scope, receive, send)


def _weight(query: Mapping[str, str]) -> float:
    try:
        return float(query.get("download_weight") or 0)
    except ValueError:
        raise Invalid("download_weight", "Download weight must be a non-negative number.") from None


def _asked(query: Mapping[str, str]) -> Asked:
    stage = query.get("stage", "false").lower()
    return Asked(
        keywords=[word.strip() for word in query["keywords"].split(",")] if query.get("keywords") else None,
        filters=json_value(query, "filters"),
        mode=query.get("mode", "AND"),
        offset=whole_number(query, "offset", 0),
        limit=whole_number(query, "limit", 100),
        order_by=query.get("order_by"),
        stage="all" if stage == "all" else stage == "true",
        pagination=flag(query, "pagination"),
        silent=flag(query, "silent"),
    )
