"""What the use cases share when they write: values to publish, the audit line, the view that is answered."""

from collections.abc import Iterator, Mapping

import msgspec

from armarium.domain.artifact import Artifact, Found, View
from armarium.domain.identifiers import ArtifactId
from armarium.domain.manifest import IndexedScalar, scalars
from armarium.domain.principal import Principal
from armarium.domain.version import Draft, Intent, Staging
from armarium.ports.catalog import Event, Reader, Transaction
from armarium.ports.cipher import Cipher
from armarium.ports.clock import Clock


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


async def publish(
    tx: Transaction, artifact: Artifact, values: Values, *, now: float, file_count: int | None = None
) -> None:
    """Make values the published ones, and findable; what did not change is not indexed again."""
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


def seal_secrets(cipher: Cipher, artifact_id: ArtifactId, secrets: Mapping[str, str | None]) -> dict[str, bytes | None]:
    """Encrypt secrets for one artifact: a ciphertext moved to another artifact or key does not open."""
    return {
        key: None if value is None else cipher.seal(value, context=secret_context(artifact_id, key))
        for key, value in secrets.items()
    }


def secret_context(artifact_id: ArtifactId, key: str) -> str:
    return f"{artifact_id}/{key}"
