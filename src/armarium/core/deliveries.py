"""Deliveries: artifacts whose one file is declared first, comes by URL, and is accepted once it is what was declared.

Until then the artifact is a draft, which nobody sees who did not ask for drafts. `domain/delivery.py` draws the life
cycle; the status is kept in the config.
"""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import msgspec

from armarium.core.artifacts import Artifacts
from armarium.core.collections import inherited
from armarium.core.counters import Counters
from armarium.core.files import Files
from armarium.core.links import Links
from armarium.core.lookup import Shown, find
from armarium.core.permissions import access_of, allows, child_access, require
from armarium.core.publishing import audit, publish
from armarium.core.uploads import Uploads
from armarium.core.values import published_values
from armarium.core.versions import Changes, Versions
from armarium.domain.artifact import Artifact, Found, View
from armarium.domain.delivery import STATE, Declared, Part, Status, check_move, part_count, parts_of, status_of
from armarium.domain.errors import Forbidden, Invalid, NotFound
from armarium.domain.identifiers import ArtifactId
from armarium.domain.manifest import encode_json
from armarium.domain.principal import Action, Principal
from armarium.domain.query import ContainsAny, Field, Query, Stage
from armarium.domain.storage_keys import blob_key
from armarium.domain.version import Intent, StagedFile
from armarium.ports.blobs import Blobs
from armarium.ports.catalog import Catalog, Reader, Transaction
from armarium.ports.clock import Clock

URL_LIFE = timedelta(hours=12)


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where the bytes of a delivery go. multipart: the URL begins an upload in parts, else it takes one PUT."""

    url: str
    multipart: bool
    slot: str


class PartTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Where one part of an upload goes."""

    part: Part
    url: str


class PartsTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Where the parts of an upload go, and the URL that joins them."""

    upload_id: str
    parts: list[PartTarget]
    complete_url: str


class Removed(msgspec.Struct, frozen=True):
    """What became of several artifacts: those that were done, and why the others were not, both by id."""

    done: dict[ArtifactId, Artifact]
    refused: dict[str, str]


class Deliveries:
    """Use cases around deliveries; the collection was found, and the caller let into it, before."""

    def __init__(
        self,
        catalog: Catalog,
        blobs: Blobs,
        clock: Clock,
        counters: Counters,
        artifacts: Artifacts,
        versions: Versions,
        files: Files,
        uploads: Uploads,
        links: Links,
        multipart_above_bytes: int,
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._clock = clock
        self._counters = counters
        self._artifacts = artifacts
        self._versions = versions
        self._files = files
        self._uploads = uploads
        self._links = links
        self._multipart_above_bytes = multipart_above_bytes

    # upload

    async def announce(
        self,
        principal: Principal,
        collection: Found,
        *,
        manifest: Mapping[str, Any],
        type: str,
        declared: Declared,
        id: str | None = None,
    ) -> tuple[View, Target]:
        """Add an artifact that waits for its file; returns where the file goes. id: as in `Artifacts.create`.

        Raises Forbidden, Invalid (path, manifest), TooLarge.
        """
        view = await self._artifacts.create(
            principal,
            manifest=manifest,
            parent=collection.artifact.id,
            type=type,
            config={**inherited(collection), STATE: {"status": Status.PENDING_UPLOAD}},
            stage=True,
            id=id,
        )
        slot = (await self._files.stage(principal, view.artifact.id, [declared.path], weights=[0.0]))[0].slot
        return view, await self._target(slot, declared)

    async def _target(self, slot: str, declared: Declared) -> Target:
        size = declared.size_bytes
        if size > self._multipart_above_bytes:
            url = self._links.parts_start(slot, part_count(size), expires_in=URL_LIFE)
            return Target(url=url, multipart=True, slot=slot)
        url = await self._files.upload_url(slot, expires_in=URL_LIFE, size_bytes=size, sha256=declared.sha256)
        return Target(url=url, multipart=False, slot=slot)

    async def parts(
        self, principal: Principal, artifact_id: str, *, size_bytes: int, upload_id: str | None = None
    ) -> PartsTarget:
        """Say where the parts of an artifact's file go. upload_id: of the upload under way, None begins one.

        Raises NotFound (artifact, upload), Forbidden.
        """
        found = await find(self._catalog, principal, artifact_id)
        file = await self._awaited(found)
        require(principal, Action.PUT_FILE, access_of(found), path=file.path)
        if upload_id is None:
            upload_id = await self.begin_parts(file.slot, part_count(size_bytes))
        elif (await self._uploads.staged_by(upload_id))[0] != found.artifact.id:
            raise NotFound("upload", upload_id)
        urls = await self._uploads.part_urls(upload_id, part_count(size_bytes), expires_in=URL_LIFE)
        parts = [PartTarget(part=part, url=url) for part, url in zip(parts_of(size_bytes), urls, strict=True)]
        complete_url = self._links.parts_end(upload_id, expires_in=URL_LIFE)
        return PartsTarget(upload_id=upload_id, parts=parts, complete_url=complete_url)

    async def begin_parts(self, slot: str, count: int) -> str:
        """Begin an upload in so many parts for a staged file; returns its id."""
        return await self._uploads.begin_in(slot, part_count=count, expires_in=URL_LIFE)

    async def _awaited(self, found: Found) -> StagedFile:
        staged = await self._staged(self._catalog, found.artifact)
        if not staged:
            raise NotFound("upload", found.artifact.id, "The artifact does not wait for a file.")
        return staged[0]

    async def _staged(self, reader: Reader, artifact: Artifact) -> tuple[StagedFile, ...]:
        return (await reader.staged_files([artifact.id])).get(artifact.id, ())

    # status

    async def report(self, principal: Principal, found: Found, wanted: Status, declared: Declared) -> None:
        """Take a client's word for how an upload or a deletion ended; that an upload succeeded is verified.

        Where it did not, the delivery has failed and nothing of it is kept.
        Raises Invalid (the move, the upload), Forbidden.
        """
        check_move(status_of(found.artifact), wanted)
        if wanted is not Status.UPLOADED:
            await self._end(principal, found, wanted)
            return
        try:
            await self._verify(principal, found, declared)
        except Invalid:
            await self._end(principal, found, Status.UPLOAD_FAILED)
            raise

    async def _verify(self, principal: Principal, found: Found, declared: Declared) -> None:
        """Commit a delivery that is what was declared."""
        await self._files.settle(Shown(found, stage=True))
        staged = await self._staged(self._catalog, found.artifact)
        declared.check(staged)
        if declared.sha256 is not None and staged[0].sha256 is None:
            await self._check_hash(staged[0], declared.sha256)
        async with self._catalog.transaction() as tx:
            again = (await find(tx, principal, found.artifact.id)).artifact
            now = await self._staged(tx, again)
            declared.check(now)
            if now[0].blob_id != staged[0].blob_id:
                raise Invalid("status", "The upload was replaced while it was verified.")
            await self._note(tx, again, Status.UPLOADED)
            await self._versions.commit_within(tx, principal, again.id)

    async def _check_hash(self, file: StagedFile, sha256: str) -> None:
        """Read what the store received without us, once."""
        digest = hashlib.sha256()
        if file.blob_id is not None and file.size_bytes:
            async with aclosing(self._blobs.open(blob_key(file.blob_id))) as chunks:
                async for chunk in chunks:
                    digest.update(chunk)
        if digest.hexdigest() != sha256:
            raise Invalid("status", "The SHA-256 of the upload is not the declared file_hash.")

    async def _end(self, principal: Principal, found: Found, status: Status) -> None:
        """Note a failure; a file that failed to come, or came wrong, is let go."""
        async with self._catalog.transaction() as tx:
            again = await find(tx, principal, found.artifact.id)
            require(principal, Action.EDIT, access_of(again))
            check_move(status_of(again.artifact), status)
            if status is Status.UPLOAD_FAILED:
                staged = await self._staged(tx, again.artifact)
                await tx.unstage_files(again.artifact.id, [file.path for file in staged])
            await self._note(tx, again.artifact, status)
            await audit(tx, self._clock, principal, again.artifact, str(status))

    async def _note(self, tx: Transaction, artifact: Artifact, status: Status) -> None:
        noted = {**msgspec.json.decode(artifact.config), STATE: {"status": status}}
        config = encode_json("config", noted)
        values = msgspec.structs.replace(published_values(artifact), config=config)
        if artifact.intent is not None and not artifact.versions:
            await tx.put_draft(values.as_draft(artifact.id, artifact.intent))
        await publish(tx, artifact, values, now=self._clock.now())

    # changes

    async def amend(
        self, principal: Principal, found: Found, manifest: Mapping[str, Any], *, path: str | None = None
    ) -> None:
        """Change what an artifact says of itself. path: what its one file is called from now on.

        Raises Forbidden, Invalid, SchemaViolation, TooLarge.
        """
        await self._versions.amend(principal, found.artifact.id, Changes(manifest=manifest))
        if path is not None:
            await self._rename(principal, found, path)

    async def _rename(self, principal: Principal, found: Found, path: str) -> None:
        """Give the only file another path; without a single file there is nothing to rename."""
        async with self._catalog.transaction() as tx:
            artifact = (await find(tx, principal, found.artifact.id)).artifact
            if artifact.versions:
                await self._rename_committed(tx, artifact, path)
            else:
                await self._rename_staged(tx, artifact, path)

    async def _rename_staged(self, tx: Transaction, artifact: Artifact, path: str) -> None:
        staged = await self._staged(tx, artifact)
        if len(staged) == 1 and staged[0].path != path:
            await tx.unstage_files(artifact.id, [staged[0].path])
            await tx.stage_files(artifact.id, [msgspec.structs.replace(staged[0], path=path)])

    async def _rename_committed(self, tx: Transaction, artifact: Artifact, path: str) -> None:
        files = await tx.list_files(artifact.versions[-1].id, limit=2)
        if len(files) != 1 or files[0].path == path:
            return
        if artifact.intent is not None:
            raise Invalid("file_name", "The file cannot be renamed while changes are staged.")
        entry = files[0]
        moved = StagedFile(
            path=path,
            slot=self._clock.new_id(),
            blob_id=entry.blob_id,
            size_bytes=entry.size_bytes,
            modified_at=entry.modified_at,
            content_type=entry.content_type,
            sha256=entry.sha256,
        )
        gone = StagedFile(path=entry.path, slot=self._clock.new_id(), removed=True)
        await tx.put_draft(published_values(artifact).as_draft(artifact.id, Intent.EDIT_VERSION))
        await tx.stage_files(artifact.id, [gone, moved])
        await tx.apply_staged_files(artifact.id, artifact.versions[-1].id)
        await tx.delete_draft(artifact.id)

    # deletion

    async def condemn(
        self, principal: Principal, collection: Found, ids: Sequence[str]
    ) -> tuple[Removed, dict[ArtifactId, str]]:
        """Mark artifacts for deletion; returns for each a URL whose DELETE lets go of its content."""
        async with self._catalog.transaction() as tx:
            removed = await self._chosen(tx, principal, collection, ids)
            for artifact in removed.done.values():
                await self._note(tx, artifact, Status.PENDING_DELETION)
                await audit(tx, self._clock, principal, artifact, "pending_deletion")
        urls = {artifact_id: self._links.removal(artifact_id, expires_in=URL_LIFE) for artifact_id in removed.done}
        return removed, urls

    async def release(self, artifact_id: ArtifactId) -> None:
        """Let go of the content of an artifact marked for deletion; the ticket is all the right it takes.

        Raises NotFound, Forbidden when it is not marked any more.
        """
        async with self._catalog.transaction() as tx:
            found = await find(tx, _NOBODY, artifact_id)
            artifact = found.artifact
            if status_of(artifact) is not Status.PENDING_DELETION:
                raise Forbidden("delete", "This link is not valid any more: the artifact is not marked for deletion.")
            for version in artifact.versions:
                await tx.delete_version(version.id)
            await tx.delete_draft(artifact.id)
            await publish(tx, artifact, published_values(artifact), now=self._clock.now(), file_count=0)
            await audit(tx, self._clock, _NOBODY, artifact, "release")

    async def delete(
        self, principal: Principal, collection: Found, ids: Sequence[str], *, force: bool = False
    ) -> Removed:
        """Remove artifacts at once, whatever hangs on them; without force only those marked for deletion."""
        async with self._catalog.transaction() as tx:
            removed = await self._chosen(tx, principal, collection, ids)
            doomed = {
                artifact_id: artifact
                for artifact_id, artifact in removed.done.items()
                if force or status_of(artifact) is Status.PENDING_DELETION
            }
            spared = {str(id_): "not_pending_deletion" for id_ in removed.done if id_ not in doomed}
            await tx.delete_artifacts(list(doomed))
            for artifact in doomed.values():
                await audit(tx, self._clock, principal, artifact, "delete")
        for artifact_id in doomed:
            self._counters.forget(artifact_id)
        return Removed(doomed, {**removed.refused, **spared})

    async def _chosen(self, tx: Transaction, principal: Principal, collection: Found, ids: Sequence[str]) -> Removed:
        """The artifacts of a collection among these ids. Raises Forbidden where one may not be deleted."""
        require(principal, Action.DETACH, access_of(collection))
        query = Query(
            parent_id=collection.artifact.id,
            stage=Stage.ANY,
            where=ContainsAny(Field("artifact", "id"), tuple(ids)),
            limit=len(ids),
            wants_next=False,
        )
        found = {artifact.id: artifact for artifact in (await tx.list_artifacts(query)).artifacts}
        for artifact in found.values():
            if not allows(principal, Action.DELETE, child_access(collection, artifact)):
                raise Forbidden(Action.DELETE)
        return Removed(found, {id_: "not_found" for id_ in ids if id_ not in found})


_NOBODY = Principal(id="ticket")
"""Who acts by a signed URL."""
