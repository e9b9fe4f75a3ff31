"""How the bytes of a model file reach the store of its orbit, and come back."""

import html
import re
from pathlib import Path

from armarium.sdk import download as downloads
from armarium.sdk.dataforce.api import Api
from armarium.sdk.dataforce.errors import FileDownloadError, FileUploadError
from armarium.sdk.dataforce.model_file import ModelFile
from armarium.sdk.dataforce.values import PartUrls, UploadDetails
from armarium.sdk.progress import Progress
from armarium.sdk.transport import Bytes, Transport
from armarium.sdk.upload import Part, put_file, put_parts

_PART_URLS = "/v1/bucket-secrets/upload/multipart"
_SILENCE_SECONDS = 300.0
_UPLOAD_ID = re.compile(rb"<UploadId>([^<]+)</UploadId>")


_uploads = Transport("", failed=lambda failure: FileUploadError(failure.reason), timeout_seconds=_SILENCE_SECONDS)
_downloads = Transport("", failed=lambda failure: FileDownloadError(failure.reason), timeout_seconds=_SILENCE_SECONDS)


async def send_file(api: Api, file: ModelFile, details: UploadDetails, progress: Progress) -> None:
    """Put the file where the server said; raises FileUploadError if the store refuses it."""
    if details.multipart:
        await _send_parts(api, file, details, progress)
    else:
        await put_file(_uploads, details.url, file.path, file.size, progress)


async def fetch_file(url: str, target: Path, sha256: str | None, progress: Progress) -> None:
    """Fetch a file; raises FileDownloadError, after which a next call goes on where this one ended."""
    await downloads.download(_downloads, url, target, sha256=sha256, progress=progress)


async def _send_parts(api: Api, file: ModelFile, details: UploadDetails, progress: Progress) -> None:
    """The way of S3: begin, ask for the places of the parts, send them a few at a time, complete."""
    begun = await _uploads.call("POST", details.url, body=Bytes(b""))
    upload_id = _UPLOAD_ID.search(begun.body)
    if upload_id is None:
        raise FileUploadError("The store did not begin an upload in parts.")
    asked = {
        "bucket_id": details.bucket_secret_id,
        "bucket_location": details.bucket_location,
        "size": file.size,
        "upload_id": html.unescape(upload_id[1].decode()),
    }
    places = await api.send("POST", _PART_URLS, PartUrls, asked)
    parts = [
        Part(number=place.part_number, url=place.url, start=place.start_byte, stop=place.end_byte + 1)
        for place in places.parts
    ]
    etags = await put_parts(_uploads, parts, file.path, progress)
    done = await _uploads.call(
        "POST", places.complete_url, body=Bytes(_completion(etags)), headers={"Content-Type": "application/xml"}
    )
    if b"<Error>" in done.body:  # S3 answers 200 before it knows
        raise FileUploadError("The store could not put the parts together.")


def _completion(etags: dict[int, str]) -> bytes:
    parts = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{html.escape(etag)}</ETag></Part>"
        for number, etag in sorted(etags.items())
    )
    return f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
