"""Copies and moves: an artifact in a second place, or in another. No byte is copied for either."""

from collections.abc import Mapping
from typing import Any

import msgspec

from armarium.core.counters import Counters
from armarium.core.interruptions import again_if_interrupted
from armarium.core.lookup import find
from armarium.core.permissions import access_of, parent_access, require, require_on_parent, require_role
from armarium.core.placement import Placement
from armarium.core.publishing import audit, view_of
from armarium.core.values import Values, new_values
from armarium.domain.artifact import Artifact, Found, View
from armarium.domain.errors import Invalid
from armarium.domain.file import FileEntry
from armarium.domain.identifiers import ArtifactId, VersionId
from armarium.domain.principal import Action, Principal, Role
from armarium.domain.version import INITIAL_COMMENT, Intent, StagedFile, Version
from armarium.ports.catalog import Catalog, Transaction
from armarium.ports.clock import Clock

LEFT_BEHIND = ("zenodo", "id_parts")
"""Parts of a config that belong to the one artifact and not to copies of it."""


class Copies:
    """Use cases that put an artifact somewhere else."""

    def __init__(self, catalog: Catalog, clock: Clock, counters: Counters) -> None:
        self._catalog = catalog
        self._clock = clock
        self._placement = Placement(clock, counters)

    @again_if_interrupted
    async def duplicate(
        self,
        principal: Principal,
        source: str,
        *,
        alias: str | None = None,
        workspace: str | None = None,
        parent: str | None = None,
        overwrite: bool = False,
        stage: bool = False,
    ) -> View:
        """Make a new artifact of another's published values and the files of its latest version.

        workspace: the source's, where neither it nor a parent is given. stage: leave the copy a draft.
        Secrets, grants and history stay behind; the caller owns the copy.
        Raises NotFound, Forbidden, AlreadyExists, Invalid, SchemaViolation.
        """
        async with self._catalog.transaction() as tx:
            original = await find(tx, principal, source)
            access = access_of(original)
            require(principal, Action.READ, access)
            require(principal, Action.GET_FILE, access, path="*")
            values = _copied_values(principal, original.artifact)
            home = workspace if parent is not None else workspace or original.artifact.workspace
            place = await self._placement.find(tx, principal, parent=parent, workspace=home, stage=stage)
            copy_id = await self._placement.fill(
                tx, principal, place, values, alias=alias, stage=stage, overwrite=overwrite
            )
            latest = original.artifact.versions[-1] if original.artifact.versions else None
            entries = await tx.list_files(latest.id) if latest else []
            await self._fill(tx, copy_id, values, entries, stage=stage)
            copy = await find(tx, principal, copy_id, count_children=True)
            await audit(tx, self._clock, principal, copy.artifact, "duplicate", original.artifact.id)
            return await view_of(tx, copy, staged=True)

    async def _fill(
        self, tx: Transaction, copy_id: ArtifactId, values: Values, entries: list[FileEntry], *, stage: bool
    ) -> None:
        await tx.put_draft(values.as_draft(copy_id, Intent.NEW_VERSION))
        await tx.stage_files(copy_id, [self._staged(entry) for entry in entries])
        if stage:
            return
        now = self._clock.now()
        first = Version(VersionId(self._clock.new_id()), "v0", 0, INITIAL_COMMENT, int(now), 0, 0)
        await tx.insert_version(copy_id, first, manifest=values.manifest, type=values.type)
        file_count = await tx.apply_staged_files(copy_id, first.id)
        await tx.publish(
            copy_id,
            type=values.type,
            manifest=values.manifest,
            config=values.config,
            now=now,
            fields=None,
            file_count=file_count,
        )
        await tx.delete_draft(copy_id)

    def _staged(self, entry: FileEntry) -> StagedFile:
        return StagedFile(
            path=entry.path,
            slot=self._clock.new_id(),
            blob_id=entry.blob_id,
            size_bytes=entry.size_bytes,
            modified_at=entry.modified_at,
            content_type=entry.content_type,
            sha256=entry.sha256,
        )

    @again_if_interrupted
    async def move(self, principal: Principal, name: str, parent: str | None) -> View:
        """Put an artifact under another parent of its workspace, or with None at the root.

        Raises NotFound, Forbidden (`detach` from the old parent, `attach` to the new), Invalid.
        """
        async with self._catalog.transaction() as tx:
            found = await find(tx, principal, name)
            artifact = found.artifact
            require(principal, Action.READ, access_of(found))
            old = parent_access(found)
            if old is not None:
                require_on_parent(principal, Action.DETACH, old)
            if parent is None:
                to = "make it a root artifact"
                require_role(principal, Role.READ_WRITE, artifact.workspace, found.membership, to=to)
                await tx.set_parent(artifact.id, None)
            else:
                await self._attach(tx, principal, artifact, parent)
            await audit(tx, self._clock, principal, artifact, "set_parent", parent or "")
            return await view_of(tx, await find(tx, principal, artifact.id), staged=True)

    async def _attach(self, tx: Transaction, principal: Principal, artifact: Artifact, parent: str) -> None:
        owner = await find(tx, principal, parent)
        if owner.artifact.workspace != artifact.workspace:
            raise Invalid("parent_id", "The new parent is in a different workspace.")
        if owner.artifact.id == artifact.id:
            raise Invalid("parent_id", "An artifact cannot be its own parent.")
        await _refuse_circle(tx, principal, artifact.id, owner)
        require_on_parent(principal, Action.ATTACH, access_of(owner))
        await self._placement.adopt(tx, principal, owner)
        await tx.set_parent(artifact.id, owner.artifact.id)


def _copied_values(principal: Principal, artifact: Artifact) -> Values:
    config: Mapping[str, Any] = msgspec.json.decode(artifact.config)
    kept = {key: value for key, value in config.items() if key not in (*LEFT_BEHIND, "permissions")}
    return new_values(principal, manifest=msgspec.json.decode(artifact.manifest), type=artifact.type, config=kept)


async def _refuse_circle(tx: Transaction, principal: Principal, artifact_id: ArtifactId, owner: Found) -> None:
    above = owner.artifact
    while above.parent_id is not None:
        if above.parent_id == artifact_id:
            raise Invalid("parent_id", "This would make a circular dependency.")
        above = (await find(tx, principal, above.parent_id)).artifact
