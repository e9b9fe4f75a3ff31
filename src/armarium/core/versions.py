"""Versions: edit, stage, commit, discard, remove.

edit, directly            publishes at once: in place, or as a new version
edit(stage=True)          opens a draft, or changes the open one; nobody else sees it
commit                    one transaction: the draft becomes the latest version, or a new one; no byte is moved
discard                   the draft goes; committed files were never touched
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from armarium.core.arrivals import Arrivals
from armarium.core.interruptions import again_if_interrupted
from armarium.core.lookup import find
from armarium.core.permissions import (
    access_of,
    parent_access,
    require,
    require_commit,
    require_on_parent,
    rules_of,
)
from armarium.core.publishing import (
    audit,
    publish,
    seal_secrets,
    view_of,
)
from armarium.core.schemas import check_manifest
from armarium.core.values import Values, checked_values, drafted_values, published_values
from armarium.domain.artifact import COLLECTION_TYPES, Artifact, Found, View
from armarium.domain.errors import Invalid, NotFound, NotStaged
from armarium.domain.identifiers import VersionId
from armarium.domain.manifest import encode_json
from armarium.domain.principal import Action, Principal
from armarium.domain.upload import OpenUpload
from armarium.domain.version import INITIAL_COMMENT, Intent, StagedFile, Version, new_label
from armarium.ports.catalog import Catalog, Transaction
from armarium.ports.cipher import Cipher
from armarium.ports.clock import Clock


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What an edit replaces; None leaves a part as it is."""

    manifest: Mapping[str, Any] | None = None
    config: Mapping[str, Any] | None = None
    type: str | None = None
    secrets: Mapping[str, str] | None = None

    def over(self, values: Values) -> Values:
        """Return checked values with the given parts replaced entirely."""
        if self.manifest is None and self.config is None and self.type is None:
            return values
        kind = self.type or values.type
        config = dict(self.config if self.config is not None else msgspec.json.decode(values.config))
        if kind in COLLECTION_TYPES or rules_of(values.config).is_collection:
            config["is_collection"] = True  # else a new config would hide what the collection holds
        manifest = self.manifest if self.manifest is not None else msgspec.json.decode(values.manifest)
        return checked_values(manifest, config, kind)


