"""Artifacts: made by headers, read as records, listed."""

import base64
import binascii

from armarium.core import Core
from armarium.core.deposits import Deposit
from armarium.core.resumable import Announced
from armarium.domain.errors import Invalid
from armarium.domain.principal import Principal
from armarium.faces.http import tus
from armarium.faces.http.parameters import Call
from armarium.faces.http.rest import Answer, Operation
from armarium.faces.http.streaming import arrived_chunks
from armarium.faces.ivcap.artifact_lists import ArtifactLists
from armarium.faces.ivcap.errors import BadRequest
from armarium.faces.ivcap.mapping import artifact_id_of, artifact_path, artifact_record
from armarium.faces.ivcap.schemas import ArtifactList, ArtifactQuery, ArtifactRecord

_UNKNOWN = "-1"
_LONGEST_NAME = 1024


class ArtifactOperations:
    """What can be asked of artifacts."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._lists = ArtifactLists(core)

    def operations(self) -> list[Operation]:
        return [
            Operation(
                method="POST",
                path="/1/artifacts",
                handler=self.upload_artifact,
                status=201,
                fails=(400, 403, 412, 413),
                takes="application/octet-stream",
                creates=True,
            ),
            Operation(method="GET", path="/1/artifacts", handler=self.list_artifacts, fails=(403, 422)),
            Operation(method="GET", path="/1/artifacts/{id}", handler=self.read_artifact, fails=(403, 404)),
        ]

    async def upload_artifact(self, who: Principal, call: Call) -> Answer[ArtifactRecord]:
        """Make an artifact that waits for its bytes, or takes them from the body.

        `X-Content-Type` is the type, `X-Content-Length` the size (-1 where it is unknown), `X-Name` the name in base64,
        `X-Collection` and `X-Policy` are URNs.
        """
        tus.require_version(call, lenient=True)
        length, has_body = _length(call), tus.has_body(call)
        kind = call.header("x-content-type") or (call.header("content-type") if has_body else None)
        try:
            deposit = await self._core.deposits.create(
                who,
                name=_name(call.header("x-name")),
                content_type=kind or "application/octet-stream",
                length=length,
                defers=tus.is_deferred(call),
                policy=call.header("x-policy") or None,
                collection=call.header("x-collection") or None,
                metadata=call.header("upload-metadata") or "",
                id=call.resource_id,
            )
        except Invalid as error:
            raise BadRequest(error.field, error.reason) from None
        offset = deposit.upload.offset if deposit.upload else 0
        if has_body and deposit.upload is not None:
            announced = Announced(size_bytes=tus.announced_by(call).size_bytes)
            chunks = arrived_chunks(call.receive)
            upload = await self._core.resumable.append(who, deposit.upload.id, chunks, offset=0, announced=announced)
            offset = upload.offset
            deposit = await self._core.deposits.find(who, deposit.artifact.id)
        headers = {"location": artifact_path(deposit.artifact.id), "upload-offset": str(offset), **tus.MARK}
        return Answer(await self._record(deposit), headers=headers)

    async def read_artifact(self, who: Principal, id: str) -> ArtifactRecord:
        """Describe an artifact and how far it has come."""
        return await self._record(await self._core.deposits.find(who, artifact_id_of(id)))

    async def list_artifacts(self, who: Principal, query: ArtifactQuery) -> ArtifactList:
        """List the artifacts of the account."""
        return await self._lists.page(who, query)

    async def _record(self, deposit: Deposit) -> ArtifactRecord:
        contents = await self._core.contents.of([deposit.artifact])
        content = contents.get(deposit.artifact.id)
        return artifact_record(deposit.artifact, content, deposit.upload, self._core.links.base_url)


def _length(call: Call) -> int | None:
    """The size that was announced, None where the client does not know it."""
    text = call.header("x-content-length")
    if text == _UNKNOWN:
        return None
    if text is None:
        return tus.length_of(call)
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadRequest("X-Content-Length", "The header X-Content-Length is no whole number.")
    return int(text)


def _name(header: str | None) -> str | None:
    """A name is sent in base64, always: a plain one might be base64 by accident."""
    if not header:
        return None
    try:
        name = base64.b64decode(header, validate=True).decode()
    except (binascii.Error, ValueError):
        raise BadRequest("X-Name", "The header X-Name must be the name in base64 of UTF-8.") from None
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise BadRequest("X-Name", f"A name has at most {_LONGEST_NAME} characters, all of them printable.")
    return name
