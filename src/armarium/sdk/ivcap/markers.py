"""Notes beside an uploaded file, so that the same content is not uploaded twice.

    .ivcap-<file name>.txt       its artifact is complete
    .ivcap-<file name>.partial   its artifact awaits more bytes

A note is one line, `<md5 of the content>|<URN>`. The first kind is also read and written by `ivcap-client`.
Source: protocols/ivcap.md, section 4.2.
"""

import contextlib
import hashlib
from pathlib import Path
from typing import NamedTuple


class Marker(NamedTuple):
    digest: str
    urn: str


def digest_of(path: Path) -> str:
    """MD5 of a file's content, hex; it tells two contents apart and protects nothing."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def known_urns(path: Path) -> list[str]:
    """The artifacts that hold this very content, or a part of it: the complete one first."""
    markers = [marker for place in (_complete(path), _partial(path)) if (marker := _read(place)) is not None]
    if not markers:
        return []
    digest = digest_of(path)
    return [marker.urn for marker in markers if marker.digest == digest]


def complete_urn(path: Path) -> str | None:
    """The artifact that holds this very content, if it is known."""
    marker = _read(_complete(path))
    return marker.urn if marker is not None and marker.digest == digest_of(path) else None


def note_begun(path: Path, urn: str) -> None:
    _write(_partial(path), Marker(digest_of(path), urn))


def note_complete(path: Path, urn: str) -> None:
    _write(_complete(path), Marker(digest_of(path), urn))
    with contextlib.suppress(OSError):
        _partial(path).unlink(missing_ok=True)


def _complete(path: Path) -> Path:
    return path.with_name(f".ivcap-{path.name}.txt")


def _partial(path: Path) -> Path:
    return path.with_name(f".ivcap-{path.name}.partial")


def _read(place: Path) -> Marker | None:
    """A note that is not there, or is not one of ours, says nothing."""
    try:
        digest, bar, urn = place.read_text().strip().partition("|")
    except (OSError, UnicodeDecodeError):
        return None
    return Marker(digest, urn) if bar and urn.startswith("urn:") else None


def _write(place: Path, marker: Marker) -> None:
    # A folder that cannot be written to costs a second upload some day, not this one.
    with contextlib.suppress(OSError):
        place.write_text(f"{marker.digest}|{marker.urn}\n")
