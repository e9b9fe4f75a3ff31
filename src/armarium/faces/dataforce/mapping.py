"""Names of this protocol for what is in the one tree.

    organization = workspace    orbit = root collection    collection = collection in it    artifact = artifact

`name`, `description` and `tags` stand in the manifest as for every door. What only this door knows stands below its
`dataforce` key: an orbit's bucket secret, a collection's type, what an artifact's file was declared to be.
"""

import datetime as dt
import uuid
from typing import Any

import msgspec

from armarium.core.buckets import own_bucket_id
from armarium.core.contents import Content
from armarium.domain import artifact as domain
from armarium.domain.account import Workspace
from armarium.domain.bucket import Bucket
from armarium.domain.delivery import STATE, Declared, sha256_in, status_of
from armarium.domain.errors import Invalid
from armarium.domain.identifiers import workspace_uuid
from armarium.domain.principal import Principal, Role
from armarium.domain.query import AllOf, AnyOf, Condition, ContainsAny, Equals, Field, Keyword, Lacks, Matches, Not
from armarium.faces.dataforce import schemas as s

ARTIFACT_TYPES = ("model", "experiment", "dataset")
OTHER_TYPE = "dataset"
"""What an artifact is called here that is of none of the three types."""
ANY_TYPE = "mixed"

NAME = Field("manifest", "name")
TAGS = Field("manifest", "tags")
COLLECTION_TYPE = Field("manifest", f"{STATE}.type")
EXTRA_VALUES = f"{STATE}.extra_values."


