"""Where the signed URLs of this door lead that no other door has; the ticket is all the right it takes.

POST      /-/multipart/{ticket}?uploads   begin an upload in parts, answered as object stores do
POST      /-/multipart/{ticket}           join the parts that the XML in the body names
DELETE    /-/removals/{ticket}            let go of the content of an artifact marked for deletion
GET HEAD  /-/zips/{ticket}/{name}         all files of an artifact as a zip
PUT GET HEAD DELETE  /-/probes/{ticket}   try the store with one small object
"""

from xml.etree import ElementTree as ET

from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from armarium.core import Core
from armarium.core.links import MULTIPART, PROBES, REMOVALS, ZIPS
from armarium.core.tickets import PartsEnd, PartsStart, Probe, Removal, ZipDownload
from armarium.domain.errors import Forbidden, Invalid, NotFound
from armarium.domain.file import FileEntry
from armarium.domain.media import content_disposition
from armarium.domain.storage_keys import blob_key
from armarium.faces.http.errors import Edge, plain_failure
from armarium.faces.http.streaming import (
    SANDBOXED,
    body_chunks,
    read_body,
    send_content,
    send_file,
)

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_MOST_PROBED_BYTES = 64 * 1024
_OCTETS = "application/octet-stream"


class Storage:
    """The routes of signed URLs."""

    def __init__(self, core: Core, *, max_body_bytes: int) -> None:
        self._core = core
        self._max_body_bytes = max_body_bytes

    def routes(self) -> list[BaseRoute]:
        probed = ["PUT", "GET", "HEAD", "DELETE"]
        return [
            Route(MULTIPART + "{ticket}", Edge(self._multipart, plain_failure), methods=["POST"]),
            Route(REMOVALS + "{ticket}", Edge(self._release, plain_failure), methods=["DELETE"]),
            Route(ZIPS + "{ticket}/{name:path}", Edge(self._send_zip, plain_failure), methods=["GET", "HEAD"]),
            Route(PROBES + "{ticket}", Edge(self._probe, plain_failure), methods=probed),
        ]

    async def _multipart(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["query_string"].startswith(b"uploads"):
            response = await self._begin(_ticket(scope))
        else:
            response = await self._join(_ticket(scope), receive)
        await response(scope, receive, send)

    async def _begin(self, text: str) -> Response:
        ticket = self._core.tickets.redeem(text, PartsStart, self._core.clock.now())
        upload_id = await self._core.deliveries.begin_parts(ticket.slot, ticket.part_count)
        return _xml("InitiateMultipartUploadResult", UploadId=upload_id)

    async def _join(self, text: str, receive: Receive) -> Response:
        ticket = self._core.tickets.redeem(text, PartsEnd, self._core.clock.now())
        parts = _named_parts(await read_body(receive, self._max_body_bytes))
        entry = await self._core.uploads.finish(ticket.upload_id, parts)
        return _xml("CompleteMultipartUploadResult", ETag=f'"{entry.blob_id}"')

    async def _release(self, scope: Scope, receive: Receive, send: Send) -> None:
        ticket = self._core.tickets.redeem(_ticket(scope), Removal, self._core.clock.now())
        await self._core.deliveries.release(ticket.artifact_id)
        await Response(status_code=204)(scope, receive, send)

    async def _send_zip(self, scope: Scope, receive: Receive, send: Send) -> None:
        ticket = self._core.tickets.redeem(_ticket(scope), ZipDownload, self._core.clock.now())
        content = await self._core.contents.zip_by_ticket(ticket.artifact_id)
        disposition = (b"content-disposition", content_disposition(content.filename, inline=False).encode())
        await send_content(
            scope,
            receive,
            send,
            content.open,
            size_bytes=content.size_bytes,
            etag=content.etag,
            modified_at=content.modified_at,
            content_type=content.content_type,
            extra_headers=(*SANDBOXED, disposition),
        )

    async def _probe(self, scope: Scope, receive: Receive, send: Send) -> None:
        ticket = self._core.tickets.redeem(_ticket(scope), Probe, self._core.clock.now())
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        if ticket.method != method:
            raise Forbidden("probe", "This link is good for something else.")
        if method == "GET":
            await self._send_probe(ticket, scope, receive, send)
            return
        key = blob_key(ticket.blob_id)
        if method == "PUT":
            await self._core.blobs.put(key, body_chunks(receive), limit_bytes=_MOST_PROBED_BYTES)
        else:
            await self._core.blobs.delete(key)
        await Response(status_code=200 if method == "PUT" else 204)(scope, receive, send)

    async def _send_probe(self, ticket: Probe, scope: Scope, receive: Receive, send: Send) -> None:
        stat = await self._core.blobs.stat(blob_key(ticket.blob_id))
        if stat is None:
            raise NotFound("blob", ticket.blob_id, "Nothing was uploaded here yet.")
        entry = FileEntry(
            path="test_file",
            blob_id=ticket.blob_id,
            size_bytes=stat.size_bytes,
            modified_at=stat.modified_at,
            content_type=_OCTETS,
        )
        await send_file(scope, receive, send, self._core.blobs, entry)


def _ticket(scope: Scope) -> str:
    text: str = scope["path_params"]["ticket"]
    return text


def _named_parts(body: bytes) -> dict[int, str]:
    """Part number -> ETag, from `CompleteMultipartUpload` with or without a namespace. Raises Invalid."""
    try:
        if b"<!" in body:
            raise ValueError("it declares entities")
        root = ET.fromstring(body.strip())  # noqa: S314 - nothing is declared in it
        return {int(_text(part, "PartNumber")): _text(part, "ETag").strip('"') for part in root.iterfind("{*}Part")}
    except (ValueError, ET.ParseError) as error:
        raise Invalid("parts", f"The list of parts cannot be read: {error}.") from None


def _text(part: ET.Element, name: str) -> str:
    found = part.findtext(f"{{*}}{name}")
    if found is None:
        raise ValueError(f"a part has no {name}")
    return found.strip()


def _xml(name: str, **values: str) -> Response:
    root = ET.Element(name, xmlns=_NAMESPACE)
    for key, value in values.items():
        ET.SubElement(root, key).text = value
    return Response(ET.tostring(root, encoding="utf-8", xml_declaration=True), media_type="application/xml")
