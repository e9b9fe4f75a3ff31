"""Resumable uploads: bytes are added at an offset, kept at once, and made the file when all of them are there.

    begin -> append, append, ... -> whole: the file is filled, and its artifact committed where that was asked for

What one request brings is a blob of its own (`Segment`), so that every store can keep it and no part has a least size.
The offset is written in the transaction that records the blob: it is never more than what is stored. An upload that
came in one segment is the file without another copy; several are joined once.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import timedelta

import msgspec

from armarium.core.arrivals import Arrivals, entry_of_arrival
from armarium.core.arriving import Arriving, Checksum
from armarium.core.interruptions import again_if_interrupted
from armarium.core.lookup import find
from armarium.core.own_stores import OwnStores
from armarium.core.permissions import access_of, require
from armarium.core.turns import Turn, Turns
from armarium.domain.artifact import Found
from armarium.domain.errors import Conflict, Forbidden, Invalid, NotFound, NotStaged, TooLarge
from armarium.domain.file import BlobId, FileEntry, content_type_of, safe_path
from armarium.domain.identifiers import ArtifactId, ById
from armarium.domain.principal import Action, Principal
from armarium.domain.storage_keys import blob_key
from armarium.domain.upload import Ending, Resumable, Segment
from armarium.domain.version import StagedFile
from armarium.ports.blobs import Blobs, BlobStat
from armarium.ports.catalog import Catalog, Transaction
from armarium.ports.clock import Clock

MOST_SEGMENTS = 500
"""Of one upload; more are joined before the next is taken."""

Commit = Callable[[Transaction, Resumable, FileEntry], Awaitable[None]]
"""Commits the artifact of an upload whose file has just been filled."""
Reopen = Callable[[Transaction, Resumable], Awaitable[StagedFile]]
"""Opens the draft of an artifact that was committed once more, and stages the path of its upload."""


class OffsetConflict(Conflict):
    """Bytes were sent for another place than the end of what is there. offset: where that is."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"The upload goes on at byte {offset}.")
        self.offset = offset


class Announced(msgspec.Struct, frozen=True, kw_only=True):
    """What a request says about the bytes it brings, and about the whole.

    size_bytes: of its body. length: of the whole. defers: whether the length will be told later.
    """

    size_bytes: int | None = None
    length: int | None = None
    defers: bool = False
    checksum: Checksum | None = None


