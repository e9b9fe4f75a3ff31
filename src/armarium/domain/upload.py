"""Uploads under way: in parts, or straight to the store."""

import enum

import msgspec

from armarium.domain.file import BlobId
from armarium.domain.identifiers import ArtifactId

MAX_PARTS = 10_000


class OpenUpload(msgspec.Struct, frozen=True, kw_only=True):
    """An upload that is under way. slot: the staged path it fills. expires_at: seconds since the epoch.

    part_count: 0 for a file sent whole, which is complete as soon as it has arrived.
    blob_id, store_upload: what it will be, and what the store calls it; only where clients bring the bytes to the store
    themselves.
    """

    id: str
    slot: str
    part_count: int
    expires_at: float
    blob_id: BlobId | None = None
    store_upload: str | None = None


class Ending(enum.StrEnum):
    """How it is known that a resumable upload has come to its end.

    DECLARED: its length is known. DEFERRED: its length will be told later. OPEN: nobody will say; what has arrived
    counts as the whole, and more may still be added.
    """

    DECLARED = "declared"
    DEFERRED = "deferred"
    OPEN = "open"


class Resumable(msgspec.Struct, frozen=True, kw_only=True):
    """An upload that goes on where it was broken off. It fills a path in the draft of an artifact.

    slot: the staged path. length: of the whole, None while unknown. offset: bytes that are safely kept.
    stored: the offset at which they were last made the file, None for never.
    commits: whether the artifact is committed with it. metadata: as the client sent it, to be given back.
    touched_at, expires_at: seconds since the epoch.
    """

    id: str
    artifact_id: ArtifactId
    path: str
    slot: str
    ending: Ending
    length: int | None = None
    offset: int = 0
    stored: int | None = None
    commits: bool = False
    metadata: str = ""
    created_by: str
    touched_at: float
    expires_at: float

    @property
    def is_whole(self) -> bool:
        """Whether nothing more can come."""
        return self.offset == self.length

    @property
    def is_settled(self) -> bool:
        """Whether the file is what has arrived."""
        return self.stored == self.offset


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of a resumable upload that arrived together, kept as a blob. start: their offset in the whole."""

    start: int
    blob_id: BlobId
    size_bytes: int
    sha256: str | None = None
    crc32: int | None = None
