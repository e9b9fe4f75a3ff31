"""What this protocol sends and takes, for all generations of its clients at once.

Where generations spell a field differently both spellings are sent and either is taken.
"""

import datetime as dt
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

T = TypeVar("T")

Name = Annotated[str, Meta(max_length=100)]
GivenName = Annotated[str, Meta(min_length=1, max_length=100)]
Description = Annotated[str, Meta(max_length=1000)]
Tags = Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=50)]
FileName = Annotated[
    str, Meta(pattern=r"""^[^:"*`~#%;'^/\\\x00-\x1f]+\.[^:"*`~#%;'^/\\\s.\x00-\x1f]+$""", max_length=255)
]
Size = Annotated[int, Meta(ge=0, le=5 * 1024**4)]
Limit = Annotated[int, Meta(ge=1, le=100)]
Ids = Annotated[list[UUID], Meta(min_length=1, max_length=100)]

ArtifactType = Literal["model", "experiment", "dataset"]
CollectionType = Literal[
    "model", "dataset", "experiment", "model_dataset", "dataset_experiment", "model_experiment", "mixed"
]
Direction = Literal["asc", "desc"]


class Page(Struct):
    """Part of a list. cursor: where the next part starts, null at the end."""

    items: list[Any]
    cursor: str | None


# organizations and orbits


class Organization(Struct, kw_only=True):
    id: str
    name: str
    role: str
    created_at: dt.datetime
    updated_at: dt.datetime | None = None
    logo: str | None = None


class NewOrganization(Struct, kw_only=True):
    name: Name


class ApiKey(Struct):
    key: str


class Orbit(Struct, kw_only=True):
    id: str
    name: str
    organization_id: str
    bucket_secret_id: str
    total_members: int
    total_collections: int
    total_artifacts: int
    created_at: dt.datetime
    updated_at: dt.datetime | None
    total_satellites: int = 0


class OrbitDetails(Orbit, kw_only=True):
    members: list[Any] = []
    collections_tags: list[str] = []


class NewOrbit(Struct, kw_only=True):
    name: Name
    bucket_secret_id: UUID


class OrbitChanges(Struct, kw_only=True):
    name: GivenName | None = None
    bucket_secret_id: UUID | None = None


# collections


class Collection(Struct, kw_only=True):
    id: str
    orbit_id: str
    name: str
    description: str
    type: str
    collection_type: str
    tags: list[str] | None
    total_artifacts: int
    total_models: int
    created_at: dt.datetime
    updated_at: dt.datetime | None


class CollectionDetails(Collection, kw_only=True):
    artifacts_tags: list[str]
    artifacts_extra_values: list[str]


class CollectionPage(Struct):
    items: list[Collection]
    cursor: str | None


class NewCollection(Struct, kw_only=True):
    name: Name
    description: Description | None = None
    type: CollectionType | None = None
    collection_type: CollectionType | None = None
    tags: Tags | None = None


class CollectionChanges(Struct, kw_only=True):
    name: GivenName | None = None
    description: Description | None = None
    tags: Tags | None = None


class CollectionQuery(Struct, kw_only=True):
    limit: Limit | None = None
    order: Direction = "desc"
    cursor: str | None = None
    sort_by: Literal["created_at", "name", "type", "description", "total_artifacts"] = "created_at"
    search: str = ""
    types: list[CollectionType] = []
    tags: list[str] = []


# artifacts


class Artifact(Struct, kw_only=True):
    id: str
    collection_id: str
    collection_name: str
    file_name: str
    name: str
    model_name: str
    description: str | None
    extra_values: dict[str, Any]
    metrics: dict[str, Any]
    manifest: dict[str, Any]
    file_hash: str
    file_index: dict[str, Any]
    bucket_location: str
    size: int
    unique_identifier: str
    tags: list[str] | None
    status: str
    type: str
    created_at: dt.datetime
    updated_at: dt.datetime | None
    created_by_user: str | None
    deployments: list[Any] = []


class ArtifactDetails(Artifact, kw_only=True):
    collection: Collection
    tracks: list[Any] = []


class ArtifactPage(Struct):
    items: list[Artifact]
    cursor: str | None


