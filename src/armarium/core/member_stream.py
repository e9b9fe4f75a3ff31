"""The bytes of one file inside a stored archive, as a stream."""

import asyncio
import zlib
from collections.abc import AsyncGenerator
from contextlib import aclosing

from armarium.domain.archive import ArchiveMember
from armarium.domain.file import ByteRange, FileEntry
from armarium.domain.inflate import DEFLATED, Inflater, damaged
from armarium.domain.storage_keys import blob_key
from armarium.domain.zip_directory import LOCAL_HEADER_BYTES, data_offset
from armarium.ports.blobs import Blobs

_FED_BYTES = 1 << 16


async def open_member(
    blobs: Blobs, archive: FileEntry, member: ArchiveMember, span: ByteRange
) -> AsyncGenerator[bytes, None]:
    """Yield a span of a member that is readable and not empty.

    A stored member is read from where the span begins, a deflated one from its beginning. A whole one is checked
    against its CRC-32 before its last bytes are let go. Raises Invalid when the archive is damaged.
    """
    header_at = ByteRange(member.offset, min(member.offset + LOCAL_HEADER_BYTES, archive.size_bytes) - 1)
    first = data_offset(await blobs.read(blob_key(archive.blob_id), header_at), member)
    if first + member.compressed_bytes > archive.size_bytes:
        raise damaged(member)
    opened = _inflated if member.method == DEFLATED else _stored
    chunks = opened(blobs, archive, member, first, span)
    async with aclosing(_verified(chunks, member) if span.length == member.size_bytes else chunks) as wanted:
        async for chunk in wanted:
            yield chunk


async def _stored(
    blobs: Blobs, archive: FileEntry, member: ArchiveMember, first: int, span: ByteRange
) -> AsyncGenerator[bytes, None]:
    where = ByteRange(first + span.first, first + span.last)
    async with aclosing(blobs.open(blob_key(archive.blob_id), where)) as chunks:
        async for chunk in chunks:
            yield chunk


async def _inflated(
    blobs: Blobs, archive: FileEntry, member: ArchiveMember, first: int, span: ByteRange
) -> AsyncGenerator[bytes, None]:
    inflater = Inflater(member)
    skip, left = span.first, span.length
    async with aclosing(_compressed(blobs, archive, member, first)) as pieces:
        async for piece in pieces:
            for chunk in inflater.feed(piece):
                wanted = chunk[skip : skip + left]
                skip -= min(skip, len(chunk))
                left -= len(wanted)
                if wanted:
                    yield wanted
                if not left:
                    return
                # Nothing here waits for anything, and a small piece may hold a gigabyte.
                await asyncio.sleep(0)


async def _compressed(
    blobs: Blobs, archive: FileEntry, member: ArchiveMember, first: int
) -> AsyncGenerator[bytes, None]:
    where = ByteRange(first, first + member.compressed_bytes - 1)
    async with aclosing(blobs.open(blob_key(archive.blob_id), where)) as chunks:
        async for chunk in chunks:
            for at in range(0, len(chunk), _FED_BYTES):
                yield chunk[at : at + _FED_BYTES]


async def _verified(chunks: AsyncGenerator[bytes, None], member: ArchiveMember) -> AsyncGenerator[bytes, None]:
    crc32, left = 0, member.size_bytes
    async with aclosing(chunks):
        async for chunk in chunks:
            crc32 = zlib.crc32(chunk, crc32)
            left -= len(chunk)
            if not left and crc32 != member.crc32:
                raise damaged(member)
            yield chunk
    if left:
        raise damaged(member)
