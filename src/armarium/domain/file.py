"""Files: a safe relative path, the entry a version holds for it, and a range of its bytes."""

import mimetypes
import re
from typing import NewType

import msgspec

from armarium.domain.errors import Invalid

BlobId = NewType("BlobId", str)
"""A UUIDv7 that names immutable bytes; `domain/storage_keys.py` says where they live."""

MAX_PATH_BYTES = 1024
_DRIVE = re.compile(r"^[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def safe_path(path: str) -> str:
    """Return a file path as it is stored: relative, `/`-separated, no empty and no dot part.

    A leading `./` and doubled or trailing slashes are forgiven; everything that could
    leave the artifact or mean two things is refused with Invalid, which names the reason.
    """
    parts = [part for part in _checked(path).split("/") if part not in ("", ".")]
    if not parts:
        raise Invalid("path", "Invalid file path: it is empty.")
    return "/".join(parts)


def safe_directory(path: str | None) -> str:
    """Return a directory as a prefix: `""` for the root, else `a/b/`.

    The root may be written as None, `""`, `.` or `/`; leading and trailing slashes are alike.
    """
    stripped = (path or "").strip("/")
    if stripped in ("", "."):
        return ""
    return safe_path(stripped) + "/"


def _checked(path: str) -> str:
    reason = _refusal(path)
    if reason is not None:
        raise Invalid("path", f"Invalid file path: {reason}.")
    return path


def _refusal(path: str) -> str | None:
    """Say why a path is refused, or None."""
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        return "it is not valid Unicode"
    reasons = (
        (size > MAX_PATH_BYTES, f"it is longer than {MAX_PATH_BYTES} bytes"),
        (path.startswith("/"), "it is absolute"),
        ("\\" in path, "it contains a backslash"),
        (_CONTROL.search(path) is not None, "it contains a control character"),
        (_DRIVE.match(path) is not None, "it starts with a drive letter"),
        (".." in path.split("/"), "it contains '..'"),
    )
    return next((reason for refused, reason in reasons if refused), None)


def content_type_of(path: str) -> str:
    """Guess the media type from the name; bytes nobody can name are `application/octet-stream`."""
    return mimetypes.guess_type(path, strict=False)[0] or "application/octet-stream"


class FileEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a version or a draft.

    modified_at: seconds since the epoch, UTC.
    sha256: hex; None while the bytes have not arrived or their store did not say.
    """

    path: str
    blob_id: BlobId
    size_bytes: int
    modified_at: float
    content_type: str
    sha256: str | None = None


class ByteRange(msgspec.Struct, frozen=True):
    """A span of bytes, first to last, both inclusive, inside a known size."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1
