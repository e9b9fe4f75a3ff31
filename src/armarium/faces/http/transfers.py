"""Where signed URLs lead: bytes out of a blob, bytes into a staged file. The ticket is all the right it takes.

GET HEAD  /-/blobs/{ticket}/{name}
PUT       /-/uploads/{ticket}
PUT       /-/parts/{ticket}
"""

from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from armarium.core import Core
from armarium.core.links import DOWNLOADS, PARTS, UPLOADS
from armarium.core.tickets import Download, PartUpload, Upload
from armarium.domain.file import FileEntry
from armarium.faces.http.errors import Edge, plain_failure
from armarium.faces.http.streaming import request_body, send_file


class Transfers:
    """The data plane's routes, the same for every door."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def routes(self) -> list[BaseRoute]:
        return [
            Route(DOWNLOADS + "{ticket}/{name:path}", Edge(self._send, plain_failure), methods=["GET", "HEAD"]),
            Route(UPLOADS + "{ticket}", Edge(self._receive, plain_failure), methods=["PUT"]),
            Route(PARTS + "{ticket}", Edge(self._receive_part, plain_failure), methods=["PUT"]),
        ]

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        ticket = self._core.tickets.redeem(scope["path_params"]["ticket"], Download, self._core.clock.now())
        entry = FileEntry(
            path=ticket.filename,
            blob_id=ticket.blob_id,
            size_bytes=ticket.size_bytes,
            modified_at=ticket.modified_at,
            content_type=ticket.content_type,
        )
        await send_file(scope, receive, send, self._core.blobs, entry)

    async def _receive(self, scope: Scope, receive: Receive, send: Send) -> None:
        ticket = self._core.tickets.redeem(scope["path_params"]["ticket"], Upload, self._core.clock.now())
        entry = await self._core.files.receive(
            ticket.slot, request_body(scope, receive), size_bytes=ticket.size_bytes, sha256=ticket.sha256
        )
        response = Response(status_code=200, headers={"etag": f'"{entry.blob_id}"'})
        await response(scope, receive, send)

    async def _receive_part(self, scope: Scope, receive: Receive, send: Send) -> None:
        ticket = self._core.tickets.redeem(scope["path_params"]["ticket"], PartUpload, self._core.clock.now())
        part = await self._core.uploads.receive(ticket.upload_id, ticket.part_number, request_body(scope, receive))
        await Response(status_code=200, headers={"etag": f'"{part.etag}"'})(scope, receive, send)
