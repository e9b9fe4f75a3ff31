"""Uploads in parts: begun, continued over any time and any server, completed or forgotten.

A part upload belongs to one slot of one draft. It survives a restart, expires, and is swept after that.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta

import msgspec

from armarium.core.arrivals import GRACE, Arrivals, entry_of_arrival
from armarium.core.files import Files
from armarium.core.interruptions import again_if_interrupted
from armarium.core.links import Links
from armarium.core.lookup import find
from armarium.core.own_stores import OwnStores
from armarium.core.permissions import access_of, require
from armarium.domain.errors import Invalid, NotFound, Unsupported
from armarium.domain.file import BlobId, FileEntry
from armarium.domain.identifiers import ArtifactId
from armarium.domain.principal import Action, Principal
from armarium.domain.storage_keys import blob_key
from armarium.domain.upload import MAX_PARTS, OpenUpload
from armarium.domain.version import StagedFile
from armarium.ports.blobs import Blobs, BlobStat, PartStat, UploadsParts
from armarium.ports.catalog import Catalog
from armarium.ports.clock import Clock


class Begun(msgspec.Struct, frozen=True):
    """An upload under way. part_urls: where each part goes, part 1 first."""

    upload_id: str
    part_urls: list[str]


class Uploads:
    """Use cases around uploads in parts."""

    def __init__(
        self,
        catalog: Catalog,
        blobs: Blobs,
        clock: Clock,
        files: Files,
        links: Links,
        arrivals: Arrivals,
        own_stores: OwnStores,
        max_file_bytes: int | None,
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._clock = clock
        self._files = files
        self._links = links
        self._arrivals = arrivals
        self._own_stores = own_stores
        self._max_file_bytes = max_file_bytes

    async def begin(
        self,
        principal: Principal,
        name: str,
        path: str,
        *,
        part_count: int,
        weight: float,
        expires_in: timedelta,
        direct: bool = True,
    ) -> Begun:
        """Stage a path and return a signed URL for each part.

        direct: the store's own URLs, where it has some; else they lead here.
        Raises NotFound, Forbidden, NotStaged, Invalid (path, part count, weight), Unsupported.
        """
        _check_count(part_count)
        file = (await self._files.stage(principal, name, [path], weights=[weight]))[0]
        upload_id = await self.begin_in(file.slot, part_count=part_count, expires_in=expires_in, direct=direct)
        return Begun(upload_id, await self.part_urls(upload_id, part_count, expires_in=expires_in))

    async def begin_in(self, slot: str, *, part_count: int, expires_in: timedelta, direct: bool = True) -> str:
        """Open an upload for a staged path; returns its id. Who knows the slot was let in before."""
        _check_count(part_count)
        if direct and await self._files.may_be_direct(slot):
            return (await self._arrivals.begin([slot], part_count=part_count, expires_in=expires_in))[0].id
        self._parts()
        expires_at = self._clock.now() + (expires_in + GRACE).total_seconds()
        upload = OpenUpload(id=self._clock.new_id(), slot=slot, part_count=part_count, expires_at=expires_at)
        async with self._catalog.transaction() as tx:
            await tx.insert_upload(upload)
        return upload.id

    async def part_urls(self, upload_id: str, part_count: int, *, expires_in: timedelta) -> list[str]:
        """Signed URLs for the parts of an upload, part 1 first. Raises NotFound."""
        upload = await self._open(upload_id)
        numbers = range(1, part_count + 1)
        if upload.store_upload is None:
            return [self._links.part(upload_id, number, expires_in=expires_in) for number in numbers]
        return [await self._arrivals.part_url(upload, number, expires_in=expires_in) for number in numbers]

    async def receive(self, upload_id: str, number: int, chunks: AsyncIterator[bytes]) -> PartStat:
        """Store one part; a part sent again replaces the one before. Raises NotFound, TooLarge."""
        upload = await self._open(upload_id)
        if not 1 <= number <= upload.part_count:
            raise Invalid("part_number", f"Part {number} is not one of the {upload.part_count} parts.")
        return await self._parts().put_part(upload_id, number, chunks, limit_bytes=self._max_file_bytes)

    async def complete(self, principal: Principal, name: str, upload_id: str, parts: Mapping[int, str]) -> FileEntry:
        """Join parts, given as number -> etag, into the staged file. Raises NotFound, Forbidden, Invalid."""
        found = await find(self._catalog, principal, name)
        artifact_id, file = await self.staged_by(upload_id)
        if artifact_id != found.artifact.id:
            raise _gone()
        require(principal, Action.PUT_FILE, access_of(found), path=file.path)
        return await self.finish(upload_id, parts)

    async def staged_by(self, upload_id: str) -> tuple[ArtifactId, StagedFile]:
        """The artifact and the staged path an open upload is for. Raises NotFound."""
        slot = await self._catalog.find_slot((await self._open(upload_id)).slot)
        if slot is None:
            raise _gone()
        return slot

    async def finish(self, upload_id: str, parts: Mapping[int, str]) -> FileEntry:
        """Join parts into the staged file; who may was decided before. Raises NotFound, Invalid."""
        upload = await self._open(upload_id)
        artifact_id, file = await self.staged_by(upload_id)
        blob_id = upload.blob_id or await self._own_stores.new_blob(artifact_id)
        stat = await self._joined(upload, blob_id, file.path, parts)
        entry = entry_of_arrival(file, blob_id, stat, self._clock.now())
        await self._keep(upload, entry, stat.crc32)
        await self._arrivals.overtaken(upload.slot)
        return entry

    @again_if_interrupted
    async def _keep(self, upload: OpenUpload, entry: FileEntry, crc32: int | None) -> None:
        async with self._catalog.transaction() as tx:
            if not await tx.fill_slot(upload.slot, entry, crc32=crc32):
                raise _gone()
            await tx.delete_upload(upload.id)

    async def _joined(self, upload: OpenUpload, blob_id: BlobId, path: str, parts: Mapping[int, str]) -> BlobStat:
        if upload.store_upload is None:
            received = _chosen(parts, await self._parts().list_parts(upload.id))
            return await self._parts().join_parts(upload.id, received, blob_key(blob_id))
        try:
            received = _chosen(parts, await self._arrivals.parts(upload))
        except NotFound:  # it was joined before, and that was not recorded
            received = []
        return await self._arrivals.join(upload, path, received)

    async def _open(self, upload_id: str) -> OpenUpload:
        upload = await self._catalog.find_upload(upload_id)
        if upload is None or upload.expires_at <= self._clock.now():
            raise _gone()
        return upload

    def _parts(self) -> UploadsParts:
        if not isinstance(self._blobs, UploadsParts):
            raise Unsupported("This store does not take uploads in parts.")
        return self._blobs


def _check_count(part_count: object) -> None:
    if isinstance(part_count, bool) or not isinstance(part_count, int) or part_count <= 0:
        raise Invalid("part_count", "Part count must be greater than 0.")
    if part_count > MAX_PARTS:
        raise Invalid("part_count", f"The maximum number of parts is {MAX_PARTS:,}.")


def _chosen(parts: Mapping[int, str], received: Sequence[PartStat]) -> list[PartStat]:
    """The parts a client names as number -> etag, in order. Raises Invalid for one that is missing or another's."""
    if not parts:
        raise Invalid("parts", "At least one part is required.")
    known = {part.number: part for part in received}
    for number, etag in parts.items():
        if number not in known:
            raise Invalid("parts", f"Part {number} was not uploaded.")
        if known[number].etag != etag.strip('"'):
            raise Invalid("parts", f"The ETag of part {number} does not match what was uploaded.")
    return [known[number] for number in sorted(parts)]


def _gone() -> NotFound:
    return NotFound("upload", "", "Upload session expired or not found.")