class Details(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a manifest holds below this door's key. file_index: [name, value] pairs, which no search looks at."""

    type: str = ""
    bucket_secret_id: str = ""
    file_name: str = ""
    size: int | None = None
    file_hash: str = ""
    file_index: list[tuple[str, Any]] = []
    manifest: dict[str, Any] = {}
    extra_values: dict[str, Any] = {}


class Record:
    """An artifact of the tree, read the way this door writes it; what another door wrote is read as well as it goes."""

    def __init__(self, artifact: domain.Artifact) -> None:
        self.artifact = artifact
        self.manifest: dict[str, Any] = msgspec.json.decode(artifact.manifest)
        try:
            self.details = msgspec.convert(self.manifest.get(STATE, {}), Details)
        except msgspec.ValidationError:
            self.details = Details()

    @property
    def name(self) -> str:
        name = self.manifest.get("name")
        return name if isinstance(name, str) else self.artifact.alias

    @property
    def description(self) -> str | None:
        description = self.manifest.get("description")
        return description if isinstance(description, str) else None

    @property
    def tags(self) -> list[str] | None:
        tags = self.manifest.get("tags")
        return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else None

    @property
    def collection_type(self) -> str:
        return self.details.type or ANY_TYPE

    @property
    def artifact_type(self) -> str:
        return self.artifact.type if self.artifact.type in ARTIFACT_TYPES else OTHER_TYPE

    @property
    def bucket_secret_id(self) -> str:
        return self.details.bucket_secret_id or own_bucket_id(self.artifact.workspace)

    def declared(self) -> Declared:
        """What its file was declared to be. Raises Invalid where it was announced through another door."""
        details = self.details
        if not details.file_name or details.size is None:
            raise Invalid("status", "The artifact was not announced here: commit it where it was made.")
        return Declared(path=details.file_name, size_bytes=details.size, sha256=sha256_in(details.file_hash))

    def changed(self, values: dict[str, Any], **details: Any) -> dict[str, Any]:
        """The manifest with some values replaced; details: those below this door's key."""
        manifest = {**self.manifest, **values}
        if details:
            manifest[STATE] = msgspec.to_builtins(msgspec.structs.replace(self.details, **details))
        return manifest


def moment(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def created_at(artifact: domain.Artifact) -> dt.datetime:
    """When an artifact was made, to the millisecond its id holds; one started afresh has only the second."""
    milliseconds = uuid.UUID(artifact.id).int >> 80
    if milliseconds // 1000 == artifact.created_at:
        return moment(milliseconds / 1000)
    return moment(artifact.created_at)


def updated_at(artifact: domain.Artifact) -> dt.datetime | None:
    return moment(artifact.modified_at) if artifact.modified_at > artifact.created_at else None


def organization(workspace: Workspace, who: Principal) -> s.Organization:
    role = who.role_in(workspace.name, workspace.membership)
    is_owner = workspace.owner is not None and workspace.owner == who.effective_id
    return s.Organization(
        id=workspace_uuid(workspace.name),
        name=workspace.name,
        role="owner" if is_owner else "admin" if role is Role.ADMIN else "member",
        created_at=moment(workspace.created_at),
    )


def orbit_fields(artifact: domain.Artifact, counts: tuple[int, int], members: int) -> dict[str, Any]:
    """The fields of an orbit. counts: of its collections and of the artifacts in them."""
    record = Record(artifact)
    return {
        "id": artifact.id,
        "name": record.name,
        "organization_id": workspace_uuid(artifact.workspace),
        "bucket_secret_id": record.bucket_secret_id,
        "total_members": members,
        "total_collections": counts[0],
        "total_artifacts": counts[1],
        "created_at": created_at(artifact),
        "updated_at": updated_at(artifact),
    }


def collection_fields(artifact: domain.Artifact, total: int) -> dict[str, Any]:
    """The fields of a collection. total: of the artifacts in it."""
    record = Record(artifact)
    return {
        "id": artifact.id,
        "orbit_id": artifact.parent_id or artifact.id,
        "name": record.name,
        "description": record.description or "",
        "type": record.collection_type,
        "collection_type": "dataset" if record.collection_type == "dataset" else "model",
        "tags": record.tags,
        "total_artifacts": total,
        "total_models": total,
        "created_at": created_at(artifact),
        "updated_at": updated_at(artifact),
    }


def artifact_fields(artifact: domain.Artifact, parent: domain.Artifact, content: Content | None) -> dict[str, Any]:
    """The fields of an artifact of a collection. content: its one file, None while there is none."""
    record = Record(artifact)
    details = record.details
    file_name = content.filename if content else details.file_name or record.name
    is_ours = bool(details.file_name)
    name, extra_values = record.name, details.extra_values
    return {
        "id": artifact.id,
        "collection_id": parent.id,
        "collection_name": Record(parent).name,
        "file_name": file_name,
        "name": name,
        "model_name": name,
        "description": record.description,
        "extra_values": extra_values,
        "metrics": extra_values,
        "manifest": details.manifest if is_ours else record.manifest,
        "file_hash": (content.sha256 if content else None) or details.file_hash,
        "file_index": dict(details.file_index),
        "bucket_location": bucket_location(artifact, parent, file_name),
        "size": content.size_bytes if content else details.size or 0,
        "unique_identifier": unique_identifier(artifact),
        "tags": record.tags,
        "status": str(status_of(artifact)),
        "type": record.artifact_type,
        "created_at": created_at(artifact),
        "updated_at": updated_at(artifact),
        "created_by_user": artifact.created_by,
    }


def unique_identifier(artifact: domain.Artifact) -> str:
    """32 hex digits that belong to one artifact alone."""
    return artifact.id.replace("-", "")


def bucket_location(artifact: domain.Artifact, parent: domain.Artifact, file_name: str) -> str:
    orbit = parent.parent_id or parent.id
    return f"orbit-{orbit}/collection-{parent.id}/{unique_identifier(artifact)}-{file_name}"


def artifact_at(location: str) -> str | None:
    """The id of the artifact a `bucket_location` belongs to, None for any other text."""
    try:
        return str(uuid.UUID(location.split("/", 2)[2][:32]))
    except (IndexError, ValueError):
        return None


def bucket_secret(bucket: Bucket, orbits: list[domain.Artifact]) -> s.BucketSecret:
    shown = bucket.settings
    return s.BucketSecret(
        id=bucket.id,
        type=shown.get("type", "s3"),
        endpoint=bucket.endpoint,
        bucket_name=bucket.name,
        secure=shown.get("secure"),
        region=shown.get("region") or "",
        cert_check=shown.get("cert_check"),
        organization_id=workspace_uuid(bucket.workspace),
        created_at=moment(bucket.created_at),
        updated_at=moment(bucket.updated_at) if bucket.updated_at is not None else None,
        orbits=[_reference(orbit) for orbit in orbits],
    )


def _reference(orbit: domain.Artifact) -> s.OrbitReference:
    made, changed = created_at(orbit), updated_at(orbit)
    return s.OrbitReference(id=orbit.id, name=Record(orbit).name, created_at=made, updated_at=changed)


# searches


def named_like(text: str) -> Condition:
    """What has a text in its name."""
    return _among_words(text, Matches(NAME, f"*{text}*"))


def named_or_tagged_like(text: str) -> Condition:
    """What has a text in its name or in one of its tags."""
    return _among_words(text, AnyOf((Matches(NAME, f"*{text}*"), Matches(TAGS, f"*{text}*", elements=True))))


def _among_words(text: str, condition: Condition) -> Condition:
    """Let the text index find what can match at all; it knows JSON, where some characters are written otherwise."""
    is_plain = text.isprintable() and not set(text) & set('"\\*')
    return AllOf((Keyword(text), condition)) if is_plain else condition


def collection_types(types: list[Any]) -> Condition:
    """Collections of any of these types; one that never said is of any type."""
    said: list[Condition] = [Equals(COLLECTION_TYPE, kind) for kind in types]
    return AnyOf((*said, *([Lacks(COLLECTION_TYPE)] if ANY_TYPE in types else [])))


def artifact_types(types: list[Any]) -> Condition:
    """Artifacts that are shown as any of these types."""
    kind = Field("artifact", "type")
    shown: list[Condition] = [ContainsAny(kind, tuple(types))]
    if OTHER_TYPE in types:
        shown.append(Not(ContainsAny(kind, ARTIFACT_TYPES)))
    return AnyOf(tuple(shown))
