"""What the dataforce clients return. Fields a server adds are ignored; times are ISO 8601 text in UTC."""

from enum import StrEnum
from typing import Any

import msgspec


class ArtifactStatus(StrEnum):
    """Where an upload stands. `Artifact.status` is text, because servers know more states than these."""

    PENDING_UPLOAD = "pending_upload"
    UPLOADED = "uploaded"
    UPLOAD_FAILED = "upload_failed"
    DELETION_FAILED = "deletion_failed"


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """A model file and what is known of it.

    size: bytes. file_hash: SHA-256 in hex. file_index: member of the file -> offset and size in bytes.
    type: model, dataset or experiment.
    """

    id: str
    collection_id: str
    file_name: str
    name: str
    description: str | None = None
    extra_values: dict[str, Any] = {}
    manifest: dict[str, Any] = {}
    file_hash: str | None = None
    file_index: dict[str, tuple[int, int]] = {}
    bucket_location: str | None = None
    size: int = 0
    unique_identifier: str | None = None
    tags: list[str] | None = None
    status: str
    type: str | None = None
    created_at: str
    updated_at: str | None = None


class Organization(msgspec.Struct, frozen=True, kw_only=True):
    """A group of people with their orbits."""

    id: str
    name: str
    logo: str | None = None
    created_at: str
    updated_at: str | None = None


class Orbit(msgspec.Struct, frozen=True, kw_only=True):
    """A workspace of an organization, with its bucket."""

    id: str
    name: str
    organization_id: str
    bucket_secret_id: str | None = None
    total_members: int | None = None
    total_collections: int | None = None
    created_at: str
    updated_at: str | None = None


class Collection(msgspec.Struct, frozen=True, kw_only=True):
    """Artifacts of an orbit that belong together. type: model, dataset, ..., mixed."""

    id: str
    orbit_id: str
    name: str
    description: str = ""
    type: str | None = None
    tags: list[str] | None = None
    total_artifacts: int = 0
    created_at: str
    updated_at: str | None = None

    @property
    def collection_type(self) -> str | None:
        """The type, under its earlier name."""
        return self.type


class BucketSecret(msgspec.Struct, frozen=True, kw_only=True):
    """Where an orbit keeps its bytes; the keys themselves never leave the server."""

    id: str
    endpoint: str
    bucket_name: str
    type: str = "s3"
    secure: bool | None = None
    region: str | None = None
    cert_check: bool | None = None
    organization_id: str
    created_at: str
    updated_at: str | None = None


class UploadUrl(str):
    """A signed URL that takes one PUT of the whole file, as text.

    multipart: the server wants the file in parts instead. bucket_secret_id, bucket_location: where it goes.
    """

    __slots__ = ("bucket_location", "bucket_secret_id", "multipart")

    multipart: bool
    bucket_location: str
    bucket_secret_id: str


class UploadDetails(msgspec.Struct, frozen=True, kw_only=True):
    """How the bytes of a new artifact reach the store."""

    url: str
    multipart: bool = False
    bucket_location: str = ""
    bucket_secret_id: str = ""

    def as_url(self) -> UploadUrl:
        """The URL as text that also carries the rest."""
        url = UploadUrl(self.url)
        url.multipart, url.bucket_location, url.bucket_secret_id = (
            self.multipart,
            self.bucket_location,
            self.bucket_secret_id,
        )
        return url


class CreatedArtifact(msgspec.Struct, frozen=True, kw_only=True):
    """A new artifact that waits for its bytes."""

    artifact: Artifact
    upload_details: UploadDetails


class PartUrl(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a large upload; both bytes inclusive."""

    part_number: int
    url: str
    start_byte: int
    end_byte: int


class PartUrls(msgspec.Struct, frozen=True, kw_only=True):
    """Where the parts of a large upload go, and where it is completed."""

    parts: list[PartUrl]
    complete_url: str
