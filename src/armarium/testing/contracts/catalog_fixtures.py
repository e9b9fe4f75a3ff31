"""Short ways to put things into a catalog under test."""

from typing import Any

from armarium.domain.account import Workspace
from armarium.domain.artifact import Artifact
from armarium.domain.file import BlobId, FileEntry
from armarium.domain.identifiers import ArtifactId, ById, VersionId
from armarium.domain.manifest import IndexedScalar, encode_json, scalars
from armarium.domain.version import Draft, Intent, StagedFile, Version
from armarium.ports.catalog import Catalog, Transaction
from armarium.testing.builders import FixedClock
from armarium.testing.contracts.oracle import Known

clock = FixedClock()


def new_artifact_id() -> ArtifactId:
    return ArtifactId(clock.new_id())


def fields_of(manifest: dict[str, Any], config: dict[str, Any]) -> list[tuple[str, IndexedScalar]]:
    return [
        *(("manifest", scalar) for scalar in scalars(manifest)),
        *(("config", scalar) for scalar in scalars(config)),
    ]


async def insert(
    tx: Transaction,
    alias: str,
    *,
    workspace: str = "ws",
    parent_id: ArtifactId | None = None,
    manifest: dict[str, Any] | None = None,
    config: dict[str, Any] | None = None,
    type: str = "generic",
    created_by: str = "ada",
    now: float = 1.0,
    id: ArtifactId | None = None,
) -> ArtifactId | None:
    """Insert an artifact; returns its id, None when the alias is taken."""
    artifact_id = id or new_artifact_id()
    manifest, config = manifest or {}, config or {}
    inserted = await tx.insert_artifact(
        id=artifact_id,
        workspace=workspace,
        alias=alias,
        parent_id=parent_id,
        type=type,
        manifest=encode_json("manifest", manifest),
        config=encode_json("config", config),
        created_by=created_by,
        now=now,
        fields=fields_of(manifest, config),
    )
    return artifact_id if inserted else None


async def an_artifact(catalog: Catalog, alias: str = "a", **values: Any) -> ArtifactId:
    """Insert an artifact in a transaction of its own."""
    async with catalog.transaction() as tx:
        artifact_id = await insert(tx, alias, **values)
    assert artifact_id is not None
    return artifact_id


async def a_version(tx: Transaction, artifact_id: ArtifactId, position: int = 0, label: str | None = None) -> VersionId:
    version_id = VersionId(clock.new_id())
    version = Version(version_id, label or f"v{position}", position, "", 1, 0, 0)
    await tx.insert_version(artifact_id, version, manifest=encode_json("manifest", {"at": position}), type="generic")
    return version_id


def a_draft(artifact_id: ArtifactId, intent: Intent = Intent.NEW_VERSION) -> Draft:
    empty = encode_json("manifest", {})
    return Draft(artifact_id=artifact_id, intent=intent, manifest=empty, config=empty, type="generic")


def a_slot(path: str) -> StagedFile:
    return StagedFile(path=path, slot=clock.new_id())


def an_entry(path: str, size_bytes: int = 3, blob_id: str | None = None) -> FileEntry:
    return FileEntry(
        path=path,
        blob_id=BlobId(blob_id or clock.new_id()),
        size_bytes=size_bytes,
        modified_at=5.0,
        content_type="text/plain",
        sha256="00",
    )


async def stage(tx: Transaction, artifact_id: ArtifactId, *paths: str) -> list[FileEntry]:
    """Stage files whose bytes have arrived."""
    slots = [a_slot(path) for path in paths]
    await tx.stage_files(artifact_id, slots)
    entries = [an_entry(path) for path in paths]
    for slot, entry in zip(slots, entries, strict=True):
        assert await tx.fill_slot(slot.slot, entry)
    return entries


async def a_version_with(catalog: Catalog, artifact_id: ArtifactId, *paths: str, position: int = 0) -> VersionId:
    """Commit a version that holds files."""
    async with catalog.transaction() as tx:
        await stage(tx, artifact_id, *paths)
        version_id = await a_version(tx, artifact_id, position)
        await tx.apply_staged_files(artifact_id, version_id)
        await tx.delete_draft(artifact_id)
    return version_id


async def a_workspace(catalog: Catalog, name: str = "ws", **values: Any) -> Workspace:
    workspace = Workspace(name=name, **values)
    async with catalog.transaction() as tx:
        assert await tx.insert_workspace(workspace)
    return workspace


async def get(catalog: Catalog, artifact_id: ArtifactId) -> Artifact:
    found = await catalog.find_artifact(ById(artifact_id))
    assert found is not None
    return found.artifact


async def write_known(tx: Transaction, known: Known) -> None:
    """Make an artifact just as a test describes it."""
    artifact_id = ArtifactId(known.id)
    await insert(
        tx,
        known.alias,
        id=artifact_id,
        workspace=known.workspace,
        parent_id=ArtifactId(known.parent_id) if known.parent_id else None,
        type=known.type,
        created_by=known.created_by,
        now=known.created_at,
        manifest={"before": "publishing"},
    )
    await tx.publish(
        artifact_id,
        type=known.type,
        manifest=encode_json("manifest", known.manifest),
        config=encode_json("config", known.config),
        now=known.modified_at,
        fields=fields_of(known.manifest, known.config),
    )
    await tx.add_counts({artifact_id: (known.view_count, known.download_count)}, day="2026-01-01")
    if known.committed:
        await a_version(tx, artifact_id)
    if known.drafted:
        await tx.put_draft(a_draft(artifact_id))
