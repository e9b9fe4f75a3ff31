"""Artifacts over plain HTTP: manifests, listings, files. Each route answers GET and HEAD.

/{workspace}/artifacts/                         root artifacts of a workspace
/{workspace}/artifacts/-/search                 all artifacts of a workspace
/{workspace}/artifacts/{alias}                  one artifact
/{workspace}/artifacts/{alias}/children         what is in a collection
/{workspace}/artifacts/{alias}/files/{path}     a file, or a directory where the path ends with a slash
"""

from collections.abc import Mapping

import msgspec
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from armarium.auth.identify import Identify
from armarium.core import Core
from armarium.domain.errors import ArmariumError, NotFound
from armarium.domain.principal import Principal
from armarium.faces.http.errors import Edge
from armarium.faces.http.streaming import send_file
from armarium.faces.hypha.asked import Asked
from armarium.faces.hypha.listing import answer_listing
from armarium.faces.hypha.listing_cache import ListingCache, key_of
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

    def __init__(self, core: Core, identify: Identify, *, cache: ListingCache) -> None:
        self._core = core
        self._identify = identify
        self._cache = cache

    def routes(self) -> list[BaseRoute]:
        return [  # the hottest first: routes are tried in this order
            Route("/{workspace}/artifacts/{alias}", Edge(self._manifest, failure), methods=["GET"]),
            Route("/{workspace}/artifacts/{alias}/files/{path:path}", Edge(self._files, failure), methods=["GET"]),
            Route("/{workspace}/artifacts/{alias}/files", Edge(self._all_files, failure), methods=["GET"]),
            Route("/{workspace}/artifacts/", Edge(self._roots, failure), methods=["GET"]),
            Route("/{workspace}/artifacts", Edge(self._roots, failure), methods=["GET"]),
            Route("/{workspace}/artifacts/-/search", Edge(self._search, failure), methods=["GET"]),
            Route("/{workspace}/artifacts/{alias}/children", Edge(self._children, children_failure), methods=["GET"]),
        ]

    async def _manifest(self, scope: Scope, receive: Receive, send: Send) -> None:
        who = await caller(self._identify, scope)
        query = query_of(scope)
        version, stage = version_of(query)
        view = await self._core.artifacts.read(
            who, artifact_name(scope), version=version, stage=stage, silent=_is_silent(scope, query)
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
        query = query_of(scope)
        key = key_of(who, scope["path"], query)
        body = None if flag(query, "no_cache") else self._cache.find(key)
        if body is None:
            listed = await answer_listing(
                self._core,
                who,
                parent,
                _asked(query, silent=_is_silent(scope, query)),
                describe=artifact_json,
                workspace=scope["path_params"]["workspace"],
                roots_only=roots_only,
            )
            body = _encode(listed)
            if listed["items"] if isinstance(listed, dict) else listed:
                self._cache.keep(key, body)
        await send_json(send, body)

    async def _all_files(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["path_params"]["path"] = ""
        await self._files(scope, receive, send)

    async def _files(self, scope: Scope, receive: Receive, send: Send) -> None:
        who = await caller(self._identify, scope, token_in_query=True)
        query = query_of(scope)
        version, stage = version_of(query)
        path: str = scope["path_params"]["path"]
        if not path or path.endswith("/"):
            await self._send_directory(scope, receive, send, who, path, query)
            return
        download = (await self._core.files.find(who, artifact_name(scope), [path], version=version, stage=stage))[0]
        if not _is_silent(scope, query):
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


def _is_silent(scope: Scope, query: Mapping[str, str]) -> bool:
    """Whether to count nothing: a HEAD has seen nothing."""
    return flag(query, "silent") or scope["method"] == "HEAD"


def children_failure(error: ArmariumError) -> Response:
    """Tell a failure as `failure` does; what is missing is the parent."""
    if isinstance(error, NotFound) and error.kind == "artifact":
        return json_response({"detail": "Parent artifact not found"}, 404)
    return failure(error)


def _asked(query: Mapping[str, str], *, silent: bool) -> Asked:
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
        silent=silent,
        facets=query["facets"].split(",") if query.get("facets") else None,
        explain=flag(query, "explain"),
        query=query.get("query"),
        cursor=query.get("cursor") or None,
    )
