"""Multipart uploads of S3, as the store itself has them: begun under a key, filled by parts, completed or aborted."""

import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from armarium.adapters.blobs.object_store import plain_etag, store_unavailable
from armarium.adapters.blobs.s3_bucket import S3Bucket
from armarium.adapters.blobs.s3_requests import Answer, S3Requests, children, text_in
from armarium.domain.errors import AlreadyExists, Invalid, NotFound
from armarium.domain.file import ByteRange
from armarium.ports.blobs import PartStat

log = logging.getLogger(__name__)

_NO_UPLOAD = {"NoSuchUpload", "404"}
_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict", "409", "412"}
_BAD_PARTS = {
    "InvalidPart": "A part has not been uploaded, or its ETag is another.",
    "InvalidPartOrder": "The parts must be in ascending order.",
    "EntityTooSmall": "A part other than the last is smaller than the 5 MiB that the store asks for.",
}


class S3Multipart:
    """Keys are ours; what S3 calls them is the bucket's business."""

    def __init__(self, bucket: S3Bucket, requests: S3Requests) -> None:
        self._bucket = bucket
        self._requests = requests

    async def begin(self, key: str) -> str:
        """Return the store's name for the new upload."""
        answer = _good(key, await self._send("POST", key, {"uploads": ""}))
        return answer.text("UploadId")

    async def put(self, key: str, upload: str, number: int, body: bytes) -> PartStat:
        query = {"partNumber": str(number), "uploadId": upload}
        answer = _good(key, await self._send("PUT", key, query, body=body))
        return PartStat(number, plain_etag(answer.etag), len(body))

    async def copy(self, key: str, upload: str, number: int, source: str, span: ByteRange) -> PartStat:
        """Make a span of another object a part, inside the store."""
        headers = {
            "x-amz-copy-source": f"/{self._bucket.name}/{self._bucket.full_key(source)}",
            "x-amz-copy-source-range": f"bytes={span.first}-{span.last}",
        }
        query = {"partNumber": str(number), "uploadId": upload}
        answer = _good(key, await self._send("PUT", key, query, headers=headers))
        return PartStat(number, plain_etag(answer.text("ETag")), span.length)

    async def parts(self, key: str, upload: str) -> list[PartStat]:
        """Return what has arrived, by number. Raises NotFound when the upload is not open."""
        found: dict[int, PartStat] = {}
        marker = "0"
        while marker:
            query = {"uploadId": upload, "part-number-marker": marker}
            answer = _good(key, await self._send("GET", key, query))
            for part in map(_part, children(answer.body, "Part")):
                # SeaweedFS goes on listing a part that was sent again; the last one counts.
                if part.number not in found or part.modified_at >= found[part.number].modified_at:
                    found[part.number] = part
            marker = answer.text("NextPartNumberMarker") if answer.text("IsTruncated") == "true" else ""
        return [found[number] for number in sorted(found)]

    async def complete(self, key: str, upload: str, parts: Sequence[PartStat], *, replace: bool = False) -> str:
        """Make the parts one object and return its etag; without `replace` only under a key that is free."""
        listed = "".join(
            f"<Part><PartNumber>{part.number}</PartNumber><ETag>&quot;{escape(part.etag)}&quot;</ETag></Part>"
            for part in parts
        )
        body = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()
        headers = {} if replace else {"if-none-match": "*"}
        answer = _good(key, await self._send("POST", key, {"uploadId": upload}, headers=headers, body=body))
        return plain_etag(answer.text("ETag"))

    async def abort(self, key: str, upload: str) -> None:
        answer = await self._send("DELETE", key, {"uploadId": upload})
        if answer.code not in _NO_UPLOAD:
            _good(key, answer)

    async def open(self, *, older_than: datetime) -> AsyncGenerator[tuple[str, str], None]:
        """Yield key and name of each upload under our prefix that was begun before a moment."""
        query = {"uploads": "", "prefix": self._bucket.full_key("")}
        while True:
            answer = _good("", await self._requests.send("GET", "", query=query))
            for upload in children(answer.body, "Upload"):
                key = self._bucket.own_key(text_in(upload, "Key"))
                if key is not None and datetime.fromisoformat(text_in(upload, "Initiated")) < older_than:
                    yield key, text_in(upload, "UploadId")
            if answer.text("IsTruncated") != "true":
                return
            query["key-marker"] = answer.text("NextKeyMarker")
            query["upload-id-marker"] = answer.text("NextUploadIdMarker")

    async def _send(
        self,
        method: str,
        key: str,
        query: Mapping[str, str],
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer:
        return await self._requests.send(method, self._bucket.full_key(key), query=query, headers=headers, body=body)


def _part(element: Element) -> PartStat:
    return PartStat(
        int(text_in(element, "PartNumber")),
        plain_etag(text_in(element, "ETag")),
        int(text_in(element, "Size")),
        datetime.fromisoformat(text_in(element, "LastModified")).timestamp(),
    )


def _good(key: str, answer: Answer) -> Answer:
    """Return an answer that is no refusal; else raise what the refusal means."""
    if not answer.code:
        return answer
    name = key.rpartition("/")[2]
    if answer.code in _NO_UPLOAD:
        raise NotFound("upload", name, "Upload session expired or not found.")
    if answer.code in _TAKEN:
        raise AlreadyExists("blob", name)
    if answer.code in _BAD_PARTS:
        raise Invalid("parts", _BAD_PARTS[answer.code])
    log.warning("the object store refused: %d %s", answer.status, answer.code)
    raise store_unavailable()
