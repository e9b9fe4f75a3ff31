"""The words of the tus protocol 1.0.0, shared by all routes that take resumable uploads.

Source: the tus resumable upload protocol, core and the extensions named below.
"""

import base64
import binascii
from collections.abc import Mapping

from armarium.core.arriving import ALGORITHMS, Checksum
from armarium.core.resumable import Announced
from armarium.domain.errors import ArmariumError
from armarium.domain.upload import Resumable
from armarium.faces.http.conditional import http_date
from armarium.faces.http.parameters import Call

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,creation-defer-length,expiration,checksum,termination"
BODY_TYPE = "application/offset+octet-stream"

MARK: Mapping[str, str] = {"tus-resumable": VERSION}
"""What every answer carries."""

_MOST_DIGITS = 18


class TusFailure(ArmariumError):  # noqa: N818 - reads like the other errors a user can cause
    """A request that does not keep to the protocol."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {**MARK, **(headers or {})}


def abilities(max_bytes: int | None) -> dict[str, str]:
    """The headers that answer OPTIONS."""
    limit = {"tus-max-size": str(max_bytes)} if max_bytes is not None else {}
    algorithms = {"tus-checksum-algorithm": ",".join(ALGORITHMS)}
    return {**MARK, "tus-version": VERSION, "tus-extension": EXTENSIONS, **algorithms, **limit}


def require_version(call: Call, *, lenient: bool = False) -> None:
    """Refuse another version of the protocol. lenient: none named is fine."""
    version = call.header("tus-resumable")
    if version != VERSION and not (lenient and version is None):
        raise TusFailure(412, f"This server speaks tus {VERSION}.", {"tus-version": VERSION})


def require_body_type(call: Call) -> None:
    if (call.header("content-type") or "").partition(";")[0].strip().lower() != BODY_TYPE:
        raise TusFailure(415, f"The Content-Type must be {BODY_TYPE}.")


def offset_of(call: Call) -> int:
    """Where the bytes of a PATCH go."""
    offset = _number(call, "upload-offset")
    if offset is None:
        raise TusFailure(400, "The header Upload-Offset is missing.")
    return offset


def length_of(call: Call) -> int | None:
    """The length of the whole, None where it is not said."""
    return _number(call, "upload-length")


def is_deferred(call: Call) -> bool:
    """Whether the length will be said later."""
    deferred = call.header("upload-defer-length")
    if deferred not in (None, "1"):
        raise TusFailure(400, "The header Upload-Defer-Length can only be 1.")
    if deferred and call.header("upload-length") is not None:
        raise TusFailure(400, "Send Upload-Length or Upload-Defer-Length, not both.")
    return deferred is not None


def announced_by(call: Call) -> Announced:
    """What the headers say of the bytes to come."""
    return Announced(
        size_bytes=_number(call, "content-length"),
        length=length_of(call),
        defers=is_deferred(call),
        checksum=_checksum(call.header("upload-checksum")),
    )


def has_body(call: Call) -> bool:
    return bool(_number(call, "content-length")) or call.header("transfer-encoding") is not None


def metadata_of(header: str | None) -> dict[str, str]:
    """Read `Upload-Metadata`: keys, each with a value in base64 or none, separated by commas."""
    pairs: dict[str, str] = {}
    for pair in (header or "").split(","):
        key, _, value = pair.strip().partition(" ")
        if not key and not value:
            continue
        if not key.isascii() or key in pairs:
            raise TusFailure(400, "The header Upload-Metadata has a key twice, or one outside ASCII.")
        pairs[key] = _decoded(value.strip(), "Upload-Metadata").decode(errors="replace")
    return pairs


def state_of(upload: Resumable) -> dict[str, str]:
    """The headers that say how far an upload is."""
    headers = {**MARK, "upload-offset": str(upload.offset), "cache-control": "no-store"}
    if upload.length is not None:
        headers["upload-length"] = str(upload.length)
    else:
        headers["upload-defer-length"] = "1"
    if upload.metadata:
        headers["upload-metadata"] = upload.metadata
    return headers | expiry_of(upload)


def expiry_of(upload: Resumable) -> dict[str, str]:
    """When an upload that is not whole is forgotten."""
    return {} if upload.is_whole else {"upload-expires": http_date(upload.expires_at).decode()}


def _number(call: Call, name: str) -> int | None:
    text = call.header(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise TusFailure(400, f"The header {name.title()} is no whole number.")
    return int(text)


def _checksum(header: str | None) -> Checksum | None:
    if header is None:
        return None
    algorithm, _, digest = header.partition(" ")
    if algorithm not in ALGORITHMS:
        raise TusFailure(400, f"The checksum algorithm must be one of {', '.join(ALGORITHMS)}.")
    return Checksum(algorithm, _decoded(digest.strip(), "Upload-Checksum"))


def _decoded(text: str, what: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise TusFailure(400, f"The header {what} is not base64.") from None
