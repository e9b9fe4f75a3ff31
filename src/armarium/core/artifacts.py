"""Artifacts: create, read, delete, move among collections."""

from collections.abc import Mapping
from typing import Any

from armarium.core.counters import Counters, with_counts
from armarium.core.interruptions import again_if_interrupted
from armarium.core.lookup import find
from armarium.core.permissions import (
    access_of,
    is_addressee,
    parent_access,
    require,
    require_on_parent,
)
from armarium.core.placement import Placement, made_before
from armarium.core.publication import Publication
from armarium.core.publishing import audit, seal_secrets, view_as_of, view_of
from armarium.core.values import Values, new_values
from armarium.domain.artifact import Found, View
from armarium.domain.errors import Conflict
from armarium.domain.identifiers import ArtifactId, VersionId
from armarium.domain.principal import Action, Principal
from armarium.domain.vector import VECTOR_COLLECTION
from armarium.domain.version import INITIAL_COMMENT, Intent, Selector, Version, checked_label
from armarium.ports.catalog import Catalog, Transaction
from armarium.ports.cipher import Cipher
from armarium.ports.clock import Clock


class Artifacts:
    """Use cases around one artifact as a whole; the caller always comes first."""

    def __init__(
        self, catalog: Catalog, clock: Clock, counters: Counters, cipher: Cipher, publication: Publication
    ) -> None:
        self._catalog = catalog
        self._clock = clock
        self._counters = counters
        self._cipher = cipher
        self._publication = publication
        self._placement = Placement(clock, counters)

    @again_if_interrupted
    async def create(
        self,
        principal: Principal,
        *,
        manifest: Mapping[str, Any],
        alias: str | None = None,
        workspace: str | None = None,
        parent: str | None = None,
        type: str = "generic",
        config: Mapping[str, Any] | None = None,
        secrets: Mapping[str, str] | None = None,
        label: str | None = None,
        comment: str | None = None,
        stage: bool = False,
        overwrite: bool = False,
        id: str | None = None,
    ) -> View:
        """Add an artifact, with its first version or, with stage, with a draft.

        alias: a name, a pattern, or None for readable words. label: of the first version, else `v0`.
        overwrite: start an existing artifact of that alias afresh, keeping its id.
        id: a UUID of the caller's choice; when they have made it before, it is returned as it is.
        Raises NotFound (parent, workspace), Forbidden, AlreadyExists, Invalid, SchemaViolation, TooLarge; for an alias
        that holds the number of a deposit also Refused, Unavailable.
        """
        values = new_values(principal, manifest=manifest, type=type, config=config)
        where = {"parent": parent, "workspace": workspace}
        async with (
            self._publication.reserved(principal, alias, values, **where, secrets=secrets, stage=stage) as reserved,
            self._catalog.transaction() as tx,
        ):
            made = await made_before(tx, principal, id)
            if made is not None:
                return await view_of(tx, made, staged=True)
            alias, values = reserved.alias, reserved.values
            place = await self._placement.find(tx, principal, **where, stage=stage)
            artifact_id = await self._placement.fill(
                tx, principal, place, values, alias=alias, stage=stage, overwrite=overwrite, id=id
            )
            await self._start(tx, principal, artifact_id, values, secrets, label, comment, stage=stage)
            found = await find(tx, principal, artifact_id)
            await audit(tx, self._clock, principal, found.artifact, "create")
            return await view_of(tx, found, staged=True)

    async def read(
        self, principal: Principal, name: str, *, version: Selector = None, stage: bool = False, silent: bool = False
    ) -> View:
        """Return an artifact as published, as of a version, or with its draft; counts a view unless silent."""
        await self._counters.settle()
        found = await find(self._catalog, principal, name, count_children=True)
        require(principal, Action.READ, access_of(found))
        # What is not written yet is looked up while it certainly is not; what is refused below counts for nothing.
        views, downloads = self._counters.waiting(found.artifact.id)
        view = await view_as_of(self._catalog, found, version, stage=stage)
        vector_count = None
        if found.artifact.type == VECTOR_COLLECTION:
            vector_count = (await self._catalog.vector_state(found.artifact.id)).item_count
        if not silent:
            self._counters.add(found.artifact.id, views=1.0)
            views += 1.0
        return View(
            artifact=with_counts(view.artifact, views, downloads),
            staging=view.staging,
            child_count=found.child_count,
            vector_count=vector_count,
        )

    @again_if_interrupted
    async def delete(self, principal: Principal, name: str, *, recursive: bool = False, if_empty: bool = False) -> None:
        """Remove an artifact; with recursive everything below it too, else its children become root artifacts.

        if_empty: raise Conflict where it has children.
        Bytes nobody refers to any more are left to the sweeper, after the grace period.
        """
        async with self._catalog.transaction() as tx:
            found = await find(tx, principal, name, count_children=if_empty)
            if recursive or not is_addressee(principal, found):
                self._require_delete(principal, found)
            if if_empty and found.child_count:
                raise Conflict(f"Artifact '{found.artifact.name}' holds {found.child_count} artifacts.")
            doomed = [found.artifact.id]
            if recursive:
                doomed += await _descendants(tx, principal, found.artifact.id)
            else:
                await tx.orphan_children(found.artifact.id)
            await tx.delete_artifacts(doomed)
            await audit(tx, self._clock, principal, found.artifact, "delete")
        for artifact_id in doomed:
            self._counters.forget(artifact_id)

    def _require_delete(self, principal: Principal, found: Found) -> None:
        require(principal, Action.DELETE, access_of(found))
        parent = parent_access(found)
        if parent is not None:
            require_on_parent(principal, Action.DETACH, parent)

    @again_if_interrupted
    async def reset_stats(self, principal: Principal, name: str) -> None:
        """Set both counters back to zero."""
        async with self._catalog.transaction() as tx:
            found = await find(tx, principal, name)
            require(principal, Action.RESET_STATS, access_of(found))
            await tx.reset_counts(found.artifact.id)
            await audit(tx, self._clock, principal, found.artifact, "reset_stats")
        self._counters.forget(found.artifact.id)

    async def _start(
        self,
        tx: Transaction,
        principal: Principal,
        artifact_id: ArtifactId,
        values: Values,
        secrets: Mapping[str, str] | None,
        label: str | None,
        comment: str | None,
        *,
        stage: bool,
    ) -> None:
        """Give a fresh artifact its first version or its draft, and its secrets."""
        now = self._clock.now()
        if secrets:
            await tx.put_secrets(artifact_id, seal_secrets(self._cipher, artifact_id, secrets), replace=True)
        if stage:
            await tx.put_draft(values.as_draft(artifact_id, Intent.NEW_VERSION))
            return
        first = Version(
            id=VersionId(self._clock.new_id()),
            label=checked_label(label) if label else "v0",
            position=0,
            comment=comment or INITIAL_COMMENT,
            created_at=int(now),
            file_count=0,
            size_bytes=0,
        )
        await tx.insert_version(artifact_id, first, manifest=values.manifest, type=values.type)


async def _descendants(tx: Transaction, principal: Principal, root: ArtifactId) -> list[ArtifactId]:
    """Everything below an artifact, at any depth; raises Forbidden if any of it may not be deleted."""
    found: list[ArtifactId] = []
    level = [root]
    while level:
        below = [child for parent in level for child in await tx.child_ids(parent)]
        for child in below:
            require(principal, Action.DELETE, access_of(await find(tx, principal, child)))
        found += below
        level = below
    return found
