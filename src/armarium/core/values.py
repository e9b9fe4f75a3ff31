"""What an artifact says of itself, checked before anything is stored."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from armarium.core.permissions import strict_rules
from armarium.core.schemas import check_schema
from armarium.domain.artifact import COLLECTION_TYPES, Artifact
from armarium.domain.errors import Invalid
from armarium.domain.identifiers import ArtifactId
from armarium.domain.manifest import IndexedScalar, check_known_fields, check_searchable, encode_json, scalars
from armarium.domain.principal import Principal
from armarium.domain.semantic import semantic_search_of
from armarium.domain.vector import VECTOR_COLLECTION, completed_config
from armarium.domain.version import Draft, Intent

_TYPES_WITH_KNOWN_FIELDS = frozenset({"generic", "collection"})


class Values(msgspec.Struct, frozen=True, kw_only=True):
    """What an artifact says of itself, as checked JSON."""

    manifest: msgspec.Raw
    config: msgspec.Raw
    type: str

    def fields(self) -> Iterator[tuple[str, IndexedScalar]]:
        """Yield what a search can look at, as (source, scalar)."""
        for source, encoded in (("manifest", self.manifest), ("config", self.config)):
            for scalar in scalars(msgspec.json.decode(encoded)):
                yield source, scalar

    def as_draft(self, artifact_id: ArtifactId, intent: Intent) -> Draft:
        return Draft(artifact_id=artifact_id, intent=intent, manifest=self.manifest, config=self.config, type=self.type)


def published_values(artifact: Artifact) -> Values:
    return Values(manifest=artifact.manifest, config=artifact.config, type=artifact.type)


def drafted_values(draft: Draft) -> Values:
    return Values(manifest=draft.manifest, config=draft.config, type=draft.type)


def new_values(
    principal: Principal,
    *,
    manifest: Mapping[str, Any],
    type: str,
    config: Mapping[str, Any] | None,
) -> Values:
    """Check and complete what a new artifact is made of: its creator may do everything with it."""
    if not manifest:
        raise Invalid("manifest", "Manifest must be provided.")
    complete = dict(config or {})
    if type == VECTOR_COLLECTION:
        manifest, complete = completed_config(manifest, complete)
    granted = complete.get("permissions") or {}
    if not isinstance(granted, Mapping):
        raise Invalid("config", "Invalid config: 'permissions' must be an object.")
    complete["permissions"] = {**granted, principal.id: "*"}
    if type in COLLECTION_TYPES:
        complete["is_collection"] = True
    return checked_values(manifest, complete, type)


def checked_values(manifest: Mapping[str, Any], config: Mapping[str, Any], type: str) -> Values:
    """Encode published or staged values, refusing what could not be used later."""
    if type in _TYPES_WITH_KNOWN_FIELDS:
        check_known_fields(manifest)
    values = Values(manifest=encode_json("manifest", manifest), config=encode_json("config", config), type=type)
    check_searchable("manifest", manifest)
    check_searchable("config", config)
    schema = strict_rules(values.config).schema
    if schema is not None:
        check_schema(schema)
    semantic_search_of(config, type)
    return values
