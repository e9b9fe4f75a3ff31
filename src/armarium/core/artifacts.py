"""Artifacts: create, read, delete, move among collections."""

from collections.abc import Mapping
from typing import Any

import msgspec

from armarium.core.aliases import ATTEMPTS, fill_pattern, is_pattern, readable_words
from armarium.core.counters import Counters
from armarium.core.lookup import find
from armarium.core.permissions import (
    access_of,
    parent_access,
    require,
    require_on_parent,
    require_role,
    rules_of,
    strict_rules,
)
from armarium.core.publishing import Values, audit, publish, seal_secrets, view_of
from armarium.core.schemas import check_manifest, check_schema
from armarium.domain.account import Workspace
from armarium.domain.artifact import COLLECTION_TYPES, Found, View
from armarium.domain.errors import AlreadyExists, Conflict, Forbidden, Invalid, NotFound
from armarium.domain.identifiers import ArtifactId, ByAlias, VersionId, checked_alias
from armarium.domain.manifest import check_known_fields, encode_json
from armarium.domain.principal import Action, Principal, Role
from armarium.domain.version import INITIAL_COMMENT, Intent, Selector, Version, checked_label, pick_version
from armarium.ports.catalog import Catalog, Transaction
from armarium.ports.cipher import Cipher
from armarium.ports.clock import Clock

_TYPES_WITH_KNOWN_FIELDS = frozenset({"generic", "collection"})


