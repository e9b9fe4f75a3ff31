"""Deposits: artifacts of one file that arrives by a resumable upload and is published as soon as it is whole.

What the server knows of a deposit it states as aspects of it, in the transaction that publishes it.
"""

import datetime as dt
import mimetypes
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from armarium.core.artifacts import Artifacts
from armarium.core.aspects import Statement, assert_aspect, moment_of
from armarium.core.lookup import find
from armarium.core.permissions import access_of, allows
from armarium.core.resumable import ResumableUploads
from armarium.core.values import checked_values, published_values
from armarium.core.versions import Versions
from armarium.domain.artifact import Artifact, Found
from armarium.domain.aspect import (
    ARTIFACT_SCHEMA,
    COLLECTION_ITEM_SCHEMA,
    IN_COLLECTION_SCHEMA,
    artifact_urn,
    checked_urn,
)
from armarium.domain.errors import Invalid, NotFound
from armarium.domain.file import FileEntry, safe_path
from armarium.domain.identifiers import ArtifactId, workspace_uuid
from armarium.domain.policy import BASE_ARTIFACT, BASE_METADATA, OPEN_METADATA, PRIVATE, Reach, reach_of
from armarium.domain.principal import LOGGED_IN, Action, Principal, Role
from armarium.domain.upload import Ending, Resumable
from armarium.domain.version import Intent, StagedFile
from armarium.ports.catalog import Catalog, Transaction
from armarium.ports.clock import Clock

KIND = "artifact"
"""The type of artifacts that are deposits."""

SECTION = "ivcap"
"""The key of manifest and config below which stands what is known of a deposit."""

_METADATA_POLICY = {Reach.PRIVATE: PRIVATE, Reach.BASE: BASE_METADATA, Reach.OPEN: OPEN_METADATA}


class Deposit(msgspec.Struct, frozen=True):
    """An artifact as one file, arrived or arriving. upload: None where none is known."""

    artifact: Artifact
    upload: Resumable | None