class Versions:
    """Use cases around what is staged and what is committed."""

    def __init__(self, catalog: Catalog, clock: Clock, cipher: Cipher, arrivals: Arrivals) -> None:
        self._catalog = catalog
        self._clock = clock
        self._cipher = cipher
        self._arrivals = arrivals

    @again_if_interrupted
    async def stage(self, principal: Principal, name: str, changes: Changes, *, intent: Intent | None = None) -> View:
        """Open a draft or change the open one; intent None keeps that of the draft (a fresh one edits in place).

        Raises NotFound, Forbidden, Invalid, TooLarge.
        """
        async with self._catalog.transaction() as tx:
            found = await find(tx, principal, name)
            artifact = found.artifact
            require(principal, Action.EDIT, access_of(found))
            draft = await tx.find_draft(artifact.id)
            values = changes.over(drafted_values(draft) if draft else published_values(artifact))
            kept = draft.intent if draft else Intent.EDIT_VERSION
            await tx.put_draft(values.as_draft(artifact.id, intent or kept))
            if changes.secrets is not None:
                sealed = seal_secrets(self._cipher, artifact.id, changes.secrets)
                await tx.put_secrets(artifact.id, sealed, replace=True, staged=True)
            await audit(tx, self._clock, principal, artifact, "stage")
            return await view_of(tx, await find(tx, principal, artifact.id), staged=True, with_draft_values=True)

    @again_if_interrupted
    async def edit(
        self,
        principal: Principal,
        name: str,
        changes: Changes,
        *,
        label: str | None = None,
        as_new: bool = False,
        comment: str | None = None,
    ) -> View:
        """Publish changes at once; an open draft is committed with them, unless a version is named.

        label: the existing version to change, None for the latest. as_new: append a version instead.
        Raises NotFound, Forbidden, Invalid, SchemaViolation, TooLarge.
        """
        if label is None:
            await self._settle(principal, name)
        async with self._catalog.transaction() as tx:
            found = await find(tx, principal, name)
            self._require_direct_edit(principal, found)
            _require_known_label(found.artifact, label)
            changes = _keeping_own_grant(principal, found.artifact, changes)
            draft = await tx.find_draft(found.artifact.id)
            if changes.secrets is not None:
                sealed = seal_secrets(self._cipher, found.artifact.id, changes.secrets)
                await tx.put_secrets(found.artifact.id, sealed, replace=True)
            if draft is not None and label is None:
                intent = Intent.NEW_VERSION if as_new else draft.intent
                values = changes.over(drafted_values(draft))
                await self._commit(tx, found, values, intent, label=None, comment=comment)
            elif label is not None and label != found.artifact.versions[-1].label:
                await self._edit_old(tx, found, changes, label)
            else:
                await self._edit_latest(tx, found, changes, as_new=as_new, comment=comment)
            await audit(tx, self._clock, principal, found.artifact, "edit")
            return await view_of(tx, await find(tx, principal, found.artifact.id), staged=True)

    @again_if_interrupted
    async def amend(self, principal: Principal, name: str, changes: Changes) -> View:
        """Change what an artifact says of itself now, in place; an open draft keeps its files and, beside a version,
        its values.

        Raises NotFound, Forbidden, Invalid, SchemaViolation, TooLarge.
        """
        async with self._catalog.transaction() as tx:
            found = await find(tx, principal, name)
            artifact = found.artifact
            access = access_of(found)
            require(principal, Action.EDIT, access)
            require(principal, Action.COMMIT, access)
            values = changes.over(published_values(artifact))
            _check_schema(found, values)
            await self._write_down(tx, artifact, values)
            await audit(tx, self._clock, principal, artifact, "edit")
            return await view_of(tx, await find(tx, principal, artifact.id), staged=True)

    async def _write_down(self, tx: Transaction, artifact: Artifact, values: Values) -> None:
        """Put values where the latest version, or the draft of what was never committed, has them."""
        now = self._clock.now()
        if artifact.versions:
            latest = artifact.versions[-1].id
            await tx.update_version(latest, manifest=values.manifest, type=values.type, now=now)
        elif artifact.intent is not None:
            await tx.put_draft(values.as_draft(artifact.id, artifact.intent))
        await publish(tx, artifact, values, now=now)

    @again_if_interrupted
    async def commit(
        self, principal: Principal, name: str, *, label: str | None = None, comment: str | None = None
    ) -> View:
        """Turn what is staged into the artifact's next version, or into its latest.

        label: of a new version, None takes the next free `v<n>`; ignored where the latest is changed in place.
        Every staged file must have arrived; the manifest must follow the collection's schema. Nothing changes before
        all of that is checked, and no byte is copied. Leaves nothing staged.
        Raises NotFound (artifact, file), Forbidden, NotStaged, AlreadyExists (label), SchemaViolation.
        """
        await self._settle(principal, name)
        async with self._catalog.transaction() as tx:
            waiting = await self._waiting(tx, principal, name)
            view = await self.commit_within(tx, principal, name, label=label, comment=comment)
        await self._arrivals.drop(waiting)
        return view

    async def _settle(self, principal: Principal, name: str) -> None:
        """Before a transaction, see what clients have brought to the store for a draft the caller may commit."""
        if not self._arrivals.are_possible:
            return
        found = await find(self._catalog, principal, name)
        if found.artifact.intent is not None:
            require(principal, Action.COMMIT, access_of(found))
            await self._arrivals.settle(found.artifact.id, completely=True)

    async def _waiting(self, tx: Transaction, principal: Principal, name: str) -> list[OpenUpload]:
        """The uploads to the store whose URLs end with the draft."""
        if not self._arrivals.are_possible:
            return []
        return await self._arrivals.waiting(tx, (await find(tx, principal, name)).artifact.id)

    async def commit_within(
        self, tx: Transaction, principal: Principal, name: str, *, label: str | None = None, comment: str | None = None
    ) -> View:
        """Commit as part of a transaction under way."""
        if label == "stage":
            raise Invalid("version", "Invalid version: a commit cannot be named 'stage'.")
        found = await find(tx, principal, name)
        require_commit(principal, found)
        draft = await tx.find_draft(found.artifact.id)
        if draft is None:
            raise NotStaged("Artifact must be in staging mode to commit.")
        await self._commit(tx, found, drafted_values(draft), draft.intent, label=label, comment=comment)
        await audit(tx, self._clock, principal, found.artifact, "commit")
        return await view_of(tx, await find(tx, principal, found.artifact.id), staged=False)

    @again_if_interrupted
    async def discard(self, principal: Principal, name: str) -> View:
        """Forget everything staged. Raises NotFound, Forbidden, NotStaged."""
        async with self._catalog.transaction() as tx:
            found = await find(tx, principal, name)
            require(principal, Action.EDIT, access_of(found))
            if found.artifact.intent is None:
                raise NotStaged("No staged changes to discard.")
            waiting = await self._arrivals.waiting(tx, found.artifact.id)
            await tx.delete_draft(found.artifact.id)
            await audit(tx, self._clock, principal, found.artifact, "discard")
            view = await view_of(tx, await find(tx, principal, found.artifact.id), staged=False)
        await self._arrivals.drop(waiting)
        return view

    @again_if_interrupted
    async def remove(self, principal: Principal, name: str, version: str | int) -> None:
        """Remove one version; the others keep their names and files.

        Raises NotFound, Forbidden, Invalid (the version, naming those there are).
        """
        async with self._catalog.transaction() as tx:
            found = await find(tx, principal, name)
            require(principal, Action.DELETE, access_of(found))
            doomed = _version_to_remove(found.artifact, version)
            await tx.delete_version(doomed.id)
            left = [kept for kept in found.artifact.versions if kept.id != doomed.id]
            if left and doomed.position > left[-1].position:
                await self._show_again(tx, found, left[-1])
            await audit(tx, self._clock, principal, found.artifact, "delete_version", doomed.label)

    async def _show_again(self, tx: Transaction, found: Found, version: Version) -> None:
        """Publish an older version's values, after the latest was removed."""
        then = await tx.manifest_of(version.id)
        if then is not None:
            values = Values(manifest=then[0], config=found.artifact.config, type=then[1])
            await publish(tx, found.artifact, values, now=self._clock.now(), file_count=version.file_count)

    def _require_direct_edit(self, principal: Principal, found: Found) -> None:
        require(principal, Action.EDIT, access_of(found))
        require_commit(principal, found)
        parent = parent_access(found)
        if parent is not None and found.artifact.versions:
            require_on_parent(principal, Action.MUTATE, parent)

    async def _commit(
        self, tx: Transaction, found: Found, values: Values, intent: Intent, *, label: str | None, comment: str | None
    ) -> None:
        artifact = found.artifact
        staged = (await tx.staged_files([artifact.id])).get(artifact.id, ())
        _require_arrived(staged)
        values = _with_weights(values, staged)
        _check_schema(found, values)
        as_new = intent is Intent.NEW_VERSION
        version_id = await self._write_version(tx, artifact, values, as_new=as_new, label=label, comment=comment)
        file_count = await tx.apply_staged_files(artifact.id, version_id) if staged else _kept_files(artifact, as_new)
        await publish(tx, artifact, values, now=self._clock.now(), file_count=file_count)
        await tx.publish_secrets(artifact.id)
        await tx.delete_draft(artifact.id)

    async def _edit_latest(
        self, tx: Transaction, found: Found, changes: Changes, *, as_new: bool, comment: str | None
    ) -> None:
        artifact = found.artifact
        values = changes.over(published_values(artifact))
        _check_schema(found, values)
        in_place_comment = comment if as_new or not artifact.versions else None
        await self._write_version(tx, artifact, values, as_new=as_new, label=None, comment=in_place_comment)
        await publish(tx, artifact, values, now=self._clock.now(), file_count=_kept_files(artifact, as_new))

    async def _edit_old(self, tx: Transaction, found: Found, changes: Changes, label: str) -> None:
        """Change what an older version says; the config belongs to the artifact as a whole."""
        artifact = found.artifact
        version = next(version for version in artifact.versions if version.label == label)
        then = await tx.manifest_of(version.id)
        if then is None:
            raise NotFound("version", label)
        values = changes.over(Values(manifest=then[0], config=artifact.config, type=then[1]))
        _check_schema(found, values)
        now = self._clock.now()
        await tx.update_version(version.id, manifest=values.manifest, type=values.type, now=now)
        latest = Values(manifest=artifact.manifest, config=values.config, type=artifact.type)
        await publish(tx, artifact, latest, now=now)

    async def _write_version(
        self,
        tx: Transaction,
        artifact: Artifact,
        values: Values,
        *,
        as_new: bool,
        label: str | None,
        comment: str | None,
    ) -> VersionId:
        """Append a version, or change the latest in place; an artifact without versions gets its first."""
        now = self._clock.now()
        if artifact.versions and not as_new:
            latest = artifact.versions[-1]
            await tx.update_version(latest.id, manifest=values.manifest, type=values.type, comment=comment, now=now)
            return latest.id
        version = Version(
            id=VersionId(self._clock.new_id()),
            label=new_label(artifact.versions, label),
            position=artifact.versions[-1].position + 1 if artifact.versions else 0,
            comment=comment if comment is not None else "" if artifact.versions else INITIAL_COMMENT,
            created_at=int(now),
            file_count=0,
            size_bytes=0,
        )
        await tx.insert_version(artifact.id, version, manifest=values.manifest, type=values.type)
        return version.id


