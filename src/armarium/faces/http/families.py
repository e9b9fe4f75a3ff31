"""Routes by family, so that a request tries those it may mean and no others.

A family is what stands literally at the start of a path, or behind its first parameter:

    /health  /ws  /rpc  /-/blobs/...                the first segment
    /{workspace}/artifacts/...  /{workspace}/view/...  /{workspace}/services/...     the second
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from starlette.routing import BaseRoute, Route, Router, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

Lifespan = Callable[[Any], AbstractAsyncContextManager[None]]


class Families:
    """An ASGI application over routes; within a family the order of the routes counts."""

    def __init__(self, routes: Sequence[BaseRoute], *, default: ASGIApp, lifespan: Lifespan) -> None:
        self.routes = list(routes)
        self._default = default
        self._main = Router(lifespan=lifespan)
        self.lifespan_context = self._main.lifespan_context
        self._by_first = self._grouped(1)
        self._by_second = self._grouped(2)

    def _grouped(self, position: int) -> dict[str, ASGIApp]:
        groups: dict[str, list[BaseRoute]] = {}
        for route in self.routes:
            place, segment = _family(route)
            if place == position:
                groups.setdefault(segment, []).append(route)
        return {
            segment: Router(group, default=self._default, redirect_slashes=False) for segment, group in groups.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._main(scope, receive, send)
            return
        if scope["path"].startswith("//"):  # a base URL that ends in a slash, joined by plain addition
            scope = {**scope, "path": "/" + scope["path"].lstrip("/")}
        parts = scope["path"].split("/", 3)
        family = self._by_first.get(parts[1]) if len(parts) > 1 else None
        if family is None and len(parts) > 2:
            family = self._by_second.get(parts[2])
        await (family or self._default)(scope, receive, send)


def _family(route: BaseRoute) -> tuple[int, str]:
    """The first literal segment of a route's path, and whether it is the first or the second."""
    if not isinstance(route, Route | WebSocketRoute):
        raise TypeError(f"{route} has no path to sort it by")
    parts = route.path.split("/")
    position = 1 if "{" not in parts[1] else 2
    return position, parts[position]
