"""The directories of uploaded archives, read once and kept: a member is then one look-up away.

Blobs never change, so an index is never stale; it is forgotten together with its blob.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from weakref import WeakValueDictionary

from armarium.domain.archive import ArchiveFolder, ArchiveMember
from armarium.domain.file import BlobId, ByteRange, FileEntry
from armarium.domain.storage_keys import blob_key
from armarium.domain.zip_directory import TAIL_BYTES, DirectoryParser, DirectorySpan, find_directory, not_an_archive
from armarium.ports.blobs import Blobs
from armarium.ports.catalog import Catalog

_MAX_MEMBERS = 1_000_000
_MAX_FOLDERS = 200_000
_PARSED_BYTES = 1 << 16
"""About a thousand members, some milliseconds of the event loop."""
_ADDED_AT_ONCE = 5_000


class ArchiveIndex:
    """Finds what is inside archives; makes the index of one the first time it is asked for."""

    def __init__(self, catalog: Catalog, blobs: Blobs) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._turns: WeakValueDictionary[BlobId, asyncio.Lock] = WeakValueDictionary()

    async def find(self, archive: FileEntry, path: str) -> ArchiveMember | None:
        member = await self._catalog.find_member(archive.blob_id, path)
        if member is None and await self._prepare(archive):
            return await self._catalog.find_member(archive.blob_id, path)
        return member

    async def listing(self, archive: FileEntry, directory: str) -> tuple[list[ArchiveMember], list[ArchiveFolder]]:
        """The files and folders directly in a directory (`""` or `a/b/`), both sorted."""
        await self._prepare(archive)
        return await self._catalog.list_archive(archive.blob_id, directory)

    async def _prepare(self, archive: FileEntry) -> bool:
        """Make the index unless it is there; say whether it was missing."""
        if await self._catalog.is_indexed(archive.blob_id):
            return False
        turn = self._turns.setdefault(archive.blob_id, asyncio.Lock())
        async with turn:
            if not await self._catalog.is_indexed(archive.blob_id):
                await self._make(archive)
        return True

    async def _make(self, archive: FileEntry) -> None:
        """Read the directory into the catalog; the last step is what makes it count."""
        parser = DirectoryParser(await self._directory_of(archive), max_folders=_MAX_FOLDERS)
        waiting: list[ArchiveMember] = []
        count = 0
        async for piece in self._pieces(archive, parser.span):
            members = parser.feed(piece)
            waiting += members
            count += len(members)
            if count > _MAX_MEMBERS:
                raise not_an_archive("it has too many members")
            if len(waiting) >= _ADDED_AT_ONCE:
                await self._add(archive.blob_id, waiting)
                waiting = []
        folders = parser.finish()
        async with self._catalog.transaction() as tx:
            await tx.add_members(archive.blob_id, waiting)
            await tx.add_archive(archive.blob_id, folders)

    async def _add(self, blob_id: BlobId, members: list[ArchiveMember]) -> None:
        async with self._catalog.transaction() as tx:
            await tx.add_members(blob_id, members)

    async def _directory_of(self, archive: FileEntry) -> DirectorySpan:
        size_bytes = archive.size_bytes
        if not size_bytes:
            raise not_an_archive("it is empty")
        span = ByteRange(max(0, size_bytes - TAIL_BYTES), size_bytes - 1)
        tail = await self._blobs.read(blob_key(archive.blob_id), span)
        return find_directory(tail, size_bytes)

    async def _pieces(self, archive: FileEntry, span: DirectorySpan) -> AsyncIterator[bytes]:
        if not span.size_bytes:
            return
        where = ByteRange(span.offset, span.offset + span.size_bytes - 1)
        async with aclosing(self._blobs.open(blob_key(archive.blob_id), where)) as chunks:
            async for chunk in chunks:
                for at in range(0, len(chunk), _PARSED_BYTES):
                    yield chunk[at : at + _PARSED_BYTES]
                    await asyncio.sleep(0)