class NewArtifact(Struct, kw_only=True):
    """The keys of the older spelling (`model_name`, `metrics`) count where the newer one is not given."""

    file_name: FileName
    size: Size
    file_hash: str = ""
    manifest: dict[str, Any] = {}
    file_index: dict[str, Any] = {}
    extra_values: dict[str, Any] | None = None
    metrics: dict[str, Any] | None = None
    name: str | None = None
    model_name: str | None = None
    description: str | None = None
    tags: list[str] | None = None
    type: ArtifactType | None = None


class ArtifactChanges(Struct, kw_only=True):
    name: str | None = None
    model_name: str | None = None
    file_name: FileName | None = None
    description: str | None = None
    tags: list[str] | None = None
    status: Literal["uploaded", "upload_failed", "deletion_failed"] | None = None


class ArtifactQuery(Struct, kw_only=True):
    collection_ids: Annotated[list[UUID], Meta(max_length=100)] = []
    limit: Limit | None = None
    order: Direction = "desc"
    cursor: str | None = None
    sort_by: str = "created_at"
    search: str = ""
    types: list[ArtifactType] = []
    tags: list[str] = []


class UploadDetails(Struct, kw_only=True):
    """Where the file goes: one PUT to `url`, or with `multipart` a POST to it that begins an upload in parts."""

    url: str
    multipart: bool
    bucket_location: str
    bucket_secret_id: str
    type: str = "s3"


class PartUrl(Struct, kw_only=True):
    """start_byte and end_byte: both inclusive."""

    part_number: int
    url: str
    start_byte: int
    end_byte: int
    part_size: int


class PartUrls(Struct, kw_only=True):
    upload_id: str | None
    parts: list[PartUrl]
    complete_url: str | None
    type: str = "s3"


class CreatedArtifact(Struct, kw_only=True):
    artifact: Artifact
    upload_details: UploadDetails


class CreatedModel(CreatedArtifact, kw_only=True):
    """The same with what the first generation reads: `model`, and `url` with the parts of the upload."""

    model: Artifact
    url: PartUrls


class PartsRequest(Struct, kw_only=True):
    bucket_location: str
    size: Size
    bucket_id: str | None = None
    upload_id: str | None = None


class Url(Struct):
    url: str


class ArtifactIds(Struct, kw_only=True):
    artifact_ids: Ids


class Deletion(Struct, kw_only=True):
    artifact_ids: Ids
    force: bool = False


class DeleteUrl(Struct, kw_only=True):
    artifact_id: str
    name: str
    url: str


class Undeleted(Struct, kw_only=True):
    artifact_id: str
    reason: str
    name: str | None = None
    deployments: list[Any] = []
    tracks: list[Any] = []


class DeleteUrls(Struct, kw_only=True):
    urls: list[DeleteUrl]
    failed: list[Undeleted]


class Deleted(Struct, kw_only=True):
    deleted: list[str]
    failed: list[Undeleted]


# bucket secrets


class OrbitReference(Struct, kw_only=True):
    id: str
    name: str
    created_at: dt.datetime
    updated_at: dt.datetime | None


class BucketSecret(Struct, kw_only=True):
    """A bucket; its keys are in no answer."""

    id: str
    type: str
    endpoint: str
    bucket_name: str
    secure: bool | None
    region: str
    cert_check: bool | None
    organization_id: str
    created_at: dt.datetime
    updated_at: dt.datetime | None
    orbits: list[OrbitReference] = []


class BucketSecretChanges(Struct, kw_only=True):
    endpoint: Annotated[str, Meta(min_length=1, max_length=1000)] | None = None
    bucket_name: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    access_key: str | UnsetType | None = UNSET
    secret_key: str | UnsetType | None = UNSET
    session_token: str | UnsetType | None = UNSET
    secure: bool | None = None
    region: str | None = None
    cert_check: bool | None = None


class NewBucketSecret(BucketSecretChanges, kw_only=True):
    endpoint: Annotated[str, Meta(min_length=1, max_length=1000)]
    bucket_name: Annotated[str, Meta(min_length=1, max_length=255)]
    type: Literal["s3", "azure"] = "s3"


class TestUrls(Struct, kw_only=True):
    presigned_url: str
    download_url: str
    delete_url: str


def first_given(*values: T | None, default: T) -> T:
    """The first of several spellings of a field that was given."""
    return next((value for value in values if value is not None), default)


def given(**values: Any) -> dict[str, Any]:
    """The fields of a partial update that were given."""
    return {name: value for name, value in values.items() if value is not None and value is not msgspec.UNSET}
