"""Artifacts as web pages.

GET HEAD  /{workspace}/view/{alias}           the site's index, or a page of ours about the artifact
GET HEAD  /{workspace}/view/{alias}/{path}    a file of the site, rendered if it is named as a template
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from armarium.auth.identify import Identify
from armarium.core import Core
from armarium.core.showcase import Asked, Showcase
from armarium.core.sites import OwnPage, SiteFile
from armarium.domain.errors import ArmariumError
from armarium.domain.identifiers import ArtifactId, is_uuid
from armarium.domain.media import content_type_header
from armarium.domain.principal import Principal
from armarium.domain.storage_keys import blob_key
from armarium.domain.version import Selector
from armarium.faces.http.custom_headers import custom_headers
from armarium.faces.http.pages import Page, wants_page
from armarium.faces.http.streaming import send_blob
from armarium.faces.hypha.mapping import artifact_map
from armarium.faces.hypha.requests import caller, detail_of, failure, flag, query_of, whole_number

Headers = list[tuple[bytes, bytes]]

SITE_HEADERS: Headers = [
    (b"content-security-policy", b"sandbox allow-scripts allow-forms allow-popups allow-modals allow-downloads"),
    (b"referrer-policy", b"no-referrer"),
]
"""A page somebody uploaded runs in an origin of its own, where our cookies are not; its links carry no `?token=`."""

MOST_PAGES = 100_000


Draw = Callable[[Showcase], tuple[str, str]]
"""Turns what is to be shown into a page and its policy."""
DrawRefusal = Callable[[int, str], tuple[str, str]]
"""The same for a status and what a visitor is told."""


class ViewRoutes:
    """The routes of sites. draw, draw_refusal: make the pages of ours."""

    def __init__(self, core: Core, identify: Identify, draw: Draw, draw_refusal: DrawRefusal) -> None:
        self._core = core
        self._identify = identify
        self._draw = draw
        self._draw_refusal = draw_refusal

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/{workspace}/view/{alias}", self, methods=["GET", "HEAD"]),
            Route("/{workspace}/view/{alias}/{path:path}", self, methods=["GET", "HEAD"]),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._show(scope, receive, send)
        except ArmariumError as error:
            await self._refusal(scope, error)(scope, receive, send)

    def _refusal(self, scope: Scope, error: ArmariumError) -> Response:
        """A page for people, the words of the door for programs."""
        told = failure(error)
        if not wants_page(scope):
            return told
        page = Page(*self._draw_refusal(told.status_code, detail_of(error)), status=told.status_code)
        kept = ("retry-after", "www-authenticate")
        page.headers.update({name: told.headers[name] for name in kept if name in told.headers})
        return page

    async def _show(self, scope: Scope, receive: Receive, send: Send) -> None:
        who = await caller(self._identify, scope, token_in_query=True)
        query = query_of(scope)
        version: Selector = query.get("version") or None
        stage = flag(query, "stage")
        page = await self._core.sites.find(
            who, _name(scope), _path(scope), version=version, stage=stage, own_page=flag(query, "builtin")
        )
        if isinstance(page, OwnPage):
            await self._send_own(scope, receive, send, who, page, _asked(query, version, stage=stage))
        elif _lacks_slash(scope):
            await _slash_added(scope)(scope, receive, send)
        elif page.is_template:
            await self._send_rendered(scope, receive, send, who, page)
        else:
            await self._send_file(scope, receive, send, page)

    async def _send_own(
        self, scope: Scope, receive: Receive, send: Send, who: Principal, page: OwnPage, asked: Asked
    ) -> None:
        body, policy = self._draw(await self._core.showcases.collect(who, page.view, asked))
        self._count(scope, page.view.artifact.id)
        await Page(body, policy)(scope, receive, send)

    async def _send_rendered(self, scope: Scope, receive: Receive, send: Send, who: Principal, page: SiteFile) -> None:
        body = await self._core.sites.render(page, self._variables(scope, who, page))
        self._count(scope, page.view.artifact.id)
        response = Response(body)
        kind = content_type_header(page.entry.content_type)
        response.raw_headers += [
            *SITE_HEADERS,
            (b"content-type", kind.encode()),
            (b"x-content-type-options", b"nosniff"),
        ]
        response.raw_headers += custom_headers(page.config.headers)
        await response(scope, receive, send)

    async def _send_file(self, scope: Scope, receive: Receive, send: Send, page: SiteFile) -> None:
        entry = page.entry
        self._count(scope, page.view.artifact.id)
        await send_blob(
            scope,
            receive,
            send,
            self._core.blobs,
            blob_key(entry.blob_id),
            size_bytes=entry.size_bytes,
            etag=entry.blob_id,
            modified_at=entry.modified_at,
            content_type=entry.content_type,
            extra_headers=[*SITE_HEADERS, *custom_headers(page.config.headers)],
        )

    def _count(self, scope: Scope, artifact_id: ArtifactId) -> None:
        if scope["method"] == "GET":
            self._core.sites.count_view(artifact_id)

    def _variables(self, scope: Scope, who: Principal, page: SiteFile) -> dict[str, Any]:
        """What a template knows. Of its visitor no more than who it is: what it knows it can send away."""
        base_url = self._core.links.base_url
        artifact = page.view.artifact
        where, what = quote(artifact.workspace), quote(artifact.alias)
        return {
            "public_base_url": base_url,
            "local_base_url": base_url,
            "view_base_url": f"{base_url}/{where}/view/{what}",
            "artifact_base_url": f"{base_url}/{where}/artifacts/{what}",
            "artifact": artifact_map(page.view),
            "workspace": artifact.workspace,
            "user": {"id": who.effective_id, "is_anonymous": who.is_anonymous},
            "metadata": page.config.metadata or {},
        }


def _name(scope: Scope) -> str:
    alias: str = scope["path_params"]["alias"]
    return alias if is_uuid(alias) else f"{scope['path_params']['workspace']}/{alias}"


def _path(scope: Scope) -> str:
    path: str = scope["path_params"].get("path", "")
    return path


def _asked(query: Mapping[str, str], version: Selector, *, stage: bool) -> Asked:
    return Asked(
        words=query.get("q", "")[:500],
        order=query.get("order") or "newest",
        page=min(max(1, whole_number(query, "page", 1)), MOST_PAGES),
        directory=query.get("dir", ""),
        version=version,
        stage=stage,
    )


def _lacks_slash(scope: Scope) -> bool:
    """Whether a browser opens a site without the slash that relative links in its index need."""
    return "path" not in scope["path_params"] and wants_page(scope)


def _slash_added(scope: Scope) -> Response:
    params, query = scope["path_params"], scope["query_string"].decode("latin-1")
    # Relative, so that it holds behind any proxy; a lone alias would read as a scheme if it held a colon.
    target = f"./{quote(params['alias'])}/" + (f"?{query}" if query else "")
    return RedirectResponse(target, status_code=307, headers={"vary": "Accept"})
