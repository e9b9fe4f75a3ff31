from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from armarium.adapters.blobs.checked import checked
from armarium.adapters.blobs.local import LocalBlobs
from armarium.adapters.blobs.memory import MemoryBlobs
from armarium.domain.errors import Invalid, NotFound
from armarium.domain.file import ByteRange
from armarium.ports.blobs import BlobStat, PartStat, SignsUrls, UploadsParts
from armarium.testing.contracts.blobs import BlobsContract, PartsContract, a_key, chunked, keys_under, read

BAD_KEYS = ["", "blobs", "blobs/../incoming", "/etc/passwd", "blobs/00/x", "parts/x/00001", "incoming/../x"]


class TestCheckedMemory(BlobsContract, PartsContract):
    @pytest.fixture
    def blobs(self):
        return checked(MemoryBlobs())


class PlainBlobs:
    """A small store without abilities, over the memory one."""

    def __init__(self):
        self._inner = MemoryBlobs()

    async def put(self, key: str, chunks: AsyncIterator[bytes], **expected) -> BlobStat:
        return await self._inner.put(key, chunks, **expected)

    def open(self, key: str, span: ByteRange | None = None) -> AsyncGenerator[bytes, None]:
        return self._inner.open(key, span)

    async def read(self, key: str, span: ByteRange | None = None) -> bytes:
        return await self._inner.read(key, span)

    async def read_many(self, wanted: Sequence[tuple[str, int]]):
        return await self._inner.read_many(wanted)

    async def stat(self, key: str) -> BlobStat | None:
        return await self._inner.stat(key)

    def list(self, prefix: str, *, older_than: datetime) -> AsyncGenerator[BlobStat, None]:
        return self._inner.list(prefix, older_than=older_than)

    async def delete(self, key: str) -> None:
        await self._inner.delete(key)

    async def close(self) -> None: ...


class Signs:
    async def sign_get(self, key: str, *, expires_in: timedelta, filename: str, content_type: str) -> str:
        return f"https://store.example/{key}?name={filename}"

    async def begin_upload(self, key: str) -> str:
        return "upload"

    async def sign_part(self, key: str, upload: str, number: int, *, expires_in: timedelta) -> str:
        return f"https://store.example/{key}?part={number}"

    async def arrived_parts(self, key: str, upload: str) -> list[PartStat]:
        return []

    async def finish_upload(self, key: str, upload: str, parts: list[PartStat]) -> BlobStat:
        return BlobStat(key=key, size_bytes=0, modified_at=0)

    async def drop_upload(self, key: str, upload: str) -> None: ...

    async def open_uploads(self, *, older_than: datetime) -> AsyncGenerator[tuple[str, str], None]:
        yield a_key(), "upload"
        yield "somebody's/else", "upload"


class SigningBlobs(Signs, PlainBlobs): ...


class SigningMemoryBlobs(Signs, MemoryBlobs): ...


class TestCheckedPlain(BlobsContract):
    @pytest.fixture
    def blobs(self):
        return checked(PlainBlobs())


@pytest.mark.parametrize("store", [PlainBlobs, MemoryBlobs, SigningBlobs, SigningMemoryBlobs])
def test_the_wrapper_has_the_abilities_of_the_store_and_no_other(store):
    inner = store()
    wrapped = checked(inner)
    assert isinstance(wrapped, UploadsParts) == isinstance(inner, UploadsParts)
    assert isinstance(wrapped, SignsUrls) == isinstance(inner, SignsUrls)


async def test_urls_are_signed_for_real_keys_only():
    wrapped, key = checked(SigningBlobs()), a_key()
    assert key in await wrapped.sign_part(key, "upload", 1, expires_in=timedelta(hours=1))
    with pytest.raises(Invalid):
        await wrapped.sign_get("../x", expires_in=timedelta(hours=1), filename="x", content_type="text/plain")
    for operation in (
        wrapped.begin_upload("../x"),
        wrapped.sign_part("../x", "upload", 1, expires_in=timedelta(hours=1)),
        wrapped.arrived_parts("../x", "upload"),
        wrapped.finish_upload("../x", "upload", []),
        wrapped.drop_upload("../x", "upload"),
    ):
        with pytest.raises(Invalid):
            await operation


async def test_uploads_of_others_in_the_bucket_are_not_ours():
    assert len([upload async for upload in checked(SigningBlobs()).open_uploads(older_than=datetime.max)]) == 1


@pytest.mark.parametrize("key", BAD_KEYS)
async def test_what_is_no_key_never_reaches_the_store(tmp_path, key):
    blobs = checked(LocalBlobs(tmp_path))
    for operation in (blobs.put(key, chunked(b"x")), read(blobs, key), blobs.stat(key), blobs.delete(key)):
        with pytest.raises(Invalid):
            await operation
    with pytest.raises(Invalid):
        await blobs.join_parts(str(uuid4()), [PartStat(1, "x", 1)], key)


@pytest.mark.parametrize("upload", ["", "..", "../blobs", "x"])
async def test_what_is_no_upload_never_reaches_the_store(tmp_path, upload):
    blobs = checked(LocalBlobs(tmp_path))
    for operation in (blobs.put_part(upload, 1, chunked(b"x")), blobs.list_parts(upload), blobs.drop_parts(upload)):
        with pytest.raises(Invalid):
            await operation


@pytest.mark.parametrize("prefix", ["", "/", "blobs", "..", "blobs/../"])
async def test_only_folders_of_keys_are_listed(tmp_path, prefix):
    with pytest.raises(Invalid):
        await keys_under(checked(LocalBlobs(tmp_path)), prefix)


async def test_files_of_others_in_the_folder_are_not_ours(tmp_path):
    blobs, key = checked(LocalBlobs(tmp_path)), a_key()
    await blobs.put(key, chunked(b"x"))
    (tmp_path / "blobs" / ".DS_Store").write_bytes(b"")
    (tmp_path / "incoming" / "notes.txt").write_bytes(b"")
    assert await keys_under(blobs, "blobs/") == {key}
    assert await keys_under(blobs, "incoming/") == set()


async def test_operations_bytes_and_failures_are_counted():
    blobs, key = checked(MemoryBlobs()), a_key()
    await blobs.put(key, chunked(b"four"))
    await read(blobs, key)
    with pytest.raises(NotFound):
        await read(blobs, a_key())
    counts = {name: (c.calls, c.failures, c.size_bytes) for name, c in blobs.counters.operations.items()}
    assert counts == {"put": (1, 0, 4), "open": (2, 1, 4)}
    assert blobs.counters.operations["put"].seconds > 0


async def test_two_stores_may_share_their_counters():
    first = checked(MemoryBlobs())
    second = checked(MemoryBlobs(), first.counters)
    await first.stat(a_key())
    await second.stat(a_key())
    assert first.counters.operations["stat"].calls == 2