def _keeping_own_grant(principal: Principal, artifact: Artifact, changes: Changes) -> Changes:
    """Let who edits a child not lock themselves out of it: a new config keeps the grant they have."""
    given = (changes.config or {}).get("permissions") or {}
    if changes.config is None or artifact.parent_id is None or not isinstance(given, Mapping):
        return changes
    held = rules_of(artifact.config).permissions
    own = {who: held[who] for who in (principal.id, principal.effective_id) if who in held}
    return msgspec.structs.replace(changes, config={**changes.config, "permissions": {**own, **given}})


def _kept_files(artifact: Artifact, as_new: bool) -> int:
    """How many files the version written has, when none were staged: a new version starts empty."""
    return 0 if as_new or not artifact.versions else artifact.versions[-1].file_count


def _require_known_label(artifact: Artifact, label: str | None) -> None:
    labels = [version.label for version in artifact.versions]
    if label is not None and label not in labels:
        raise Invalid(
            "version",
            f"Invalid version '{label}': it must be None, 'new', 'stage' or one of the existing versions {labels}.",
        )


def _require_arrived(staged: tuple[StagedFile, ...]) -> None:
    for file in staged:
        if not file.removed and file.blob_id is None:
            raise NotFound("file", file.path, f"File '{file.path}' does not exist: it was staged but never uploaded.")


