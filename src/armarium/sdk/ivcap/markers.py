"""Notes beside an uploaded file, so that the same content is not uploaded twice.

    .ivcap-<file name>.txt       its artifact is complete
    .ivcap-<file name>.partial   its artifact awaits more bytes

A note is one line, `<md5 of the content>|<URN>`. The first kind is also read and written by `ivcap-client`.
Source: protocols/ivcap.md, section 4.2.
"""

import contextlib
import functools
import hashlib
from pathlib import Path
from typing import NamedTuple


class Marker(NamedTuple):
    digest: str
    urn: str


class Notes:
    """What is noted about one file. Its content is read once, when that is first needed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._complete = path.with_name(f".ivcap-{path.name}.txt")
        self._partial = path.with_name(f".ivcap-{path.name}.partial")

    def known_urns(self) -> list[str]:
        """The artifacts that hold this very content, or a part of it: the complete one first."""
        markers = [marker for place in (self._complete, self._partial) if (marker := _read(place)) is not None]
        return [marker.urn for marker in markers if marker.digest == self._digest]

    def complete_urn(self) -> str | None:
        """The artifact that holds this very content, if it is known."""
        marker = _read(self._complete)
        return marker.urn if marker is not None and marker.digest == self._digest else None

    def begun(self, urn: str) -> None:
        _write(self._partial, Marker(self._digest, urn))

    def completed(self, urn: str) -> None:
        with contextlib.suppress(OSError):
            self._partial.unlink(missing_ok=True)
        _write(self._complete, Marker(self._digest, urn))

    @functools.cached_property
    def _digest(self) -> str:
        """MD5 of the content, hex; it tells two contents apart and protects nothing."""
        with self._path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


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
