"""What is inside an uploaded zip archive, as far as its own directory says."""

import msgspec


class ArchiveMember(msgspec.Struct, frozen=True, kw_only=True):
    """A file in an archive.

    path: safe, `/`-separated, as a file path of ours. offset: of its local header in the archive.
    modified_at: seconds since the epoch; archives without time zones are read as UTC.
    """

    path: str
    offset: int
    compressed_bytes: int
    size_bytes: int
    method: int
    crc32: int
    is_encrypted: bool
    modified_at: float


class ArchiveFolder(msgspec.Struct, frozen=True, kw_only=True):
    """A directory in an archive, as a prefix `a/b/`. modified_at: only where it is listed itself and empty."""

    path: str
    modified_at: float | None = None
