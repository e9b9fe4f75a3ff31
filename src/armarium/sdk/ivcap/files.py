"""Files that delete themselves, files that must stay, bytes in memory: how an artifact meets the local disk."""

import io
import logging
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    _Path = Path
else:
    _Path = type(Path())  # until Python 3.12 only the class of the platform can be subclassed

SMALLEST_CHUNK = 8 * 1024
LARGEST_CHUNK = 10 * 1024 * 1024

_log = logging.getLogger(__name__)


def resolve_chunk_size(chunk_size: int, size: int | None) -> int:
    """How many bytes to read at a time; -1 leaves it to the size of the artifact.

    Then it is a tenth of the size, at least 8 KiB and at most 10 MiB. Source: protocols/ivcap.md, section 15.
    """
    if chunk_size != -1:
        return chunk_size
    if size is None or size <= 0:
        return SMALLEST_CHUNK
    return max(SMALLEST_CHUNK, min(size // 10, LARGEST_CHUNK))


class CMPath(_Path):
    """A path whose file is deleted when its `with` block ends; without one the file stays."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.unlink(missing_ok=True)
        except OSError as refused:
            # The error that ended the block, if any, is the one the caller should see.
            _log.warning("The temporary file %s could not be deleted: %s", self, refused.strerror)


class SafePath(_Path):
    """A path to the stored file itself: it can be read like any other, and `unlink` leaves it where it is."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the file alone."""

    def unlink(self, missing_ok: bool = False) -> None:
        """Do nothing: the file belongs to the store."""


class ProxyFile(io.BufferedReader):
    """All bytes of an artifact in memory, to be read like a file opened with `"rb"`."""

    def __init__(self, content: io.BytesIO) -> None:
        super().__init__(content)
