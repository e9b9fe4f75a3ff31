"""CRC-32 of blobs, which a zip wants to know before it sends a byte of them.

Most are computed while the bytes arrive. What a store received without us is read once, and the catalog keeps the sum.
"""

import zlib
from collections.abc import Sequence
from contextlib import aclosing

from armarium.domain.file import BlobId, FileEntry
from armarium.domain.storage_keys import blob_key
from armarium.ports.blobs import Blobs
from armarium.ports.catalog import Catalog

_ASKED_AT_ONCE = 5_000


class Checksums:
    """The sums of the files of one archive."""

    def __init__(self, catalog: Catalog, blobs: Blobs) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self.known: dict[BlobId, int] = {}

    async def load(self, entries: Sequence[FileEntry]) -> None:
        """Look up what the catalog has."""
        for at in range(0, len(entries), _ASKED_AT_ONCE):
            ids = [entry.blob_id for entry in entries[at : at + _ASKED_AT_ONCE]]
            self.known |= await self._catalog.checksums(ids)

    async def of(self, entry: FileEntry) -> int:
        """Return the sum of a file, if need be by reading all of it."""
        known = self.known.get(entry.blob_id)
        if known is not None:
            return known
        crc32 = 0
        if entry.size_bytes:
            async with aclosing(self._blobs.open(blob_key(entry.blob_id))) as chunks:
                async for chunk in chunks:
                    crc32 = zlib.crc32(chunk, crc32)
        self.known[entry.blob_id] = crc32
        async with self._catalog.transaction() as tx:
            await tx.keep_checksum(entry.blob_id, crc32)
        return crc32
