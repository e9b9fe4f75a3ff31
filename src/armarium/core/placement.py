"""Where a new artifact goes: under a parent or at the root of a workspace, under an alias that is free."""

from collections.abc import Mapping

import msgspec

from armarium.core.aliases import ATTEMPTS, fill_pattern, is_pattern, readable_words, wants_deposit
from armarium.core.counters import Counters
from armarium.core.lookup import find
from armarium.core.permissions import access_of, require, require_on_parent, require_role, rules_of
from armarium.core.publishing import publish
from armarium.core.schemas import check_manifest
from armarium.core.semantic_settings import follow_settings, semantic_settings
from armarium.core.values import Values
from armarium.domain.artifact import Found
from armarium.domain.errors import AlreadyExists, Conflict, Forbidden, Invalid, NotFound, Unsupported
from armarium.domain.identifiers import (
    MAX_ALIAS_LENGTH,
    MAX_FILLED_LENGTH,
    ArtifactId,
    ByAlias,
    ById,
    check_alias_length,
    checked_alias,
)
from armarium.domain.manifest import encode_json
from armarium.domain.principal import Action, Principal, Role
from armarium.ports.catalog import Reader, Transaction
from armarium.ports.clock import Clock


class Place(msgspec.Struct, frozen=True):
    """A place someone may create in. owner: the parent, None for a root artifact."""

    workspace: str
    owner: Found | None

    @property
    def parent_id(self) -> ArtifactId | None:
        return self.owner.artifact.id if self.owner else None


class Placement:
    """Finds places and fills them, inside the caller's transaction."""

    def __init__(self, clock: Clock, counters: Counters) -> None:
        self._clock = clock
        self._counters = counters

    async def find(
        self, tx: Reader, principal: Principal, *, parent: str | None, workspace: str | None, stage: bool
    ) -> Place:
        """Return where the caller may create; stage: what is created stays a draft for now.

        Raises NotFound (parent, workspace), Forbidden, Invalid (they do not agree).
        """
        if parent is None:
            home = workspace or principal.workspace
            await self._require_own_place(tx, principal, home)
            return Place(home, None)
        owner = await find(tx, principal, parent, shared=True)  # many may add to one collection at once
        if workspace is not None and workspace != owner.artifact.workspace:
            raise Invalid("workspace", f"Workspace '{workspace}' does not match parent's workspace.")
        access = access_of(owner)
        require(principal, Action.LIST, access)
        require_on_parent(principal, Action.DRAFT if stage else Action.ATTACH, access)
        return Place(owner.artifact.workspace, owner)

    async def _require_own_place(self, tx: Reader, principal: Principal, workspace: str) -> None:
        place = await tx.find_workspace(workspace, viewer=principal.effective_id, shared=True)
        is_passing = principal.is_anonymous and workspace == principal.home_workspace
        if place is None and not is_passing:
            raise NotFound("workspace", workspace)
        if place is None or not place.persistent:
            raise Forbidden(
                Action.CREATE,
                f"User does not have permission to keep artifacts in the non-persistent workspace '{workspace}'.",
            )
        require_role(principal, Role.READ_WRITE, workspace, place.membership, to="create an orphan artifact")

    async def fill(
        self,
        tx: Transaction,
        principal: Principal,
        place: Place,
        values: Values,
        *,
        alias: str | None,
        stage: bool,
        overwrite: bool,
        id: str | None = None,
    ) -> ArtifactId:
        """Add an artifact, without versions yet, and make its parent a collection. id: None for a fresh one.

        Raises AlreadyExists, Conflict (no alias is free), Invalid (alias), SchemaViolation.
        """
        rules = rules_of(place.owner.artifact.config) if place.owner else rules_of(None)
        if rules.schema is not None and not stage:
            check_manifest(values.manifest, rules.schema)
        artifact_id = await self._insert(
            tx, principal, place, alias, values, rules.id_parts, overwrite=overwrite, id=id
        )
        if place.owner is not None:
            await self.adopt(tx, principal, place.owner)
        return artifact_id

    async def _insert(
        self,
        tx: Transaction,
        principal: Principal,
        place: Place,
        alias: str | None,
        values: Values,
        id_parts: Mapping[str, object] | None,
        *,
        overwrite: bool,
        id: str | None,
    ) -> ArtifactId:
        """Add the artifact under the first alias that is free, or take over the one that has it."""
        generated = alias is None or is_pattern(alias)
        if alias is not None and generated:
            _check_pattern(alias, values)
        for _ in range(ATTEMPTS if generated else 1):
            candidate = readable_words() if alias is None else alias
            if generated and alias is not None:
                candidate = fill_pattern(alias, principal=principal, clock=self._clock, id_parts=id_parts)
            artifact_id = ArtifactId(id or self._clock.new_id())
            if await tx.insert_artifact(
                id=artifact_id,
                workspace=place.workspace,
                alias=checked_alias(candidate, most=MAX_FILLED_LENGTH if generated else MAX_ALIAS_LENGTH),
                parent_id=place.parent_id,
                type=values.type,
                manifest=values.manifest,
                config=values.config,
                created_by=principal.effective_id,
                now=self._clock.now(),
                fields=values.fields(),
            ):
                settings = semantic_settings(values.config, values.type)
                await follow_settings(tx, artifact_id, before=None, after=settings)
                return artifact_id
            if not generated:
                ref = ByAlias(place.workspace, candidate)
                return await self._take_over(tx, principal, ref, place.parent_id, values, overwrite=overwrite)
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

    async def adopt(self, tx: Transaction, principal: Principal, owner: Found) -> None:
        """Make an artifact a collection, as what has a child is one from then on."""
        if rules_of(owner.artifact.config).is_collection:
            return
        artifact = (await find(tx, principal, owner.artifact.id)).artifact  # not shared: it may have changed till then
        config = {**msgspec.json.decode(artifact.config), "is_collection": True}
        values = Values(manifest=artifact.manifest, config=encode_json("config", config), type=artifact.type)
        await publish(tx, artifact, values, now=self._clock.now())


async def made_before(tx: Transaction, principal: Principal, id: str | None) -> Found | None:
    """What the caller has already made under an id of their choice. Raises AlreadyExists for somebody else's."""
    found = await tx.find_artifact(ById(ArtifactId(id)), viewer=principal.effective_id) if id else None
    if found is not None and found.artifact.created_by != principal.effective_id:
        raise AlreadyExists("artifact", found.artifact.id)
    return found


def _check_pattern(pattern: str, values: Values) -> None:
    """Refuse a pattern that is too long before it is filled, or that names a deposit nobody has made."""
    check_alias_length(pattern)
    if not wants_deposit(pattern):
        return
    if not msgspec.json.decode(values.config).get("publish_to"):
        raise Invalid(
            "alias", "A Zenodo placeholder in the alias needs config.publish_to: 'zenodo' or 'sandbox_zenodo'."
        )
    raise Unsupported("A copy cannot be named after a deposit at Zenodo, only a new artifact can.")
