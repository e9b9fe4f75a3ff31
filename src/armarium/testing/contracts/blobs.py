"""What every store must do. An adapter's test file is a subclass with one fixture:

class TestMyBlobs(BlobsContract):
    @pytest.fixture
    def blobs(self) -> MyBlobs: ...
"""

import asyncio
import hashlib
import itertools
import zlib
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from armarium.domain.errors import AlreadyExists, Invalid, NotFound, TooLarge, Unavailable
from armarium.domain.file import BlobId, ByteRange
from armarium.domain.storage_keys import blob_key
from armarium.ports.blobs import Blobs, PartStat, UploadsParts

MIB = 1 << 20
SOON = timedelta(minutes=1)


class BlobsAndParts(Blobs, UploadsParts):
    """A store with both abilities, as the parts contract needs it."""


def a_key() -> str:
    """A blob key nobody has used."""
    return blob_key(BlobId(str(uuid4())))


def some_bytes(size_bytes: int) -> bytes:
    """Bytes without a period that a wrong offset could hide in."""
    block = b"".join(number.to_bytes(4) for number in range(min(size_bytes // 4 + 1, MIB)))
    return b"".join(itertools.islice(itertools.repeat(block), size_bytes // len(block) + 1))[:size_bytes]


async def chunked(content: bytes, step: int = 1 << 16) -> AsyncIterator[bytes]:
    """Content as it arrives from a socket."""
    for at in range(0, len(content), step):
        yield content[at : at + step]
        await asyncio.sleep(0)


class Filling:
    """Content that can be taken chunk by chunk or filled into memory, as a long request body can."""

    def __init__(self, content: bytes, *, step: int = MIB) -> None:
        self._chunks = chunked(content, step)
        self._content = memoryview(content)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks

    async def __anext__(self) -> bytes:
        return await anext(self._chunks)

    async def fill(self, memory: memoryview) -> int:
        await asyncio.sleep(0)
        count = min(len(memory), len(self._content))
        memory[:count], self._content = self._content[:count], self._content[count:]
        return count


async def read(blobs: Blobs, key: str, span: ByteRange | None = None) -> bytes:
    return b"".join([chunk async for chunk in blobs.open(key, span)])


async def keys_under(blobs: Blobs, prefix: str, older_than: datetime | None = None) -> set[str]:
    moment = older_than or datetime.now(UTC) + SOON
    return {stat.key async for stat in blobs.list(prefix, older_than=moment)}


class BlobsContract:
    """The contract of `ports.blobs.Blobs`."""

    @pytest.mark.parametrize("size", [0, 5, 17 * MIB + 5])
    async def test_what_fills_memory_is_kept_as_what_comes_in_chunks(self, blobs: Blobs, size: int) -> None:
        key, content = a_key(), some_bytes(size)
        stat = await blobs.put(key, Filling(content), size_bytes=size)
        assert (stat.size_bytes, stat.sha256) == (size, hashlib.sha256(content).hexdigest())
        assert await read(blobs, key) == content

    async def test_what_fills_memory_is_held_to_its_limits(self, blobs: Blobs) -> None:
        content = some_bytes(9 * MIB)
        with pytest.raises(TooLarge):
            await blobs.put(a_key(), Filling(content), limit_bytes=MIB)
        with pytest.raises(Invalid):
            await blobs.put(a_key(), Filling(content), size_bytes=len(content) + 1)
        assert await keys_under(blobs, "blobs/") == set()

    @pytest.fixture
    def blobs(self) -> Blobs:
        raise NotImplementedError

    @pytest.mark.parametrize("size_bytes", [0, 1, MIB, 3 * MIB + 7])
    async def test_what_is_put_can_be_read(self, blobs: Blobs, size_bytes: int) -> None:
        key, content = a_key(), some_bytes(size_bytes)
        stat = await blobs.put(key, chunked(content))
        assert (stat.key, stat.size_bytes) == (key, size_bytes)
        assert stat.sha256 == hashlib.sha256(content).hexdigest()
        assert stat.crc32 in (zlib.crc32(content), None)
        assert await read(blobs, key) == content

    async def test_what_is_small_can_be_read_at_once(self, blobs: Blobs) -> None:
        contents = [b"", b"one", some_bytes(70_000)]
        keys = [a_key() for _ in contents]
        for key, content in zip(keys, contents, strict=True):
            await blobs.put(key, chunked(content))
        assert [await blobs.read(key) for key in keys] == contents
        assert await blobs.read(keys[2], ByteRange(10, 60_000)) == contents[2][10:60_001]
        wanted = [(key, len(content)) for key, content in zip(keys, contents, strict=True)]
        assert await blobs.read_many([*reversed(wanted)]) == [*reversed(contents)]
        with pytest.raises(NotFound):
            await blobs.read(a_key())
        with pytest.raises(NotFound):
            await blobs.read_many([wanted[0], (a_key(), 1)])
        with pytest.raises(Unavailable):
            await blobs.read_many([(keys[1], 4)])

    async def test_stat_tells_size_and_time(self, blobs: Blobs) -> None:
        key = a_key()
        put = await blobs.put(key, chunked(b"four"))
        stat = await blobs.stat(key)
        assert stat is not None
        assert (stat.key, stat.size_bytes, stat.modified_at) == (key, 4, put.modified_at)

    async def test_stat_of_nothing_is_none(self, blobs: Blobs) -> None:
        assert await blobs.stat(a_key()) is None

    async def test_opening_nothing_is_not_found(self, blobs: Blobs) -> None:
        with pytest.raises(NotFound):
            await read(blobs, a_key())

    @pytest.mark.parametrize(("first", "last"), [(0, 0), (5, 9), (MIB - 1, MIB), (0, 2 * MIB), (2 * MIB, 2 * MIB)])
    async def test_a_span_is_read_to_the_byte(self, blobs: Blobs, first: int, last: int) -> None:
        key, content = a_key(), some_bytes(2 * MIB + 1)
        await blobs.put(key, chunked(content))
        assert await read(blobs, key, ByteRange(first, last)) == content[first : last + 1]

    async def test_a_span_past_the_end_is_never_short_in_silence(self, blobs: Blobs) -> None:
        key = a_key()
        await blobs.put(key, chunked(b"four"))
        with pytest.raises(Unavailable):
            await read(blobs, key, ByteRange(2, 9))

    async def test_chunks_are_bounded(self, blobs: Blobs) -> None:
        key = a_key()
        await blobs.put(key, chunked(some_bytes(9 * MIB), step=9 * MIB))
        assert max([len(chunk) async for chunk in blobs.open(key)]) <= 4 * MIB

    async def test_a_reader_may_stop_early(self, blobs: Blobs) -> None:
        key = a_key()
        await blobs.put(key, chunked(some_bytes(9 * MIB)))
        async with aclosing(blobs.open(key)) as chunks:
            await anext(chunks)
        await blobs.delete(key)

    async def test_a_taken_key_keeps_its_bytes(self, blobs: Blobs) -> None:
        key = a_key()
        await blobs.put(key, chunked(b"first"))
        with pytest.raises(AlreadyExists):
            await blobs.put(key, chunked(b"second"))
        assert await read(blobs, key) == b"first"

    async def test_of_many_writers_of_a_key_one_wins(self, blobs: Blobs) -> None:
        key = a_key()
        contents = [str(number).encode() * 1000 for number in range(8)]
        results = await asyncio.gather(
            *(blobs.put(key, chunked(content, step=100)) for content in contents), return_exceptions=True
        )
        winners = [content for content, result in zip(contents, results, strict=True) if not _taken(result)]
        assert [await read(blobs, key)] == winners

    @pytest.mark.parametrize("size_bytes", [3, 5, 0])
    async def test_another_size_than_declared_is_refused(self, blobs: Blobs, size_bytes: int) -> None:
        key = a_key()
        with pytest.raises(Invalid, match=f"Expected {size_bytes} bytes, got") as refused:
            await blobs.put(key, chunked(b"four"), size_bytes=size_bytes)
        assert refused.value.field == "size_bytes"
        await self._nothing_is_left(blobs, key)

    async def test_another_hash_than_declared_is_refused(self, blobs: Blobs) -> None:
        key = a_key()
        expected, got = hashlib.sha256(b"five").hexdigest(), hashlib.sha256(b"four").hexdigest()
        with pytest.raises(Invalid, match=f"{expected}.*{got}"):
            await blobs.put(key, chunked(b"four"), sha256=expected)
        await self._nothing_is_left(blobs, key)

    async def test_what_is_declared_rightly_is_taken(self, blobs: Blobs) -> None:
        key, sha256 = a_key(), hashlib.sha256(b"four").hexdigest()
        await blobs.put(key, chunked(b"four"), size_bytes=4, sha256=sha256.upper(), limit_bytes=4)
        assert await read(blobs, key) == b"four"

    async def test_more_than_the_limit_is_too_large(self, blobs: Blobs) -> None:
        key = a_key()
        with pytest.raises(TooLarge):
            await blobs.put(key, chunked(b"four"), limit_bytes=3)
        await self._nothing_is_left(blobs, key)

    async def test_a_source_that_breaks_off_leaves_nothing(self, blobs: Blobs) -> None:
        async def broken() -> AsyncIterator[bytes]:
            yield b"some"
            raise ConnectionResetError

        key = a_key()
        with pytest.raises(ConnectionResetError):
            await blobs.put(key, broken())
        await self._nothing_is_left(blobs, key)

    async def test_a_cancelled_put_leaves_nothing(self, blobs: Blobs) -> None:
        arrived = asyncio.Event()

        async def stalled() -> AsyncIterator[bytes]:
            yield some_bytes(2 * MIB)
            arrived.set()
            await asyncio.Event().wait()

        key = a_key()
        put = asyncio.create_task(blobs.put(key, stalled()))
        await arrived.wait()
        put.cancel()
        with pytest.raises(asyncio.CancelledError):
            await put
        await self._nothing_is_left(blobs, key)

    async def _nothing_is_left(self, blobs: Blobs, key: str) -> None:
        assert await blobs.stat(key) is None
        assert await keys_under(blobs, "blobs/") == set()
        assert await keys_under(blobs, "incoming/") == set()

    async def test_a_key_is_not_seen_before_its_last_byte(self, blobs: Blobs) -> None:
        key = a_key()
        seen = []

        async def watched() -> AsyncIterator[bytes]:
            yield some_bytes(2 * MIB)
            seen.append(await blobs.stat(key))

        await blobs.put(key, watched())
        assert seen == [None]

    async def test_deleted_is_gone_and_twice_is_fine(self, blobs: Blobs) -> None:
        key = a_key()
        await blobs.put(key, chunked(b"four"))
        await blobs.delete(key)
        await blobs.delete(key)
        assert await blobs.stat(key) is None

    async def test_list_yields_each_key_under_a_prefix(self, blobs: Blobs) -> None:
        keys = {a_key() for _ in range(20)}
        for key in keys:
            await blobs.put(key, chunked(b"four"))
        one = min(keys)
        assert await keys_under(blobs, "blobs/") == keys
        assert one in await keys_under(blobs, one[: len("blobs/00/")])
        assert await keys_under(blobs, "parts/") == set()

    async def test_list_leaves_out_what_is_new(self, blobs: Blobs) -> None:
        await blobs.put(a_key(), chunked(b"four"))
        assert await keys_under(blobs, "blobs/", datetime.now(UTC) - SOON) == set()


def _taken(result: object) -> bool:
    if isinstance(result, BaseException) and not isinstance(result, AlreadyExists):
        raise result
    return isinstance(result, AlreadyExists)


class PartsContract:
    """The contract of `ports.blobs.UploadsParts`, for a store that is also `Blobs`."""

    @pytest.fixture
    def blobs(self) -> BlobsAndParts:
        raise NotImplementedError

    async def test_the_store_says_that_it_takes_parts(self, blobs: BlobsAndParts) -> None:
        assert isinstance(blobs, UploadsParts)

    async def test_parts_in_any_order_become_one_blob(self, blobs: BlobsAndParts) -> None:
        upload, key = str(uuid4()), a_key()
        contents = [some_bytes(3 * MIB + 1), b"", b"the end"]
        for number in (3, 1, 2):
            await blobs.put_part(upload, number, chunked(contents[number - 1]))
        parts = await blobs.list_parts(upload)
        assert [(part.number, part.size_bytes) for part in parts] == [(1, 3 * MIB + 1), (2, 0), (3, 7)]
        stat = await blobs.join_parts(upload, parts, key)
        whole = b"".join(contents)
        assert (stat.key, stat.size_bytes, stat.sha256) == (key, len(whole), hashlib.sha256(whole).hexdigest())
        assert await read(blobs, key) == whole
        assert await blobs.list_parts(upload) == []

    async def test_the_order_given_is_the_order_joined(self, blobs: BlobsAndParts) -> None:
        upload, key = str(uuid4()), a_key()
        parts = [await blobs.put_part(upload, number, chunked(b"%d" % number)) for number in (1, 2, 3)]
        await blobs.join_parts(upload, parts[::-1], key)
        assert await read(blobs, key) == b"321"

    async def test_a_part_can_be_replaced(self, blobs: BlobsAndParts) -> None:
        upload, key = str(uuid4()), a_key()
        first = await blobs.put_part(upload, 1, chunked(b"wrong"))
        second = await blobs.put_part(upload, 1, chunked(b"right"))
        assert first.etag != second.etag
        assert await blobs.list_parts(upload) == [second]
        await blobs.join_parts(upload, [second], key)
        assert await read(blobs, key) == b"right"

    async def test_a_missing_part_is_refused_and_the_others_stay(self, blobs: BlobsAndParts) -> None:
        upload, key = str(uuid4()), a_key()
        first = await blobs.put_part(upload, 1, chunked(b"one"))
        with pytest.raises(Invalid, match="Part 2"):
            await blobs.join_parts(upload, [first, PartStat(2, first.etag, 3)], key)
        assert await blobs.stat(key) is None
        assert await blobs.list_parts(upload) == [first]

    async def test_another_etag_is_refused_and_the_parts_stay(self, blobs: BlobsAndParts) -> None:
        upload, key = str(uuid4()), a_key()
        first = await blobs.put_part(upload, 1, chunked(b"one"))
        with pytest.raises(Invalid, match="Part 1"):
            await blobs.join_parts(upload, [PartStat(1, "another", 3)], key)
        assert await blobs.stat(key) is None
        assert await blobs.list_parts(upload) == [first]

    async def test_an_upload_without_parts_is_refused(self, blobs: BlobsAndParts) -> None:
        with pytest.raises(Invalid):
            await blobs.join_parts(str(uuid4()), [], a_key())

    async def test_joining_under_a_taken_key_keeps_both(self, blobs: BlobsAndParts) -> None:
        upload, key = str(uuid4()), a_key()
        await blobs.put(key, chunked(b"first"))
        part = await blobs.put_part(upload, 1, chunked(b"second"))
        with pytest.raises(AlreadyExists):
            await blobs.join_parts(upload, [part], key)
        assert await read(blobs, key) == b"first"
        assert await blobs.list_parts(upload) == [part]

    async def test_a_part_over_the_limit_is_too_large(self, blobs: BlobsAndParts) -> None:
        upload = str(uuid4())
        with pytest.raises(TooLarge):
            await blobs.put_part(upload, 1, chunked(b"four"), limit_bytes=3)
        assert await blobs.list_parts(upload) == []
        assert await keys_under(blobs, "incoming/") == set()

    @pytest.mark.parametrize("number", [0, -1, 100_000])
    async def test_a_part_number_outside_the_count_is_refused(self, blobs: BlobsAndParts, number: int) -> None:
        with pytest.raises(Invalid):
            await blobs.put_part(str(uuid4()), number, chunked(b"four"))

    async def test_dropped_parts_are_gone_and_unknown_ones_are_fine(self, blobs: BlobsAndParts) -> None:
        upload = str(uuid4())
        await blobs.put_part(upload, 1, chunked(b"one"))
        await blobs.drop_parts(upload)
        await blobs.drop_parts(upload)
        assert await blobs.list_parts(upload) == []

    async def test_old_parts_can_be_listed_and_deleted_by_key(self, blobs: BlobsAndParts) -> None:
        upload = str(uuid4())
        await blobs.put_part(upload, 1, chunked(b"one"))
        keys = await keys_under(blobs, f"parts/{upload}/")
        assert keys == {f"parts/{upload}/00001"}
        for key in keys:
            await blobs.delete(key)
        assert await keys_under(blobs, "parts/") == set()
        again = await blobs.put_part(upload, 1, chunked(b"again"))
        assert await blobs.list_parts(upload) == [again]
