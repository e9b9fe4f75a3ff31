"""The contract over a real S3 server, and what only an object store can get wrong."""

import asyncio
import hashlib
import zlib
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from armarium.adapters.blobs.checked import checked
from armarium.adapters.blobs.s3 import LEAST_PART_BYTES, PublicS3Blobs, S3Blobs, joined
from armarium.domain.errors import AlreadyExists, Invalid, NotFound
from armarium.testing.contracts.blobs import (
    MIB,
    BlobsContract,
    PartsContract,
    a_key,
    chunked,
    keys_under,
    read,
    some_bytes,
)

HOUR = timedelta(hours=1)
LONG = some_bytes(20 * MIB + 3)


@pytest.fixture
async def blobs(s3_server):
    store = PublicS3Blobs(s3_server.make_bucket("contract", prefix=str(uuid4())))
    yield store
    await store.close()


@pytest.fixture
async def client():
    async with aiohttp.ClientSession() as session:
        yield session


class TestS3Blobs(BlobsContract, PartsContract):
    @pytest.fixture
    def blobs(self, blobs):
        return blobs


async def test_a_bucket_may_be_all_ours(s3_server):
    blobs, key = checked(S3Blobs(s3_server.make_bucket(f"bucket-{uuid4()}"))), a_key()
    await blobs.put(key, chunked(b"four"))
    assert (await keys_under(blobs, "blobs/"), await blobs.read(key)) == ({key}, b"four")
    await blobs.close()


async def open_uploads(blobs):
    return [upload async for upload in blobs.open_uploads(older_than=datetime.now(UTC) + HOUR)]


async def test_a_long_object_is_stored_in_parts_and_read_whole(blobs):
    key = a_key()
    stat = await blobs.put(key, chunked(LONG, step=MIB))
    assert (stat.sha256, stat.crc32) == (hashlib.sha256(LONG).hexdigest(), zlib.crc32(LONG))
    assert await read(blobs, key) == LONG
    assert await open_uploads(blobs) == []


async def test_a_long_object_under_a_taken_key_is_refused(blobs):
    key = a_key()
    await blobs.put(key, chunked(b"first"))
    with pytest.raises(AlreadyExists):
        await blobs.put(key, chunked(LONG, step=MIB))
    assert await read(blobs, key) == b"first"
    assert await open_uploads(blobs) == []


@pytest.mark.parametrize("declared", [{"size_bytes": len(LONG) + 1}, {"sha256": "0" * 64}])
async def test_a_long_object_that_is_not_what_was_declared_leaves_nothing(blobs, declared):
    with pytest.raises(Invalid):
        await blobs.put(a_key(), chunked(LONG, step=MIB), **declared)
    assert await keys_under(blobs, "blobs/") == set()
    assert await open_uploads(blobs) == []


async def test_a_cancelled_long_upload_is_aborted(blobs):
    arrived = asyncio.Event()

    async def stalled():
        async for chunk in chunked(LONG, step=MIB):
            yield chunk
        arrived.set()
        await asyncio.Event().wait()

    put = asyncio.create_task(blobs.put(a_key(), stalled()))
    await arrived.wait()
    put.cancel()
    with pytest.raises(asyncio.CancelledError):
        await put
    assert await open_uploads(blobs) == []


@pytest.mark.parametrize("sizes", [[6 * MIB, 0, 1, 6 * MIB, 2], [3 * MIB] * 4, [1, 2, 3], [0, 0], [11 * MIB]])
async def test_parts_of_any_size_become_one_blob(blobs, sizes):
    upload, key = str(uuid4()), a_key()
    contents = [some_bytes(size)[::-1] for size in sizes]
    parts = [await blobs.put_part(upload, n, chunked(content, step=MIB)) for n, content in enumerate(contents, 1)]
    stat = await blobs.join_parts(upload, parts, key)
    whole = b"".join(contents)
    assert (stat.size_bytes, stat.sha256) == (len(whole), hashlib.sha256(whole).hexdigest())
    assert await read(blobs, key) == whole
    assert await open_uploads(blobs) == []


