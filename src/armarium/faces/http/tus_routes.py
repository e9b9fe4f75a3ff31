"""Resumable uploads into a draft, for every client that speaks tus 1.0.0 and whatever door the draft was opened by.

POST               /-/tus          begins an upload; `Upload-Metadata` names `artifact` and `path`
HEAD PATCH DELETE  /-/tus/{id}     how far it is; more bytes; give it up
OPTIONS            either          what this server knows of tus
"""

from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import Scope

from armarium.auth.bearer import credential
from armarium.auth.identify import Identify
from armarium.core import Core
from armarium.core.arriving import ChecksumMismatch
from armarium.core.resumable import OffsetConflict
from armarium.domain.errors import ArmariumError
from armarium.domain.principal import Principal
from armarium.domain.upload import Ending, Resumable
from armarium.faces.http import tus
from armarium.faces.http.errors import failure, status_of
from armarium.faces.http.parameters import Call
from armarium.faces.http.rest import Operation, RestDoor
from armarium.faces.http.streaming import arrived_chunks

UPLOADS = "/-/tus"
CHECKSUM_MISMATCH = 460
"""Not a status of HTTP; the protocol says so."""


class TusRoutes:
    """The routes; who may put a file into a draft may upload it here."""

    def __init__(self, core: Core, identify: Identify) -> None:
        self._uploads = core.resumable
        self._identify = identify
        self._base_url = core.links.base_url

    def routes(self) -> list[BaseRoute]:
        upload = UPLOADS + "/{id}"
        operations = [
            Operation(method="POST", path=UPLOADS, handler=self.begin, status=201),
            Operation(method="OPTIONS", path=UPLOADS, handler=self.describe, status=204),
            Operation(method="HEAD", path=upload, handler=self.inspect),
            Operation(method="PATCH", path=upload, handler=self.append, status=204),
            Operation(method="DELETE", path=upload, handler=self.end, status=204),
            Operation(method="OPTIONS", path=upload, handler=self.describe, status=204),
        ]
        return RestDoor(operations, caller=self._caller, tell=tell, max_body_bytes=0).routes()

    async def _caller(self, scope: Scope) -> Principal:
        return await self._identify(credential(scope["headers"], allow_cookie=False))

    async def begin(self, who: Principal, call: Call) -> Response:
        tus.require_version(call)
        length, metadata = tus.length_of(call), call.header("upload-metadata") or ""
        if not tus.is_deferred(call) and length is None:
            raise tus.TusFailure(400, "Send Upload-Length, or Upload-Defer-Length: 1.")
        named = tus.metadata_of(metadata)
        for key in ("artifact", "path"):
            if not named.get(key):
                raise tus.TusFailure(400, f"The header Upload-Metadata must name '{key}'.")
        upload = await self._uploads.begin(
            who,
            named["artifact"],
            named["path"],
            ending=Ending.DECLARED if length is not None else Ending.DEFERRED,
            length=length,
            content_type=named.get("filetype") or named.get("type"),
            metadata=metadata,
        )
        if tus.has_body(call):
            tus.require_body_type(call)
            upload = await self._add(who, upload.id, call, offset=0)
        headers = {"location": f"{self._base_url}{UPLOADS}/{upload.id}", "upload-offset": str(upload.offset)}
        return _empty(201, headers | tus.expiry_of(upload))

    async def inspect(self, who: Principal, id: str, call: Call) -> Response:
        tus.require_version(call)
        return _empty(200, tus.state_of(await self._uploads.find(who, id)))

    async def append(self, who: Principal, id: str, call: Call) -> Response:
        tus.require_version(call)
        tus.require_body_type(call)
        upload = await self._add(who, id, call, offset=tus.offset_of(call))
        return _empty(204, {"upload-offset": str(upload.offset)} | tus.expiry_of(upload))

    async def end(self, who: Principal, id: str, call: Call) -> Response:
        tus.require_version(call)
        await self._uploads.drop(who, id)
        return _empty(204)

    async def describe(self) -> Response:
        return _empty(204, tus.abilities(self._uploads.max_file_bytes))

    async def _add(self, who: Principal, id: str, call: Call, *, offset: int) -> Resumable:
        chunks = arrived_chunks(call.receive)
        return await self._uploads.append(who, id, chunks, offset=offset, announced=tus.announced_by(call))


def tell(error: ArmariumError) -> Response:
    """Tell a failure as `{"detail": ...}`, with the statuses and headers of the protocol."""
    if isinstance(error, tus.TusFailure):
        return _failed(error, error.status, error.headers)
    if isinstance(error, OffsetConflict):
        return _failed(error, 409, {"upload-offset": str(error.offset)})
    if isinstance(error, ChecksumMismatch):
        return _failed(error, CHECKSUM_MISMATCH)
    return _failed(error, status_of(error))


def _failed(error: ArmariumError, status: int, headers: dict[str, str] | None = None) -> Response:
    response = failure({"detail": error.message}, error, status)
    response.headers.update({**tus.MARK, **(headers or {})})
    return response


def _empty(status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(status_code=status, headers={**tus.MARK, **(headers or {})})
