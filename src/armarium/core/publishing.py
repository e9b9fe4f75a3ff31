"""What the use cases share when they write: publishing, the audit line, the view that is answered."""

from collections.abc import Mapping

import msgspec

from armarium.core.semantic_settings import follow_settings, semantic_settings
from armarium.core.values import Values, published_values
from armarium.domain.artifact import Artifact, Found, View
from armarium.domain.errors import Invalid, NotFound
from armarium.domain.identifiers import ArtifactId
from armarium.domain.principal import Principal
from armarium.domain.version import Selector, Staging, pick_version
from armarium.ports.catalog import Event, Reader, Transaction
from armarium.ports.cipher import Cipher
from armarium.ports.clock import Clock


async def publish(
    tx: Transaction, artifact: Artifact, values: Values, *, now: float, file_count: int | None = None
) -> None:
    """Make values the published ones, and findable; what did not change is not indexed again."""
    await follow_settings(
        tx,
        artifact.id,
        before=semantic_settings(artifact.config, artifact.type),
        after=semantic_settings(values.config, values.type),
    )
    await tx.publish(
        artifact.id,
        type=values.type,
        manifest=values.manifest,
        config=values.config,
        now=now,
        fields=None if values == published_values(artifact) else values.fields(),
        file_count=file_count,
    )


async def audit(
    tx: Transaction, clock: Clock, principal: Principal, artifact: Artifact, action: str, detail: str = ""
) -> None:
    """Record who did what to which artifact, in the transaction that does it."""
    await tx.add_event(
        Event(
            at=clock.now(),
            workspace=artifact.workspace,
            actor=principal.effective_id,
            action=action,
            artifact_id=artifact.id,
            detail=detail,
        )
    )


async def view_of(reader: Reader, found: Found, *, staged: bool, with_draft_values: bool = False) -> View:
    """Answer with an artifact; staged: list its draft's paths; with_draft_values: and show the draft's values."""
    artifact = found.artifact
    if not staged or artifact.intent is None:
        return View(artifact=artifact)
    files = (await reader.staged_files([artifact.id])).get(artifact.id, ())
    staging = Staging(artifact.intent, files)
    draft = await reader.find_draft(artifact.id) if with_draft_values else None
    if draft is not None:
        artifact = msgspec.structs.replace(artifact, manifest=draft.manifest, config=draft.config, type=draft.type)
    return View(artifact=artifact, staging=staging)


async def view_as_of(reader: Reader, found: Found, version: Selector, *, stage: bool) -> View:
    """Answer with an artifact as published, as it was in a version, or with its draft. Raises NotFound, Invalid."""
    artifact = found.artifact
    if stage and version not in (None, "stage"):
        raise Invalid("version", "You cannot specify a version when using stage mode.")
    if (stage or version == "stage") and artifact.intent is not None:
        return await view_of(reader, found, staged=True, with_draft_values=True)
    picked = pick_version(artifact.versions, None if version == "stage" else version)
    if picked is None or picked == artifact.versions[-1]:
        return View(artifact=artifact)
    then = await reader.manifest_of(picked.id)
    if then is None:
        raise NotFound("version", picked.label)
    return View(artifact=msgspec.structs.replace(artifact, manifest=then[0], type=then[1]))


def seal_secrets(cipher: Cipher, artifact_id: ArtifactId, secrets: Mapping[str, str | None]) -> dict[str, bytes | None]:
    """Encrypt secrets for one artifact: a ciphertext moved to another artifact or key does not open."""
    return {
        key: None if value is None else cipher.seal(value, context=secret_context(artifact_id, key))
        for key, value in secrets.items()
    }


def secret_context(artifact_id: ArtifactId, key: str) -> str:
    return f"{artifact_id}/{key}"