@given(st.lists(st.integers(0, 3 * LEAST_PART_BYTES) | st.integers(0, 4 << 30), max_size=12))
def test_a_join_takes_every_byte_once_and_every_part_but_the_last_is_long_enough(sizes):
    sources = [(f"k{number}", size) for number, size in enumerate(sizes)]
    steps = list(joined(sources))
    taken = [(key, span.first, span.last) for step in steps for key, span in step.spans]
    lengths = [sum(span.length for _, span in step.spans) for step in steps]
    assert sum(lengths) == sum(sizes)
    assert all(length >= LEAST_PART_BYTES for length in lengths[:-1])
    assert taken == sorted(taken, key=lambda span: (int(span[0][1:]), span[1]))
    assert all(len(step.spans) == 1 and lengths[n] >= LEAST_PART_BYTES for n, step in enumerate(steps) if step.is_copy)


async def test_a_signed_url_gives_the_bytes_with_name_type_and_ranges(blobs, client):
    key = a_key()
    await blobs.put(key, chunked(b"0123456789"))
    url = await blobs.sign_get(key, expires_in=HOUR, filename="Übung 1.txt", content_type="text/plain")
    async with client.get(URL(url, encoded=True), headers={"range": "bytes=2-4"}) as response:
        assert (response.status, await response.read()) == (206, b"234")
        assert response.headers["content-type"] == "text/plain; charset=utf-8"
        assert "UTF-8''%C3%9Cbung%201.txt" in response.headers["content-disposition"]
    async with client.put(URL(url, encoded=True), data=b"other") as response:
        assert response.status == 403
    assert await blobs.read(key) == b"0123456789"


async def put_to(client, url, content):
    async with client.put(URL(url, encoded=True), data=content) as response:
        return response.status, response.headers.get("etag", "").strip('"')


async def test_clients_send_parts_themselves_and_nothing_shows_before_the_end(blobs, client):
    key = a_key()
    upload = await blobs.begin_upload(key)
    contents = [some_bytes(5 * MIB), b"the end"]
    for number in (2, 1):
        url = await blobs.sign_part(key, upload, number, expires_in=HOUR)
        assert (await put_to(client, url, contents[number - 1]))[0] == 200
    parts = await blobs.arrived_parts(key, upload)
    assert [(part.number, part.size_bytes) for part in parts] == [(1, 5 * MIB), (2, 7)]
    assert await blobs.stat(key) is None
    stat = await blobs.finish_upload(key, upload, parts)
    assert stat.size_bytes == 5 * MIB + 7
    assert await read(blobs, key) == b"".join(contents)


@pytest.mark.parametrize("content", [b"", b"all of it"])
async def test_the_url_of_a_finished_upload_is_dead(blobs, client, content):
    key = a_key()
    upload = await blobs.begin_upload(key)
    url = await blobs.sign_part(key, upload, 1, expires_in=HOUR)
    await put_to(client, url, content)
    await blobs.finish_upload(key, upload, await blobs.arrived_parts(key, upload))
    assert (await put_to(client, url, b"something else"))[0] == 404
    assert await blobs.read(key) == content
    with pytest.raises(NotFound):
        await blobs.arrived_parts(key, upload)
    with pytest.raises(NotFound):
        await blobs.finish_upload(key, upload, [])


async def test_what_did_not_arrive_as_told_is_refused(blobs, client):
    key = a_key()
    upload = await blobs.begin_upload(key)
    await put_to(client, await blobs.sign_part(key, upload, 1, expires_in=HOUR), b"one")
    part = (await blobs.arrived_parts(key, upload))[0]
    for wrong in (part.__class__(2, part.etag, 3), part.__class__(1, "0" * 32, 3)):
        with pytest.raises(Invalid):
            await blobs.finish_upload(key, upload, [wrong])
    assert await blobs.stat(key) is None


async def test_a_dropped_upload_is_gone_and_twice_is_fine(blobs):
    key = a_key()
    upload = await blobs.begin_upload(key)
    assert await open_uploads(blobs) == [(key, upload)]
    assert [u async for u in blobs.open_uploads(older_than=datetime.now(UTC) - HOUR)] == []
    await blobs.drop_upload(key, upload)
    await blobs.drop_upload(key, upload)
    assert await open_uploads(blobs) == []
