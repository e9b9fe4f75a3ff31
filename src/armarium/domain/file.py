"""Files: a safe relative path, the entry a version holds for it, and a range of its bytes."""

import mimetypes
import re
import unicodedata
from typing import NewType
from urllib.parse import unquote

import msgspec

from armarium.domain.errors import Invalid

BlobId = NewType("BlobId", str)
"""A UUIDv7 that names immutable bytes, behind that of another store if need be: see `domain/storage_keys.py`."""

MAX_PATH_BYTES = 1024
_DRIVE = re.compile(r"[A-Za-z]:")
# C0, DEL and C1 controls, line separators, and the marks that turn the direction of text around
# (with them `exe.txt` can be shown for `txt.exe`).
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_DOTS = re.compile(r"[. ]*")
_SEPARATOR = re.compile(r"[/\\]")
_COMPRESSED = {
    "gzip": "application/gzip",
    "bzip2": "application/x-bzip2",
    "xz": "application/x-xz",
    "br": "application/x-brotli",
    "compress": "application/x-compress",
}


def safe_path(path: str) -> str:
    """Return a file path as it is stored: relative, `/`-separated, no empty and no dot part.

    A leading `./` and doubled or trailing slashes are forgiven; everything that could
    leave the artifact or mean two things is refused with Invalid, which names the reason.
    """
    parts = [part for part in path.split("/") if part not in ("", ".")]
    reason = _refusal(path, parts)
    if reason is not None:
        raise Invalid("path", f"Invalid file path: {reason}.")
    return "/".join(parts)


def safe_directory(path: str | None) -> str:
    """Return a directory as a prefix: `""` for the root, else `a/b/`.

    The root may be written as None, `""`, `.` or `/`; leading and trailing slashes are alike.
    """
    stripped = (path or "").strip("/")
    if all(part in ("", ".") for part in stripped.split("/")):
        return ""
    return safe_path(stripped) + "/"


def _refusal(path: str, parts: list[str]) -> str | None:
    """Say why a path is refused, or None. parts: what would be stored of it."""
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        return "it is not valid Unicode"
    if size > MAX_PATH_BYTES:
        return f"it is longer than {MAX_PATH_BYTES} bytes"
    reasons = (
        (path.startswith("/"), "it is absolute"),
        ("\\" in path, "it contains a backslash"),
        (_CONTROL.search(path) is not None, "it contains a control character"),
        (not parts, "it is empty"),
        (bool(parts) and _DRIVE.match(parts[0]) is not None, "it starts with a drive letter"),
        (".." in parts, "it contains '..'"),
        (any(_DOTS.fullmatch(part) for part in parts), "a part of it has only dots and spaces"),
        (_hides_dots(path), "it contains '..' in disguise"),
    )
    return next((reason for refused, reason in reasons if refused), None)


def _hides_dots(path: str) -> bool:
    """Tell whether someone who decodes the path once more, or folds its characters, would find `..` in it.

    `%2e%2e` and `U+2025` are harmless here; they are refused for those who come after us:
    proxies, file systems and clients that unpack what we give them.
    """
    if path.isascii() and "%" not in path:
        return False
    shown = unicodedata.normalize("NFKC", _decoded(path))
    return any(part.strip(" ") == ".." for part in _SEPARATOR.split(shown))


def _decoded(path: str) -> str:
    """Undo percent-encoding until nothing changes; each round is shorter, so it ends."""
    decoded = unquote(path)
    while decoded != path:
        path, decoded = decoded, unquote(decoded)
    return decoded


def content_type_of(path: str) -> str:
    """Guess the media type from the name; bytes nobody can name are `application/octet-stream`.

    A compressed file is what it is, not what is inside it: `data.csv.gz` is no CSV.
    """
    guessed, encoding = mimetypes.guess_type(path.rpartition("/")[2], strict=False)
    if encoding is not None:
        return _COMPRESSED.get(encoding, "application/octet-stream")
    return guessed or "application/octet-stream"


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
