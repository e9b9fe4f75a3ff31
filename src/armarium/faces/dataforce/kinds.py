"""Which of the three types an artifact is, from what its file says of itself."""

from typing import Any

from armarium.domain.errors import Invalid
from armarium.faces.dataforce import schemas as s
from armarium.faces.dataforce.mapping import ANY_TYPE, ARTIFACT_TYPES

_MODEL_MEMBERS = {"dtypes.json", "env.json", "manifest.json", "meta.json", "ops.json", "variant_config.json"}


def kind_of(body: s.NewArtifact, collection_type: str) -> str:
    """The type of a new artifact, which its collection must take.

    A file that does not say is what the client said, else what the collection takes first.
    Raises Invalid (`type`).
    """
    detected = _detected(body.manifest, body.file_index)
    if detected is not None and body.type is not None and detected != body.type:
        raise Invalid("type", "Artifact's real type does not match the type you specified.")
    taken = ARTIFACT_TYPES if collection_type == ANY_TYPE else collection_type.split("_")
    kind = detected or body.type or taken[0]
    if kind not in taken:
        raise Invalid("type", "Artifact type is not allowed for this collection type")
    return kind


def _detected(manifest: dict[str, Any], file_index: dict[str, Any]) -> str | None:
    if "artifact_type" in manifest:
        kind = manifest["artifact_type"]
        if kind not in ARTIFACT_TYPES:
            raise Invalid("type", "Unsupported LUML Artifact type.")
        return str(kind)
    return "model" if file_index.keys() >= _MODEL_MEMBERS else None
