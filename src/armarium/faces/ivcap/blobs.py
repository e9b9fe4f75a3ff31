"""The bytes of an artifact: out with ranges, in by tus, both at the `data-href` of its record.

Three clients end an upload of unknown length in three ways: one says nothing and reads the record, one creates an
upload here with `Upload-Defer-Length` and ends with `Upload-Length`, one does the same without creating anything.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from armarium.core import Core
from armarium.core.archives import Content
from armarium.core.deposits import Deposit
from armarium.core.resumable import Announced, OffsetConflict
from armarium.domain.artifact import Artifact
from armarium.domain.errors import Conflict, Forbidden, NotFound
from armarium.domain.file import ByteRange, FileEntry
from armarium.domain.principal import Action, Principal
from armarium.domain.storage_keys import blob_key
from armarium.domain.upload import Resumable
from armarium.faces.http import tus
from armarium.faces.http.parameters import Call
from armarium.faces.http.rest import Operation
from armarium.faces.http.streaming import SANDBOXED, arrived_chunks, send_content
from armarium.faces.ivcap.mapping import artifact_id_of, artifact_path

MOST_AT_ONCE = 16 * 1024 * 1024
"""The largest content that can be PUT in one piece."""


class BlobOperations:
    """What can be done at a `data-href`."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._prefix = urlsplit(core.links.base_url).path

    def operations(self) -> list[Operation]:
        bytes_ = "application/octet-stream"
        failing = (400, 403, 404, 409, 412, 413)
        reading = (403, 404, 409, 412, 416)
        return [
            _operation("GET", self.read_blob, 200, reading, gives=bytes_, also={206: None, 304: None}),
            _operation("HEAD", self.inspect_blob, 200, reading, also={304: None}),
            _operation("POST", self.begin_upload, 201, failing),
            _operation("PATCH", self.append_to_blob, 204, (*failing, 415), takes=tus.BODY_TYPE),
            _operation("PUT", self.put_blob, 204, failing, takes=bytes_),
            _operation("DELETE", self.end_upload, 204, (403, 404, 412)),
            _operation("OPTIONS", self.describe_uploads, 204, ()),
        ]

    async def read_blob(self, who: Principal, id: str) -> ASGIApp:
        """Send the bytes, whole or a range of them."""
        deposit = await self._core.deposits.find(who, artifact_id_of(id))
        if not deposit.artifact.versions:
            raise Conflict("The artifact is not ready: its content has not arrived yet.")
        content = await self._core.contents.open(who, deposit.artifact.id)
        return partial(self._send, deposit.artifact, content)

    async def inspect_blob(self, who: Principal, id: str, call: Call) -> ASGIApp:
        """Say how far the upload is, or to who does not speak tus, what a GET would send."""
        if call.header("tus-resumable") is None:
            return await self.read_blob(who, id)
        deposit = await self._core.deposits.find(who, artifact_id_of(id))
        if deposit.upload is not None:
            return _empty(200, tus.state_of(await self._core.resumable.find(who, deposit.upload.id)))
        return _empty(200, {**tus.MARK, **await self._complete(deposit), "cache-control": "no-store"})

    async def begin_upload(self, who: Principal, id: str, call: Call) -> Response:
        """Announce the upload; its length may be told later."""
        tus.require_version(call, lenient=True)
        upload = await self._upload(who, id)
        announced = Announced(length=tus.length_of(call), defers=tus.is_deferred(call))
        chunks = arrived_chunks(call.receive)
        await self._core.resumable.append(who, upload.id, chunks, offset=upload.offset, announced=announced)
        location = f"{self._prefix}{artifact_path(upload.artifact_id)}/blob"
        return _empty(201, {**tus.MARK, "location": location, **tus.expiry_of(upload)})

    async def append_to_blob(self, who: Principal, id: str, call: Call) -> Response:
        """Add bytes at an offset."""
        tus.require_version(call, lenient=True)
        tus.require_body_type(call)
        offset, announced = tus.offset_of(call), tus.announced_by(call)
        deposit = await self._core.deposits.of(who, artifact_id_of(id))
        if deposit.upload is None:
            return await self._append_to_complete(deposit, offset, announced)
        upload = await self._core.resumable.append(
            who, deposit.upload.id, arrived_chunks(call.receive), offset=offset, announced=announced
        )
        return _empty(204, {**tus.MARK, "upload-offset": str(upload.offset), **tus.expiry_of(upload)})

    async def put_blob(self, who: Principal, id: str, call: Call) -> Response:
        """Send the content in one piece."""
        upload = await self._upload(who, id)
        size = tus.announced_by(call).size_bytes
        if size is None or size > MOST_AT_ONCE:
            raise tus.TusFailure(413, f"At most {MOST_AT_ONCE} bytes can be sent in one piece.")
        announced = Announced(size_bytes=size, length=size)
        await self._core.resumable.append(who, upload.id, arrived_chunks(call.receive), offset=0, announced=announced)
        return _empty(204)

    async def end_upload(self, who: Principal, id: str, call: Call) -> Response:
        """Give an upload up; what has arrived of it is forgotten."""
        tus.require_version(call, lenient=True)
        upload = await self._upload(who, id)
        await self._core.resumable.drop(who, upload.id)
        return _empty(204, tus.MARK)

    async def describe_uploads(self) -> Response:
        """Say what this server knows of tus."""
        return _empty(204, tus.abilities(self._core.resumable.max_file_bytes))

    async def _upload(self, who: Principal, id: str) -> Resumable:
        """The upload of an artifact that waits for bytes. Raises NotFound, Forbidden."""
        deposit = await self._core.deposits.of(who, artifact_id_of(id))
        if deposit.upload is not None:
            return deposit.upload
        if deposit.artifact.versions:
            raise _sealed()
        raise NotFound("upload", id, "The artifact waits for no upload here.")

    async def _append_to_complete(self, deposit: Deposit, offset: int, announced: Announced) -> Response:
        """Nothing may follow; who did not hear that all was there may ask once more."""
        if not deposit.artifact.versions:
            raise NotFound("upload", deposit.artifact.id, "The artifact waits for no upload here.")
        state = await self._complete(deposit)
        if str(offset) != state["upload-offset"]:
            raise OffsetConflict(int(state["upload-offset"]))
        if announced.size_bytes != 0:
            raise _sealed()
        return _empty(204, {**tus.MARK, "upload-offset": state["upload-offset"]})

    async def _complete(self, deposit: Deposit) -> dict[str, str]:
        content = (await self._core.contents.of([deposit.artifact])).get(deposit.artifact.id)
        if content is None:
            raise NotFound("upload", deposit.artifact.id, "The artifact waits for no upload here.")
        return {"upload-offset": str(content.size_bytes), "upload-length": str(content.size_bytes)}

    async def _send(
        self, artifact: Artifact, content: FileEntry | Content, scope: Scope, receive: Receive, send: Send
    ) -> None:
        open_span: Callable[[ByteRange], AsyncGenerator[bytes, None]]
        if isinstance(content, FileEntry):
            name, etag = content.path, content.sha256 or content.blob_id
            open_span = partial(self._core.blobs.open, blob_key(content.blob_id))
        else:
            name, etag, open_span = content.filename, content.etag, content.open
        await send_content(
            scope,
            receive,
            send,
            open_span,
            size_bytes=content.size_bytes,
            etag=etag,
            modified_at=content.modified_at,
            content_type=content.content_type,
            filename=name,
            extra_headers=SANDBOXED,
        )


def _operation(
    method: str, handler: Callable[..., Awaitable[Any]], status: int, fails: tuple[int, ...], **values: Any
) -> Operation:
    return Operation(
        method=method, path="/1/artifacts/{id}/blob", handler=handler, status=status, fails=fails, **values
    )


def _empty(status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status_code=status, headers=dict(headers or {}))


def _sealed() -> Forbidden:
    return Forbidden(Action.PUT_FILE, "The artifact is complete: its content does not change any more.")
