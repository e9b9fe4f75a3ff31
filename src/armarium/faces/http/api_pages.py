"""The published description of each REST door, and a page to try it by hand.

GET /openapi/{door}.json    the OpenAPI document
GET /docs/{door}            a page made from it, served whole from here
"""

import functools
from collections.abc import Mapping
from importlib import resources

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from armarium.faces.http.openapi import About, document
from armarium.faces.http.rest import RestDoor

_POLICY = "default-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; frame-ancestors 'none'"


class ApiPages:
    """doors: name -> the door and what is said of it."""

    def __init__(self, doors: Mapping[str, tuple[RestDoor, About]]) -> None:
        self._doors = doors
        self._described: dict[str, bytes] = {}

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/openapi/{door}.json", self._document, methods=["GET"]),
            Route("/docs/{door}", self._page, methods=["GET"]),
        ]

    async def _document(self, request: Request) -> Response:
        name = request.path_params["door"]
        if name not in self._doors:
            return _missing()
        if name not in self._described:
            self._described[name] = msgspec.json.encode(document(*self._doors[name]))
        return Response(self._described[name], media_type="application/json")

    async def _page(self, request: Request) -> Response:
        name = request.path_params["door"]
        if name not in self._doors:
            return _missing()
        headers = {"content-security-policy": _POLICY, "x-content-type-options": "nosniff"}
        return Response(_template().replace("{{door}}", name), media_type="text/html", headers=headers)


def _missing() -> Response:
    return Response(b'{"detail":"Not Found"}', status_code=404, media_type="application/json")


@functools.cache
def _template() -> str:
    return resources.files("armarium.faces.http").joinpath("api_page.html").read_text(encoding="utf-8")