class ResumableUploads:
    """Use cases around resumable uploads."""

    def __init__(
        self,
        catalog: Catalog,
        blobs: Blobs,
        clock: Clock,
        arrivals: Arrivals,
        own_stores: OwnStores,
        *,
        lifetime: timedelta,
        max_file_bytes: int | None,
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._clock = clock
        self._arrivals = arrivals
        self._own_stores = own_stores
        self._lifetime = lifetime
        self.max_file_bytes = max_file_bytes
        self._turns = Turns()
        self._commit: Commit | None = None
        self._reopen: Reopen | None = None

    def committed_by(self, commit: Commit, reopen: Reopen) -> None:
        """Say how uploads that commit their artifact do so."""
        self._commit, self._reopen = commit, reopen

    async def begin(
        self,
        principal: Principal,
        name: str,
        path: str,
        *,
        ending: Ending = Ending.DECLARED,
        length: int | None = None,
        content_type: str | None = None,
        metadata: str = "",
        commits: bool = False,
    ) -> Resumable:
        """Stage a path of a draft and open an upload for it; one of no bytes is whole at once.

        Raises NotFound, Forbidden, NotStaged, Invalid (path), TooLarge.
        """
        self._check_length(length)
        wanted = safe_path(path)
        now = self._clock.now()
        upload = Resumable(
            id=self._clock.new_id(),
            artifact_id=ArtifactId(""),
            path=wanted,
            slot=self._clock.new_id(),
            ending=ending,
            length=length,
            commits=commits,
            metadata=metadata,
            created_by=principal.effective_id,
            touched_at=now,
            expires_at=self._expiry(),
        )
        upload = await self._stage(principal, name, upload, content_type or content_type_of(wanted))
        return await self._settle(upload) if upload.is_whole else upload

    @again_if_interrupted
    async def _stage(self, principal: Principal, name: str, upload: Resumable, content_type: str) -> Resumable:
        async with self._catalog.transaction() as tx:
            found = await find(tx, principal, name)
            require(principal, Action.PUT_FILE, access_of(found), path=upload.path)
            if found.artifact.intent is None:
                raise NotStaged("Artifact must be in staging mode to change its files.")
            staged = StagedFile(path=upload.path, slot=upload.slot, content_type=content_type)
            (staged,) = await tx.stage_files(found.artifact.id, [staged])
            upload = msgspec.structs.replace(upload, artifact_id=found.artifact.id, slot=staged.slot)
            await tx.insert_resumable(upload)
        return upload

    async def find(self, principal: Principal, upload_id: str) -> Resumable:
        """How far an upload has come; what was under way is kept before this answers. Raises NotFound, Forbidden."""
        await self._allowed(principal, upload_id)
        async with self._turns.take(upload_id):
            upload = await self._get(upload_id)
            return await self._settle(upload) if upload.is_whole else upload

    async def append(
        self, principal: Principal, upload_id: str, chunks: AsyncIterator[bytes], *, offset: int, announced: Announced
    ) -> Resumable:
        """Add bytes at an offset; those that arrive before the client leaves are kept.

        Raises OffsetConflict, NotFound, Forbidden, TooLarge, Invalid (length, checksum).
        """
        await self._allowed(principal, upload_id)
        async with self._turns.take(upload_id) as turn:
            upload = await self._get(upload_id)
            if offset != upload.offset:
                raise OffsetConflict(upload.offset)
            changed = self._declared(upload, announced)
            if changed.is_whole and announced.size_bytes:
                raise Forbidden(Action.PUT_FILE, "The upload is complete: its content does not change any more.")
            upload = await self._receive(upload, changed, turn, chunks, announced)
            return await self._settle(upload) if upload.is_whole else upload

    async def settle(self, upload: Resumable) -> Resumable:
        """Make the file what has arrived, unless it is or more is sure to come."""
        if not (upload.is_whole or (upload.ending is Ending.OPEN and upload.offset)) or upload.is_settled:
            return upload
        async with self._turns.take(upload.id):
            return await self._settle(await self._get(upload.id))

    async def settle_idle(self, *, idle: timedelta) -> None:
        """Do so for uploads nobody ends and nobody goes on with."""
        before = self._clock.now() - idle.total_seconds()
        for upload in await self._catalog.unsettled_resumables(touched_before=before, limit=100):
            try:
                await self.settle(upload)
            except NotFound:
                await self._forget(upload.id)  # its artifact is gone, or its draft was discarded

    async def drop(self, principal: Principal, upload_id: str) -> None:
        """Forget an upload. Raises NotFound, Forbidden (also when it is complete)."""
        await self._allowed(principal, upload_id)
        async with self._turns.take(upload_id):
            upload = await self._get(upload_id)
            if upload.stored is not None and upload.commits:
                raise Forbidden(Action.REMOVE_FILE, "The upload is complete: its content does not change any more.")
            await self._forget(upload_id)

    @again_if_interrupted
    async def _forget(self, upload_id: str) -> None:
        async with self._catalog.transaction() as tx:
            await tx.delete_resumable(upload_id, now=self._clock.now())

    # what comes in

    def _declared(self, upload: Resumable, announced: Announced) -> Resumable:
        """What a request makes of the ending. Raises Invalid for a length that cannot be, TooLarge."""
        length = announced.length
        self._check_length(length)
        if length is not None and upload.length is None:
            if length < upload.offset + (announced.size_bytes or 0):
                raise Invalid("length", "The length is less than what has been sent.")
            return msgspec.structs.replace(upload, length=length, ending=Ending.DECLARED)
        if length is not None and length != upload.length:
            raise Invalid("length", f"The length was declared as {upload.length}.")
        if announced.defers and upload.ending is Ending.OPEN:
            return msgspec.structs.replace(upload, ending=Ending.DEFERRED)
        return upload

    def _check_length(self, length: int | None) -> None:
        if length is not None and self.max_file_bytes is not None and length > self.max_file_bytes:
            raise TooLarge(f"The upload is larger than the {self.max_file_bytes} bytes allowed.")

    async def _receive(
        self, upload: Resumable, changed: Resumable, turn: Turn, chunks: AsyncIterator[bytes], announced: Announced
    ) -> Resumable:
        end = changed.length if changed.length is not None else self.max_file_bytes
        room = end - upload.offset if end is not None else None
        if room is not None and announced.size_bytes is not None and announced.size_bytes > room:
            raise TooLarge("There are more bytes than were announced.")
        arriving = Arriving(chunks, turn, room=room, checksum=announced.checksum)
        try:
            while await arriving.has_more():
                upload = changed = await self._keep(upload, changed, arriving)
        finally:
            arriving.close()
        if changed is not upload:  # nothing came but the news about the ending
            upload = await self._advance(upload, changed, None)
        return upload

    async def _keep(self, upload: Resumable, changed: Resumable, arriving: Arriving) -> Resumable:
        """Store one segment and record it. Raises OffsetConflict when another server has been faster."""
        await self._join_many(upload)
        blob_id = await self._own_stores.new_blob(upload.artifact_id)
        stat = await self._blobs.put(blob_key(blob_id), arriving.segment())
        after = msgspec.structs.replace(changed, offset=upload.offset + stat.size_bytes)
        return await self._advance(upload, after, _segment(upload.offset, blob_id, stat))

    @again_if_interrupted
    async def _advance(self, upload: Resumable, after: Resumable, segment: Segment | None) -> Resumable:
        after = msgspec.structs.replace(after, touched_at=self._clock.now(), expires_at=self._expiry())
        async with self._catalog.transaction() as tx:
            if await tx.advance_resumable(after, from_offset=upload.offset, segment=segment):
                return after
            now = await tx.find_resumable(upload.id)
        raise OffsetConflict(now.offset) if now is not None else _gone(upload.id)

    async def _join_many(self, upload: Resumable) -> None:
        segments = await self._catalog.list_segments(upload.id)
        if len(segments) >= MOST_SEGMENTS:
            await self._keep_joined(upload, await self._joined(upload, segments))

    @again_if_interrupted
    async def _keep_joined(self, upload: Resumable, joined: Segment) -> None:
        async with self._catalog.transaction() as tx:
            if not await tx.advance_resumable(upload, from_offset=upload.offset, segment=None):
                raise OffsetConflict(upload.offset)  # another server has added to it meanwhile
            await tx.replace_segments(upload.id, joined, now=self._clock.now())

    # what becomes of it

    async def _settle(self, upload: Resumable) -> Resumable:
        if upload.is_settled:
            return upload
        whole = await self._joined(upload, await self._catalog.list_segments(upload.id))
        settled = await self._record(upload, whole)
        await self._arrivals.overtaken(upload.slot)
        return settled

    @again_if_interrupted
    async def _record(self, upload: Resumable, whole: Segment) -> Resumable:
        """Make the whole the file, unless another server has been faster."""
        async with self._catalog.transaction() as tx:
            await tx.find_artifact(ById(upload.artifact_id))  # which keeps other servers from doing the same
            now = await tx.find_resumable(upload.id)
            if now is None:
                raise _gone(upload.id)
            settled = msgspec.structs.replace(now, stored=upload.offset)
            if now.is_settled or not await tx.advance_resumable(settled, from_offset=upload.offset, segment=None):
                return now
            await self._fill(tx, now, whole)
        return settled

    async def _fill(self, tx: Transaction, upload: Resumable, whole: Segment) -> None:
        """Put the bytes behind the staged path, and commit where that was asked for."""
        if upload.commits and upload.stored is not None and self._reopen is not None:
            staged = await self._reopen(tx, upload)
            upload = msgspec.structs.replace(upload, slot=staged.slot)
        slot = await tx.find_slot(upload.slot)
        if slot is None:
            raise _gone(upload.id)
        entry = entry_of_arrival(slot[1], whole.blob_id, _stat(whole), self._clock.now())
        if not await tx.fill_slot(upload.slot, entry, crc32=whole.crc32):
            raise _gone(upload.id)
        may_grow = upload.ending is Ending.OPEN
        await tx.replace_segments(upload.id, whole if may_grow else None, now=self._clock.now())
        if upload.commits and self._commit is not None:
            await self._commit(tx, upload, entry)

    async def _joined(self, upload: Resumable, segments: Sequence[Segment]) -> Segment:
        """One segment as it is; several, or none, as a new blob."""
        if len(segments) == 1:
            return segments[0]
        blob_id = await self._own_stores.new_blob(upload.artifact_id)
        stat = await self._blobs.put(blob_key(blob_id), self._bytes(segments))
        return _segment(0, blob_id, stat)

    async def _bytes(self, segments: Sequence[Segment]) -> AsyncIterator[bytes]:
        for segment in segments:
            async with aclosing(self._blobs.open(blob_key(segment.blob_id))) as chunks:
                async for chunk in chunks:
                    yield chunk

    # who and which

    async def _allowed(self, principal: Principal, upload_id: str) -> Found:
        """The artifact of an upload the caller may go on with. Raises NotFound, Forbidden."""
        upload = await self._get(upload_id)
        found = await find(self._catalog, principal, upload.artifact_id)
        require(principal, Action.PUT_FILE, access_of(found), path=upload.path)
        return found

    async def _get(self, upload_id: str) -> Resumable:
        upload = await self._catalog.find_resumable(upload_id)
        if upload is None or upload.expires_at <= self._clock.now():
            raise _gone(upload_id)
        return upload

    def _expiry(self) -> float:
        return self._clock.now() + self._lifetime.total_seconds()


def _segment(start: int, blob_id: BlobId, stat: BlobStat) -> Segment:
    return Segment(start=start, blob_id=blob_id, size_bytes=stat.size_bytes, sha256=stat.sha256, crc32=stat.crc32)


def _stat(segment: Segment) -> BlobStat:
    return BlobStat(
        key=blob_key(segment.blob_id),
        size_bytes=segment.size_bytes,
        modified_at=0.0,
        sha256=segment.sha256,
        crc32=segment.crc32,
    )


def _gone(upload_id: str) -> NotFound:
    return NotFound("upload", upload_id, "The upload does not exist, or it has expired.")
