"""A zip on the fly: headers made as they are needed, bytes straight from the store, nothing kept."""

import hashlib
import zlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from armarium.core.checksums import Checksums
from armarium.domain.file import ByteRange, FileEntry
from armarium.domain.storage_keys import blob_key
from armarium.domain.zip_format import ZipLayout
from armarium.ports.blobs import Blobs

SMALL_BYTES = 1 << 18
"""Files up to this size are read before their headers are written, and sent together with their neighbours."""
_MOST_TOGETHER = 256
_HEADERS_TOGETHER = 1024


class ZipStream:
    """The bytes of one archive, whole or any span of them; the same files give the same bytes."""

    def __init__(self, entries: Sequence[FileEntry], checksums: Checksums, blobs: Blobs) -> None:
        self._entries = entries
        self._layout = ZipLayout((entry.path, entry.size_bytes, entry.modified_at) for entry in entries)
        self._checksums = checksums
        self._blobs = blobs

    @property
    def total_bytes(self) -> int:
        return self._layout.total_bytes

    @property
    def etag(self) -> str:
        """Names these bytes: blobs never change, so their names stand for them."""
        lines = [f"{entry.path}\0{entry.blob_id}\0{int(entry.modified_at)}\n" for entry in self._entries]
        return hashlib.sha256("".join(lines).encode()).hexdigest()[:40]

    async def open(self, span: ByteRange | None = None) -> AsyncGenerator[bytes, None]:
        """Yield a span in chunks of up to some MiB. Raises what the store raises."""
        layout = self._layout
        span = span or ByteRange(0, layout.total_bytes - 1)
        if span.first:
            await self._checksums.load(self._entries)  # of what is passed over, the directory tells all the same
        index = layout.index_at(span.first)
        starts_at = layout.members[index].offset if index < len(layout.members) else layout.directory_offset
        cut = _Cut(skip=span.first - starts_at, left=span.length)
        async with aclosing(self._members(index, cut)) as chunks:
            async for chunk in chunks:
                yield chunk
        if cut.left:
            async with aclosing(self._directory(cut)) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def _members(self, index: int, cut: "_Cut") -> AsyncGenerator[bytes, None]:
        """Yield local headers and bytes from a member on, as far as the cut goes."""
        while index < len(self._entries) and cut.left:
            run = self._small_run(index)
            if run:
                yield cut.take(await self._small_members(index, run))
                index += len(run)
                continue
            entry, member = self._entries[index], self._layout.members[index]
            if header := cut.take(member.local_header(await self._checksums.of(entry))):
                yield header
            async with aclosing(self._bytes(entry, cut)) as chunks:
                async for chunk in chunks:
                    yield cut.take(chunk)
            index += 1

    def _small_run(self, index: int) -> list[FileEntry]:
        """The files from an index on that are small and can be sent together."""
        run: list[FileEntry] = []
        size_bytes = 0
        for entry in self._entries[index : index + _MOST_TOGETHER]:
            size_bytes += entry.size_bytes
            if size_bytes > SMALL_BYTES:
                break
            run.append(entry)
        return run

    async def _small_members(self, index: int, run: list[FileEntry]) -> bytes:
        contents = await self._blobs.read_many([(blob_key(entry.blob_id), entry.size_bytes) for entry in run])
        pieces: list[bytes] = []
        for member, entry, content in zip(self._layout.members[index : index + len(run)], run, contents, strict=True):
            crc32 = self._checksums.known[entry.blob_id] = zlib.crc32(content)
            pieces += (member.local_header(crc32), content)
        return b"".join(pieces)

    async def _bytes(self, entry: FileEntry, cut: "_Cut") -> AsyncGenerator[bytes, None]:
        """Yield the bytes of a large file that lie in the cut; what it skips is not read."""
        first = cut.pass_over(entry.size_bytes)
        last = min(entry.size_bytes, first + cut.left) - 1
        if first <= last:
            async with aclosing(self._blobs.open(blob_key(entry.blob_id), ByteRange(first, last))) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def _directory(self, cut: "_Cut") -> AsyncGenerator[bytes, None]:
        members, known = self._layout.members, self._checksums.known
        for at in range(0, len(members), _HEADERS_TOGETHER):
            headers = [
                member.central_header(
                    crc32 if (crc32 := known.get(entry.blob_id)) is not None else await self._checksums.of(entry)
                )
                for member, entry in zip(
                    members[at : at + _HEADERS_TOGETHER], self._entries[at : at + _HEADERS_TOGETHER], strict=True
                )
            ]
            if chunk := cut.take(b"".join(headers)):
                yield chunk
        if chunk := cut.take(self._layout.end):
            yield chunk


class _Cut:
    """What is still to be skipped, and then to be taken."""

    def __init__(self, *, skip: int, left: int) -> None:
        self.skip = skip
        self.left = left

    def take(self, piece: bytes) -> bytes:
        """Return the part of the next piece that is wanted."""
        if self.skip or len(piece) > self.left:
            first = self.pass_over(len(piece))
            piece = piece[first : first + self.left]
        self.left -= len(piece)
        return piece

    def pass_over(self, length: int) -> int:
        """Skip up to a length and return how far that went."""
        skipped = min(self.skip, length)
        self.skip -= skipped
        return skipped