class Deposits:
    """Use cases around deposits."""

    def __init__(
        self, catalog: Catalog, clock: Clock, artifacts: Artifacts, versions: Versions, resumable: ResumableUploads
    ) -> None:
        self._catalog = catalog
        self._clock = clock
        self._artifacts = artifacts
        self._versions = versions
        self._resumable = resumable
        resumable.committed_by(self._publish, self._open_again)

    async def create(
        self,
        principal: Principal,
        *,
        name: str | None = None,
        content_type: str = "application/octet-stream",
        length: int | None = None,
        defers: bool = False,
        policy: str | None = None,
        collection: str | None = None,
        metadata: str = "",
        id: str | None = None,
    ) -> Deposit:
        """Make an artifact in the caller's workspace that waits for its bytes; one of no bytes is published at once.

        length: None where the client does not know it; defers: it will be told later. collection: a URN the artifact is
        stated to be an item of. id: what it is called, the same when it is asked for again.
        Raises Forbidden, Invalid (policy, collection, name), TooLarge.
        """
        policy = policy or BASE_ARTIFACT
        reach = reach_of(policy)
        known = {"mime-type": content_type, "policy": policy}
        if collection is not None:
            known["collection"] = checked_urn("collection", collection)
        view = await self._artifacts.create(
            principal,
            manifest={**({"name": name} if name else {}), SECTION: known},
            config={"permissions": {LOGGED_IN: "r"} if reach is Reach.OPEN else {}, SECTION: {"policy": policy}},
            type=KIND,
            stage=True,
            id=id,
        )
        begun = (await self.uploads([view.artifact.id])).get(view.artifact.id) if id else None
        if begun is not None or view.artifact.versions:
            return await self._deposit(principal, view.artifact.id, begun)
        upload = await self._resumable.begin(
            principal,
            view.artifact.id,
            _path(name, content_type),
            ending=_ending(length, defers=defers),
            length=length,
            content_type=content_type,
            metadata=metadata,
            commits=True,
        )
        return await self._deposit(principal, view.artifact.id, upload)

    async def find(self, principal: Principal, artifact_id: str) -> Deposit:
        """Return any artifact as a deposit; what has arrived of an open upload is published first.

        One that was never published exists only for those who may see its draft. Raises NotFound.
        """
        deposit = await self.of(principal, artifact_id)
        if deposit.upload is None:
            return deposit
        settled = await self._resumable.settle(deposit.upload)
        return deposit if settled is deposit.upload else await self._deposit(principal, artifact_id, settled)

    async def of(self, principal: Principal, artifact_id: str) -> Deposit:
        """Do the same, and publish nothing."""
        found = await find(self._catalog, principal, artifact_id)
        if not allows(principal, Action.READ, access_of(found)) or not _is_shown(principal, found):
            raise NotFound("artifact", artifact_id)
        upload = (await self._catalog.resumables_of([found.artifact.id])).get(found.artifact.id)
        return Deposit(found.artifact, upload)

    async def uploads(self, artifact_ids: Sequence[ArtifactId]) -> dict[ArtifactId, Resumable]:
        """The uploads that are known of artifacts the caller was allowed to read."""
        return await self._catalog.resumables_of(artifact_ids)

    async def _deposit(self, principal: Principal, artifact_id: str, upload: Resumable | None) -> Deposit:
        return Deposit((await find(self._catalog, principal, artifact_id)).artifact, upload)

    # what an upload that is whole does

    async def _publish(self, tx: Transaction, upload: Resumable, entry: FileEntry) -> None:
        """Commit, and state what is known now, in the name of who began the upload."""
        found, who = await self._found(tx, upload)
        draft = await tx.find_draft(upload.artifact_id)
        if draft is None:
            raise NotFound("upload", upload.id, "What was staged is gone.")
        manifest = msgspec.json.decode(draft.manifest)
        known = {**manifest.get(SECTION, {}), "mime-type": entry.content_type, "size": entry.size_bytes}
        values = checked_values({**manifest, SECTION: known}, msgspec.json.decode(draft.config), draft.type)
        await tx.put_draft(values.as_draft(upload.artifact_id, draft.intent))
        await self._versions.commit_within(tx, who, upload.artifact_id)
        await self._state(tx, who, found.artifact, manifest.get("name"), known, entry)

    async def _open_again(self, tx: Transaction, upload: Resumable) -> StagedFile:
        """Stage the same path once more, to be changed in place."""
        found, _ = await self._found(tx, upload)
        draft = published_values(found.artifact).as_draft(upload.artifact_id, Intent.EDIT_VERSION)
        await tx.put_draft(draft)
        kind = msgspec.json.decode(found.artifact.manifest).get(SECTION, {}).get("mime-type", "")
        staged = StagedFile(path=upload.path, slot=self._clock.new_id(), content_type=kind)
        return (await tx.stage_files(upload.artifact_id, [staged]))[0]

    async def _found(self, tx: Transaction, upload: Resumable) -> tuple[Found, Principal]:
        who = Principal(id=upload.created_by)
        found = await find(tx, who, upload.artifact_id)
        workspace = found.artifact.workspace
        return found, Principal(id=upload.created_by, current_workspace=workspace, grants={workspace: Role.ADMIN})

    async def _state(
        self,
        tx: Transaction,
        who: Principal,
        artifact: Artifact,
        name: str | None,
        known: Mapping[str, Any],
        entry: FileEntry,
    ) -> None:
        urn = artifact_urn(artifact.id)
        policy = known.get("policy", BASE_ARTIFACT)
        heard = _METADATA_POLICY[reach_of(policy)]
        about = {
            **({"name": name} if name else {}), **known, "etag": entry.sha256, "policy": policy,
            "account": f"urn:ivcap:account:{workspace_uuid(artifact.workspace)}",
            "created-at": dt.datetime.fromtimestamp(artifact.created_at, dt.UTC).isoformat(),
        }  # fmt: skip
        moment = moment_of(self._clock)
        former = await tx.active_aspects(artifact.workspace, urn, ARTIFACT_SCHEMA)
        for aspect in former:
            moment = max(moment, aspect.valid_from + 1)
            await tx.end_aspect(aspect.id, ended_at=moment, ended_by=who.effective_id)
        own = Statement(entity=urn, schema=ARTIFACT_SCHEMA, content={"$entity": urn, **about}, policy=heard)
        replaced = former[-1].id if former else None
        await assert_aspect(tx, self._clock, who, artifact.workspace, own, moment=moment, replaces=replaced)
        collection = known.get("collection")
        if collection is not None and not former:
            await self._state_membership(tx, who, artifact, collection, heard)

    async def _state_membership(
        self, tx: Transaction, who: Principal, artifact: Artifact, collection: str, policy: str
    ) -> None:
        urn = artifact_urn(artifact.id)
        item = Statement(
            entity=collection,
            schema=COLLECTION_ITEM_SCHEMA,
            content={"$entity": collection, "collection": collection, "item": urn},
            policy=policy,
        )
        inside = Statement(
            entity=urn,
            schema=IN_COLLECTION_SCHEMA,
            content={"$entity": urn, "artifact": urn, "collection": collection},
            policy=policy,
        )
        for statement in (item, inside):
            await assert_aspect(tx, self._clock, who, artifact.workspace, statement)


def _is_shown(principal: Principal, found: Found) -> bool:
    """What was never published is for those who may see a draft."""
    return bool(found.artifact.versions) or allows(principal, Action.EDIT, access_of(found))


def _ending(length: int | None, *, defers: bool) -> Ending:
    if length is not None:
        return Ending.DECLARED
    return Ending.DEFERRED if defers else Ending.OPEN


def _path(name: str | None, content_type: str) -> str:
    """What the file is called: the last part of the artifact's name, where that can be a path."""
    last = (name or "").rpartition("/")[2].strip()
    if last:
        try:
            return safe_path(last)
        except Invalid:
            pass
    return "content" + (mimetypes.guess_extension(content_type.partition(";")[0].strip()) or "")