def _check_schema(found: Found, values: Values) -> None:
    schema = rules_of(found.parent_config).schema
    if schema is not None:
        check_manifest(values.manifest, schema)


def _with_weights(values: Values, staged: tuple[StagedFile, ...]) -> Values:
    """Merge the download weights given while staging into the config."""
    weights = {file.path: file.download_weight for file in staged if file.download_weight and not file.removed}
    if not weights:
        return values
    config = msgspec.json.decode(values.config)
    config["download_weights"] = {**(config.get("download_weights") or {}), **weights}
    return msgspec.structs.replace(values, config=encode_json("config", config))


def _version_to_remove(artifact: Artifact, wanted: str | int) -> Version:
    if wanted == "stage":
        raise Invalid("version", f"Cannot delete staged version. {_STAGE_ADVICE[artifact.intent is not None]}")
    versions = artifact.versions
    if isinstance(wanted, int):
        if not 0 <= wanted < len(versions):
            raise Invalid(
                "version",
                f"Version index {wanted} is out of range. Available indices: 0-{len(versions) - 1}",
            )
        return versions[wanted]
    if wanted == "latest" and versions:
        return versions[-1]
    found = next((version for version in versions if version.label == wanted), None)
    if found is None:
        labels = [version.label for version in versions]
        raise Invalid("version", f"Version '{wanted}' does not exist. Available versions: {labels}")
    return found


_STAGE_ADVICE = {
    True: "The artifact is in staging mode. Please use the 'discard' function instead.",
    False: "The artifact is not in staging mode.",
}