class Artifacts:
    """Use cases around one artifact as a whole; the caller always comes first."""

    def __init__(self, catalog: Catalog, clock: Clock, counters: Counters, cipher: Cipher) -> None:
        self._catalog = catalog
        self._clock = clock
        self._counters = counters
        self._cipher = cipher

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
    ) -> View:
        """Add an artifact, with its first version or, with stage, with a draft.

        alias: a name, a pattern, or None for readable words. label: of the first version, else `v0`.
        overwrite: start an existing artifact of that alias afresh, keeping its id.
        Raises NotFound (parent, workspace), Forbidden, AlreadyExists, Invalid, SchemaViolation, TooLarge.
        """
        values = new_values(principal, manifest=manifest, type=type, config=config)
        async with self._catalog.transaction() as tx:
            owner = await self._parent(tx, principal, parent, workspace, stage=stage)
            home = owner.artifact.workspace if owner else workspace or principal.workspace
            if owner is None:
                await self._require_own_place(tx, principal, home)
            schema = rules_of(owner.artifact.config).collection_schema if owner else None
            if schema is not None and not stage:
                check_manifest(values.manifest, schema)
            artifact_id = await self._insert(tx, principal, home, alias, owner, values, overwrite=overwrite)
            if owner is not None:
                await _mark_collection(tx, owner, self._clock.now())
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
        if not silent:
            self._counters.add(found.artifact.id, views=1.0)
        view = await self._as_of(found, version, stage=stage)
        return msgspec.structs.replace(
            view, artifact=self._counters.counted(view.artifact), child_count=found.child_count
        )

    async def _as_of(self, found: Found, version: Selector, *, stage: bool) -> View:
        artifact = found.artifact
        if stage and version not in (None, "stage"):
            raise Invalid("version", "You cannot specify a version when using stage mode.")
        if (stage or version == "stage") and artifact.intent is not None:
            return await view_of(self._catalog, found, staged=True, with_draft_values=True)
        picked = pick_version(artifact.versions, None if version == "stage" else version)
        if picked is None or picked == artifact.versions[-1]:
            return View(artifact=artifact)
        then = await self._catalog.manifest_of(picked.id)
        if then is None:
            raise NotFound("version", picked.label)
        return View(artifact=msgspec.structs.replace(artifact, manifest=then[0], type=then[1]))

    async def delete(self, principal: Principal, name: str, *, recursive: bool = False) -> None:
        """Remove an artifact; with recursive everything below it too, else its children become root artifacts.

        Bytes nobody refers to any more are left to the sweeper, after the grace period.
        """
        async with self._catalog.transaction() as tx:
            found = await find(tx, principal, name)
            if not _is_own_mail(principal, found):
                self._require_delete(principal, found, recursive=recursive)
            doomed = [found.artifact.id]
            if recursive:
                doomed += await _descendants(tx, principal, found.artifact.id)
            else:
                await tx.orphan_children(found.artifact.id)
            await tx.delete_artifacts(doomed)
            await audit(tx, self._clock, principal, found.artifact, "delete")
        for artifact_id in doomed:
            self._counters.forget(artifact_id)

    def _require_delete(self, principal: Principal, found: Found, *, recursive: bool) -> None:
        require(principal, Action.DELETE, access_of(found))
        parent = parent_access(found)
        if parent is not None and not recursive:
            require_on_parent(principal, Action.DETACH, parent)

    async def reset_stats(self, principal: Principal, name: str) -> None:
        """Set both counters back to zero."""
        async with self._catalog.transaction() as tx:
            found = await find(tx, principal, name)
            require(principal, Action.RESET_STATS, access_of(found))
            await tx.reset_counts(found.artifact.id)
            await audit(tx, self._clock, principal, found.artifact, "reset_stats")
        self._counters.forget(found.artifact.id)

    async def _parent(
        self, tx: Transaction, principal: Principal, parent: str | None, workspace: str | None, *, stage: bool
    ) -> Found | None:
        if parent is None:
            return None
        owner = await find(tx, principal, parent)
        access = access_of(owner)
        if workspace is not None and workspace != owner.artifact.workspace:
            raise Invalid("workspace", f"Workspace '{workspace}' does not match parent's workspace.")
        require(principal, Action.LIST, access)
        require_on_parent(principal, Action.DRAFT if stage else Action.ATTACH, access)
        return owner

    async def _require_own_place(self, tx: Transaction, principal: Principal, workspace: str) -> None:
        place = await tx.find_workspace(workspace, viewer=principal.effective_id)
        if place is None and workspace == principal.home_workspace:
            place = Workspace(name=workspace, persistent=not principal.is_anonymous)
            if place.persistent:
                await _move_in(tx, principal, self._clock.now())
        if place is None:
            raise NotFound("workspace", workspace)
        if not place.persistent:
            raise Forbidden(
                Action.CREATE,
                f"User does not have permission to keep artifacts in the non-persistent workspace '{workspace}'.",
            )
        require_role(principal, Role.READ_WRITE, workspace, place.membership, to="create an orphan artifact")

    async def _insert(
        self,
        tx: Transaction,
        principal: Principal,
        workspace: str,
        alias: str | None,
        owner: Found | None,
        values: Values,
        *,
        overwrite: bool,
    ) -> ArtifactId:
        """Add the artifact under the first alias that is free, or take over the one that has it."""
        id_parts = rules_of(owner.artifact.config).id_parts if owner else None
        parent_id = owner.artifact.id if owner else None
        generated = alias is None or is_pattern(alias)
        for _ in range(ATTEMPTS if generated else 1):
            candidate = alias or readable_words()
            if generated and alias:
                candidate = fill_pattern(alias, principal=principal, clock=self._clock, id_parts=id_parts)
            artifact_id = ArtifactId(self._clock.new_id())
            if await tx.insert_artifact(
                id=artifact_id,
                workspace=workspace,
                alias=checked_alias(candidate),
                parent_id=parent_id,
                type=values.type,
                manifest=values.manifest,
                config=values.config,
                created_by=principal.effective_id,
                now=self._clock.now(),
                fields=values.fields(),
            ):
                return artifact_id
            if not generated:
                ref = ByAlias(workspace, candidate)
                return await self._take_over(tx, principal, ref, parent_id, values, overwrite=overwrite)
        raise Conflict(f"No free alias was found for '{alias}' in {ATTEMPTS} attempts.")

    async def _take_over(
        self,
        tx: Transaction,
        principal: Principal,
        ref: ByAlias,
        parent_id: ArtifactId | None,
        values: Values,
        *,
        overwrite: bool,
    ) -> ArtifactId:
        found = await find(tx, principal, str(ref), count_children=True)
        artifact = found.artifact
        if artifact.parent_id != parent_id:
            where = f"under '{artifact.parent_name}'" if artifact.parent_id else "without a parent"
            raise AlreadyExists("artifact", str(ref), f"Artifact '{ref}' already exists {where}.")
        if not overwrite:
            raise AlreadyExists(
                "artifact", str(ref), f"Artifact '{ref}' already exists: choose another alias or set overwrite to True."
            )
        if artifact.created_by != principal.effective_id:
            require(principal, Action.DELETE, access_of(found))
        if found.child_count:
            raise Invalid(
                "overwrite", f"Cannot overwrite artifact '{ref}': it holds {found.child_count} child artifacts."
            )
        now = self._clock.now()
        await tx.reset_artifact(artifact.id, created_by=principal.effective_id, now=now)
        await publish(tx, artifact, values, now=now, file_count=0)
        self._counters.forget(artifact.id)
        return artifact.id

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
    schema = strict_rules(values.config).collection_schema
    if schema is not None:
        check_schema(schema)
    return values


def _is_own_mail(principal: Principal, found: Found) -> bool:
    """Whether the caller is the addressee of a child in a collection that lets addressees delete."""
    rules = rules_of(found.parent_config)
    if not (rules.recipient_can_delete and principal.email and isinstance(rules.recipient_field, str)):
        return False
    addressee = msgspec.json.decode(found.artifact.manifest).get(rules.recipient_field)
    return bool(addressee == principal.email)


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


async def _mark_collection(tx: Transaction, owner: Found, now: float) -> None:
    """What has a child is a collection from then on."""
    artifact = owner.artifact
    if rules_of(artifact.config).is_collection:
        return
    config = {**msgspec.json.decode(artifact.config), "is_collection": True}
    values = Values(manifest=artifact.manifest, config=encode_json("config", config), type=artifact.type)
    await publish(tx, artifact, values, now=now)


async def _move_in(tx: Transaction, principal: Principal, now: float) -> None:
    """Give a user their personal workspace when they first need it."""
    workspace = Workspace(name=principal.home_workspace, owner=principal.effective_id, created_at=now)
    if await tx.insert_workspace(workspace):
        await tx.put_member(workspace.name, principal.effective_id, Role.ADMIN)
