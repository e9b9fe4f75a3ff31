import asyncio
import io
import zipfile

import pytest

from armarium.adapters.blobs.memory import MemoryBlobs
from armarium.adapters.catalog.sqlite import SqliteCatalog
from armarium.core.checksums import Checksums
from armarium.core.zip_stream import SMALL_BYTES, ZipStream
from armarium.domain.file import BlobId, ByteRange, FileEntry
from armarium.domain.storage_keys import blob_key
from armarium.testing.builders import FixedClock
from armarium.testing.contracts.catalog_fixtures import a_slot, an_artifact

GIB = 1 << 30
clock = FixedClock()


class Zeros(MemoryBlobs):
    """Every blob is there, as long as asked for, and all zeros."""

    async def open(self, key, span=None):
        left = span.length
        while left:
            chunk = bytes(min(left, 1 << 20))
            left -= len(chunk)
            yield chunk

    async def read_many(self, wanted):
        return [bytes(size_bytes) for _, size_bytes in wanted]


class Spans(io.RawIOBase):
    """A file whose every read is one span of a stream."""

    def __init__(self, stream):
        self._stream, self._at = stream, 0

    def seekable(self):
        return True

    def readable(self):
        return True

    def seek(self, offset, whence=0):
        self._at = offset + (self._at if whence == 1 else self._stream.total_bytes if whence == 2 else 0)
        return self._at

    def readinto(self, buffer):
        last = min(self._at + len(buffer), self._stream.total_bytes) - 1
        if last < self._at:
            return 0
        data = asyncio.run(collect(self._stream, ByteRange(self._at, last)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


async def collect(stream, span=None) -> bytes:
    return b"".join([chunk async for chunk in stream.open(span)])


def an_entry(path, size_bytes, blob_id=None):
    blob_id = BlobId(blob_id or clock.new_id())
    return FileEntry(path=path, blob_id=blob_id, size_bytes=size_bytes, modified_at=1e9, content_type="x/y")


class Known(Checksums):
    """Sums nobody looks at, for bytes nobody could wait for."""

    async def load(self, entries):
        self.known |= {entry.blob_id: 0 for entry in entries}


def test_an_archive_beyond_4_gib_is_read_by_others():
    entries = [an_entry("small", 9), an_entry("big", 5 * GIB), an_entry("behind", 7), an_entry("last", 5 * GIB)]
    checksums = Known(None, Zeros())
    asyncio.run(checksums.load(entries))
    stream = ZipStream(entries, checksums, Zeros())
    with zipfile.ZipFile(io.BufferedReader(Spans(stream))) as archive:
        assert [info.file_size for info in archive.infolist()] == [entry.size_bytes for entry in entries]
        assert archive.open("last").read(5) == bytes(5)
    assert stream.total_bytes > 10 * GIB


@pytest.fixture
async def catalog():
    catalog = SqliteCatalog()
    await catalog.open()
    yield catalog
    await catalog.close()


async def once(content):
    yield content


async def stored(catalog, blobs, contents) -> list[FileEntry]:
    """Put blobs whose sums nobody told the catalog."""
    artifact_id = await an_artifact(catalog)
    entries = []
    for path, content in contents.items():
        entry = an_entry(path, len(content))
        await blobs.put(blob_key(entry.blob_id), once(content))
        async with catalog.transaction() as tx:
            [slot] = await tx.stage_files(artifact_id, [a_slot(path)])
            assert await tx.fill_slot(slot.slot, entry)
        entries.append(entry)
    return entries


CONTENTS = {"a": b"1" * 10, "b": bytes(range(256)) * 3000, "c": b"", "d": b"2" * SMALL_BYTES, "e": b"3" * 5}


async def test_sums_the_catalog_lacks_are_computed_and_those_of_large_files_kept(catalog):
    blobs = MemoryBlobs()
    entries = await stored(catalog, blobs, CONTENTS)
    whole = await collect(ZipStream(entries, Checksums(catalog, blobs), blobs))
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == CONTENTS
    assert [*await catalog.checksums([entry.blob_id for entry in entries])] == [entries[1].blob_id]


async def test_any_span_is_the_same_bytes_as_in_the_whole(catalog):
    blobs = MemoryBlobs()
    entries = await stored(catalog, blobs, CONTENTS)
    whole = await collect(ZipStream(entries, Checksums(catalog, blobs), blobs))
    edges = [0, 1, 40, 48, 49, 60, 500_000, len(whole) - 400, len(whole) - 22, len(whole) - 1]
    for first in edges:
        for last in [edge for edge in edges if edge >= first]:
            stream = ZipStream(entries, Checksums(catalog, blobs), blobs)
            chunks = [chunk async for chunk in stream.open(ByteRange(first, last))]
            assert b"".join(chunks) == whole[first : last + 1]
            assert all(chunks)
