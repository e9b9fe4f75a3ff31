"""What an operator's tools ask: is it alive, can it work, how much does it do.

GET /          name, version and doors; a page of that for browsers
GET /health    the process answers
GET /ready     the catalog answers too
GET /metrics   numbers for Prometheus
"""

from collections.abc import Callable, Mapping
from contextlib import suppress

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from armarium.core import Core
from armarium.domain.errors import ArmariumError
from armarium.faces.http.errors import plain_failure
from armarium.faces.http.metrics import CONTENT_TYPE, Metrics
from armarium.faces.http.pages import Page, wants_page


class Operations:
    """The routes that belong to no door. doors: what a client of each is given as its address."""

    def __init__(
        self,
        core: Core,
        version: str,
        ended_jobs: Mapping[tuple[str, str], int],
        doors: Mapping[str, str],
        draw_welcome: Callable[[str, Mapping[str, str]], tuple[str, str]],
    ) -> None:
        self._core = core
        self._version = version
        self._doors = doors
        self._draw_welcome = draw_welcome
        self.metrics = Metrics(ended_jobs)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/", self._root, methods=["GET"]),
            Route("/health", self._health, methods=["GET"]),
            Route("/ready", self._ready, methods=["GET"]),
            Route("/metrics", self._expose, methods=["GET"]),
        ]

    async def _root(self, request: Request) -> Response:
        if wants_page(request.scope):
            return Page(*self._draw_welcome(self._version, self._doors))
        response = _json({"name": "armarium", "version": self._version, "doors": self._doors})
        response.headers["vary"] = "Accept"
        return response

    async def _health(self, request: Request) -> Response:
        return _json({"status": "ok"})

    async def _ready(self, request: Request) -> Response:
        try:
            await self._core.catalog.find_workspace("public")
        except ArmariumError as error:
            return plain_failure(error)
        return _json({"status": "ready"})

    async def _expose(self, request: Request) -> Response:
        with suppress(ArmariumError):
            self.metrics.open_jobs = {
                status.value: count for status, count in (await self._core.catalog.count_open_jobs()).items()
            }
        return Response(self.metrics.exposition(), media_type=CONTENT_TYPE)


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")


async def not_found(scope: Scope, receive: Receive, send: Send) -> None:
    """What no route knows."""
    if scope["type"] == "http":
        await Response(b'{"detail":"Not Found"}', status_code=404, media_type="application/json")(scope, receive, send)
    else:
        await WebSocketClose()(scope, receive, send)
