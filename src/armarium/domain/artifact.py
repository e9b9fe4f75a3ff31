"""Artifacts: described sets of files, and the collections that hold them."""

import msgspec

from armarium.domain.identifiers import ArtifactId
from armarium.domain.principal import Grants, Role
from armarium.domain.vector import VECTOR_COLLECTION
from armarium.domain.version import Intent, Staging, Version

COLLECTION_TYPES = frozenset({"collection", VECTOR_COLLECTION})

_NULL = msgspec.Raw(b"null")


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """An artifact as it is published. Times are seconds since the epoch, UTC.

    manifest, config: JSON, passed through undecoded where nobody looks inside.
    versions: oldest first; empty while never committed.
    intent: of the draft under way, None where there is none.
    file_count: files of the version committed last.
    """

    id: ArtifactId
    workspace: str
    alias: str
    parent_id: ArtifactId | None
    parent_alias: str | None
    type: str
    manifest: msgspec.Raw
    config: msgspec.Raw
    created_by: str
    created_at: int
    modified_at: int
    view_count: float
    download_count: float
    file_count: int
    versions: tuple[Version, ...]
    intent: Intent | None

    @property
    def name(self) -> str:
        """The public name, `workspace/alias`."""
        return f"{self.workspace}/{self.alias}"

    @property
    def parent_name(self) -> str | None:
        """The public name of the parent, which always lives in the same workspace."""
        return f"{self.workspace}/{self.parent_alias}" if self.parent_id else None


class Rules(msgspec.Struct, frozen=True):
    """The parts of a config that core itself obeys; everything else in it is the owner's.

    collection_schema: JSON, `null` where there is none; a union with None is nothing msgspec can decode.
    """

    permissions: Grants = {}
    is_collection: bool = False
    collection_schema: msgspec.Raw = _NULL
    id_parts: dict[str, object] | None = None
    download_weights: dict[str, float] | None = None
    private_children: bool = False
    recipient_field: object = None
    recipient_can_delete: bool = False
    list_fields: list[str] | None = None

    @property
    def schema(self) -> msgspec.Raw | None:
        """What the manifests of children follow, None where they are free."""
        return None if self.collection_schema == _NULL else self.collection_schema


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate must know to decide: whose artifact, its grants, its parent's, and the caller's membership."""

    artifact_id: ArtifactId
    workspace: str
    alias: str
    grants: Grants
    parent_grants: Grants | None
    membership: Role | None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """An artifact together with what deciding about it takes, as one read of the catalog gives it.

    parent_config: JSON of the parent's config, None for a root artifact.
    membership: the caller's own role in the workspace, None where there is none.
    child_count: direct children, staged ones included; only filled where a reader asks for it.
    """

    artifact: Artifact
    parent_config: msgspec.Raw | None
    membership: Role | None
    child_count: int = 0


class View(msgspec.Struct, frozen=True, kw_only=True):
    """An artifact as one reader gets it: published, as of a version, or with its draft's values.

    staging: the draft's intent and paths, None where there is no draft or the reader did not ask for it.
    child_count: None where it was not asked for. vector_count: None for what is no vector collection.
    """

    artifact: Artifact
    staging: Staging | None = None
    child_count: int | None = None
    vector_count: int | None = None
