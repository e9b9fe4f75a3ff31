"""Files that clients bring to the store themselves, past the server.

    begin    opens an upload in the store under the key its blob will have, and signs where to send it
    settle   asks the store what has arrived, ends those uploads and puts their blobs behind the staged paths

Until it is settled, an upload shows nothing and may be sent again; then its URL is dead, so a blob never changes.
Whoever commits or looks into a draft settles it first, and the sweeper does when the URLs have expired: what a client
was told had arrived is not lost. Every step can be done again after a crash.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TypeVar

import msgspec

from armarium.domain.errors import AlreadyExists, Invalid, NotFound, TooLarge, Unavailable, Unsupported
from armarium.domain.file import BlobId, FileEntry
from armarium.domain.identifiers import ArtifactId
from armarium.domain.storage_keys import blob_key
from armarium.domain.upload import OpenUpload
from armarium.domain.version import StagedFile
from armarium.ports.blobs import Blobs, BlobStat, PartStat, SignsUrls
from armarium.ports.catalog import Catalog, Reader
from armarium.ports.clock import Clock

GRACE = timedelta(seconds=10)
"""How much longer an upload may be completed than its URLs are good."""

_AT_ONCE = 32
_BATCH = 500
_ALL = 1_000_000
_ATTEMPTS = 3

T = TypeVar("T")
R = TypeVar("R")


class Arrival(msgspec.Struct, frozen=True):
    """What the store has of an upload. stat: the blob, when the upload was ended before and only not recorded."""

    upload: OpenUpload
    file: StagedFile
    modified_at: float
    size_bytes: int
    parts: list[PartStat]
    stat: BlobStat | None = None


class Settled(msgspec.Struct, frozen=True):
    """waiting: uploads nothing has arrived for. too_large: those that were sent more than is allowed."""

    waiting: list[OpenUpload]
    too_large: list[Arrival]


class Arrivals:
    """Use cases of a store that clients talk to; without one, nothing is ever on its way."""

    def __init__(self, catalog: Catalog, blobs: Blobs, clock: Clock, max_file_bytes: int | None) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._clock = clock
        self._max_file_bytes = max_file_bytes
        self._signs: SignsUrls | None = blobs if isinstance(blobs, SignsUrls) else None

    @property
    def are_possible(self) -> bool:
        """Whether clients can be sent to the store."""
        return self._signs is not None

    async def begin(self, slots: Sequence[str], *, part_count: int = 0, expires_in: timedelta) -> list[OpenUpload]:
        """Open an upload for each staged path. part_count: 0 for files sent whole. Raises Unsupported, Unavailable."""
        store = self._store()

        async def opened(slot: str) -> OpenUpload:
            blob_id = BlobId(self._clock.new_id())
            return OpenUpload(
                id=self._clock.new_id(),
                slot=slot,
                part_count=part_count,
                expires_at=self._clock.now() + (expires_in + GRACE).total_seconds(),
                blob_id=blob_id,
                store_upload=await store.begin_upload(blob_key(blob_id)),
            )

        uploads = await _side_by_side(slots, opened)
        async with self._catalog.transaction() as tx:
            await tx.insert_upload(*uploads)
        return uploads

    async def urls(self, slots: Sequence[str], *, expires_in: timedelta) -> list[str]:
        """Where to send the whole file of each staged path."""
        uploads = await self.begin(slots, expires_in=expires_in)
        return [await self.part_url(upload, 1, expires_in=expires_in) for upload in uploads]

    async def part_url(self, upload: OpenUpload, number: int, *, expires_in: timedelta) -> str:
        """Where a part goes; a file sent whole is part 1."""
        return await self._store().sign_part(*_place(upload), number, expires_in=expires_in)

    async def download_url(self, entry: FileEntry, *, expires_in: timedelta) -> str:
        """Where the store itself gives a file away."""
        return await self._store().sign_get(
            blob_key(entry.blob_id),
            expires_in=expires_in,
            filename=entry.path.rpartition("/")[2],
            content_type=entry.content_type,
        )

    async def parts(self, upload: OpenUpload) -> list[PartStat]:
        """What has arrived of an upload in parts. Raises NotFound when it is not open any more."""
        return await self._store().arrived_parts(*_place(upload))

    async def join(self, upload: OpenUpload, path: str, parts: list[PartStat]) -> BlobStat:
        """End an upload; doing so again gives the same. Raises Invalid (parts), TooLarge, NotFound."""
        if self._is_too_large(sum(part.size_bytes for part in parts)):
            raise self._too_large(path)
        try:
            return await self._store().finish_upload(*_place(upload), parts)
        except (NotFound, AlreadyExists):
            stat = await self._blobs.stat(_place(upload)[0])
            if stat is None:
                raise
            return stat

    async def waiting(self, reader: Reader, artifact_id: ArtifactId) -> list[OpenUpload]:
        """The files sent whole that are on their way into the draft of an artifact."""
        return [upload for upload, _ in await reader.whole_uploads(artifact_id)] if self._signs else []

    async def settle(self, artifact_id: ArtifactId, *, completely: bool = False) -> None:
        """Take in what has arrived for the draft of an artifact.

        Of several uploads for one path the one that arrived last counts. completely: raise TooLarge for a file that is,
        and is otherwise as if it had not arrived. Raises Unavailable.
        """
        if self._signs is None:
            return
        settled = await self._take_in(await self._catalog.whole_uploads(artifact_id))
        if settled.too_large and completely:
            raise self._too_large(settled.too_large[0].file.path)

    async def overtaken(self, slot: str) -> None:
        """Forget the files on their way to a path that has got its bytes through the server."""
        if self._signs is None:
            return
        async with self._catalog.transaction() as tx:
            forgotten = await tx.delete_whole_uploads([slot])
        await self._drop_in_store(forgotten)

    async def settle_expired(self, *, dropped_before: float) -> int:
        """Take in what had arrived when its URL expired; returns how many uploads were dropped.

        dropped_before: expired before this and not there, an upload will not come any more; until then it may be slow.
        """
        if self._signs is None:
            return 0
        expired = await self._catalog.expired_uploads(expired_before=self._clock.now(), limit=_ALL, whole=True)
        dropped = 0
        for at in range(0, len(expired), _BATCH):
            batch = expired[at : at + _BATCH]
            slots = {upload.slot: await self._catalog.find_slot(upload.slot) for upload in batch}
            staged = [(upload, slot[1]) for upload in batch if (slot := slots[upload.slot]) is not None]
            settled = await self._take_in(staged)
            missing = [
                *settled.waiting,
                *(arrival.upload for arrival in settled.too_large),
                *(upload for upload in batch if slots[upload.slot] is None),
            ]
            over = [upload for upload in missing if upload.expires_at < dropped_before]
            await self.drop(over)
            dropped += len(over)
        return dropped

    async def _take_in(self, uploads: Sequence[tuple[OpenUpload, StagedFile]]) -> Settled:
        found = [arrival for arrival in await _side_by_side(uploads, self._arrival) if arrival is not None]
        too_large = [arrival for arrival in found if self._is_too_large(arrival.size_bytes)]
        newest = _newest([arrival for arrival in found if arrival not in too_large])
        await self._record(newest)
        seen = {arrival.upload.slot for arrival in found}
        waiting = [upload for upload, _ in uploads if upload.slot not in seen]
        return Settled(waiting, too_large)

    async def _arrival(self, upload_and_file: tuple[OpenUpload, StagedFile]) -> Arrival | None:
        upload, file = upload_and_file
        try:
            parts = await self._store().arrived_parts(*_place(upload))
        except NotFound:
            stat = await self._blobs.stat(_place(upload)[0])
            return Arrival(upload, file, stat.modified_at, stat.size_bytes, [], stat) if stat else None
        return Arrival(upload, file, parts[0].modified_at, parts[0].size_bytes, parts[:1]) if parts else None

    def _is_too_large(self, size_bytes: int) -> bool:
        return self._max_file_bytes is not None and size_bytes > self._max_file_bytes

    def _too_large(self, path: str) -> TooLarge:
        return TooLarge(f"File '{path}' is larger than the {self._max_file_bytes} bytes allowed: send it again.")

    async def _record(self, arrivals: Sequence[Arrival]) -> None:
        if not arrivals:
            return
        stats = await _side_by_side(arrivals, self._ended)
        async with self._catalog.transaction() as tx:
            for arrival, stat in zip(arrivals, stats, strict=True):
                entry = entry_of_arrival(arrival.file, BlobId(_blob(arrival.upload)), stat, self._clock.now())
                await tx.fill_slot(arrival.upload.slot, entry)
            forgotten = await tx.delete_whole_uploads([arrival.upload.slot for arrival in arrivals])
        taken = {arrival.upload.id for arrival in arrivals}
        await self._drop_in_store([upload for upload in forgotten if upload.id not in taken])

    async def _ended(self, arrival: Arrival) -> BlobStat:
        """End the upload of a whole file; when it is sent once more at this moment, that counts."""
        if arrival.stat is not None:
            return arrival.stat
        parts = arrival.parts
        for _ in range(_ATTEMPTS - 1):
            try:
                return await self.join(arrival.upload, arrival.file.path, parts)
            except Invalid:
                parts = (await self.parts(arrival.upload))[:1]
        return await self.join(arrival.upload, arrival.file.path, parts)

    async def drop(self, uploads: Sequence[OpenUpload]) -> None:
        """Forget uploads; their URLs are dead then. What the store cannot drop now is left to the sweeper."""
        if uploads and await self._drop_in_store(uploads):
            async with self._catalog.transaction() as tx:
                await tx.delete_upload(*(upload.id for upload in uploads))

    async def _drop_in_store(self, uploads: Sequence[OpenUpload]) -> bool:
        try:
            await _side_by_side(uploads, lambda upload: self._store().drop_upload(*_place(upload)))
        except Unavailable:
            return False
        return True

    def _store(self) -> SignsUrls:
        if self._signs is None:
            raise Unsupported("Clients of this store go through the server.")
        return self._signs


def entry_of_arrival(file: StagedFile, blob_id: BlobId, stat: BlobStat, now: float) -> FileEntry:
    """What a staged path becomes when its bytes are stored."""
    return FileEntry(
        path=file.path,
        blob_id=blob_id,
        size_bytes=stat.size_bytes,
        modified_at=now,
        content_type=file.content_type,
        sha256=stat.sha256,
    )


def _newest(arrivals: Sequence[Arrival]) -> list[Arrival]:
    """One arrival for each path: the last, and of equals the one begun last."""
    by_slot: dict[str, Arrival] = {}
    for arrival in sorted(arrivals, key=lambda arrival: (arrival.modified_at, arrival.upload.id)):
        by_slot[arrival.upload.slot] = arrival
    return list(by_slot.values())


def _place(upload: OpenUpload) -> tuple[str, str]:
    return blob_key(_blob(upload)), upload.store_upload or ""


def _blob(upload: OpenUpload) -> BlobId:
    if upload.blob_id is None:
        raise Unsupported("This upload goes through the server.")
    return upload.blob_id


async def _side_by_side(items: Sequence[T], work: Callable[[T], Awaitable[R]]) -> list[R]:
    """Do work for each item, a bounded number of them at a time; the first error ends it."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(item: T) -> R:
        async with room:
            return await work(item)

    return await asyncio.gather(*map(one, items))
