"""Resumable uploads: any chunking, cuts at any byte, restarts in between; what is told is what is kept."""

import asyncio
import contextlib
import hashlib
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from armarium.assembly import open_core
from armarium.core import Core, arriving, resumable
from armarium.core.arriving import Checksum, ChecksumMismatch
from armarium.core.aspects import Wanted
from armarium.core.resumable import Announced, OffsetConflict
from armarium.domain.aspect import artifact_urn
from armarium.domain.errors import Forbidden, Invalid, NotFound, NotStaged, TooLarge
from armarium.domain.principal import ROOT, Principal, Role
from armarium.domain.storage_keys import blob_key
from armarium.domain.upload import Ending
from armarium.settings import Settings

ADA = Principal(id="ada", grants={"ws-user-ada": Role.ADMIN})
CONTENT = bytes(range(256)) * 8


@contextlib.asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Core]:
    async with open_core(Settings(data=folder, blob_grace=timedelta(0))) as core:
        if await core.catalog.find_user("ada") is None:
            await core.accounts.create_user(ROOT, "ada")
        yield core


@pytest.fixture
async def core(tmp_path):
    async with opened(tmp_path) as opened_core:
        yield opened_core


async def draft(core: Core, alias: str = "box") -> None:
    await core.artifacts.create(ADA, alias=alias, manifest={"name": alias}, stage=True)


async def pieces(content: bytes, size: int = 100) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]
        await asyncio.sleep(0)


async def append(core, upload, content, *, offset=None, **announced):
    at = upload.offset if offset is None else offset
    return await core.resumable.append(ADA, upload.id, pieces(content), offset=at, announced=Announced(**announced))


async def staged(core: Core, alias: str = "box", path: str = "f") -> bytes:
    return await core.files.read(ADA, alias, path, stage=True)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.binary(max_size=600),
    st.lists(st.tuples(st.integers(0, 200), st.integers(1, 60), st.booleans()), max_size=12),
    st.sampled_from([Ending.DECLARED, Ending.DEFERRED]),
)
def test_any_chunking_with_cuts_and_restarts_ends_byte_equal(content, requests, ending):
    """requests: how many bytes one brings before it is cut, in chunks of what size, and whether the server restarts."""

    async def run(folder: Path) -> None:
        length = len(content) if ending is Ending.DECLARED else None
        async with opened(folder) as core:
            await draft(core)
            upload = await core.resumable.begin(ADA, "box", "f", ending=ending, length=length)
        todo = [*requests, (len(content), 50, False)]
        while todo:
            async with opened(folder) as core:
                upload = await core.resumable.find(ADA, upload.id)
                restart = False
                while todo and not restart:
                    count, size, restart = todo.pop(0)
                    sent = content[upload.offset : upload.offset + count]
                    told = await core.resumable.append(
                        ADA, upload.id, pieces(sent, size), offset=upload.offset,
                        announced=Announced(size_bytes=len(content) - upload.offset),
                    )  # fmt: skip
                    assert told.offset == upload.offset + len(sent)
                    upload = told
        async with opened(folder) as core:
            if ending is Ending.DEFERRED:
                upload = await append(core, upload, b"", length=len(content))
            assert (upload.offset, upload.length, upload.is_settled) == (len(content), len(content), True)
            view = await core.versions.commit(ADA, "box")
            (download,) = await core.files.find(ADA, "box", ["f"])
            assert download.entry.sha256 == hashlib.sha256(content).hexdigest()
            assert await core.files.read(ADA, "box", "f") == content
            assert view.artifact.versions[-1].size_bytes == len(content)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


async def test_a_whole_upload_in_one_request_is_not_copied(core):
    await draft(core)
    upload = await core.resumable.begin(ADA, "box", "f", length=len(CONTENT))
    await append(core, upload, CONTENT)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert len([stat async for stat in core.blobs.list("blobs/", older_than=tomorrow)]) == 1
    assert await staged(core) == CONTENT
    assert await core.catalog.list_segments(upload.id) == []


async def test_bytes_for_another_place_are_refused_and_change_nothing(core):
    await draft(core)
    upload = await core.resumable.begin(ADA, "box", "f", length=len(CONTENT))
    upload = await append(core, upload, CONTENT[:500])
    for offset in (0, 499, 501, len(CONTENT)):
        with pytest.raises(OffsetConflict) as refused:
            await append(core, upload, b"x", offset=offset)
        assert refused.value.offset == 500
    await append(core, upload, CONTENT[500:])
    assert await staged(core) == CONTENT


@pytest.mark.parametrize("told", [None, 21])
async def test_more_than_was_announced_is_refused_whole(core, told):
    await draft(core)
    upload = await core.resumable.begin(ADA, "box", "f", length=20)
    upload = await append(core, upload, b"x" * 5)
    with pytest.raises(TooLarge):
        await append(core, upload, b"x" * 16, size_bytes=told)
    assert (await core.resumable.find(ADA, upload.id)).offset == 5


async def test_the_end_is_told_once_and_stays(core):
    await draft(core)
    upload = await core.resumable.begin(ADA, "box", "f", ending=Ending.DEFERRED)
    upload = await append(core, upload, b"12345")
    with pytest.raises(Invalid):
        await append(core, upload, b"678", length=6, size_bytes=3)
    upload = await append(core, upload, b"678", length=8)
    with pytest.raises(Invalid):
        await append(core, upload, b"", length=9)
    assert (await append(core, upload, b"")).offset == 8
    with pytest.raises(Forbidden):
        await append(core, upload, b"9", size_bytes=1)
    assert await staged(core) == b"12345678"


async def test_an_upload_of_nothing_is_whole_at_once(core):
    await draft(core)
    upload = await core.resumable.begin(ADA, "box", "f", length=0)
    assert upload.is_settled
    assert await staged(core) == b""


async def test_a_checksum_keeps_all_or_nothing(core):
    await draft(core)
    upload = await core.resumable.begin(ADA, "box", "f", length=300)
    good = Checksum("sha1", hashlib.sha1(b"a" * 250).digest())
    for wrong in (b"a" * 249, b"a" * 249 + b"b"):
        with pytest.raises(ChecksumMismatch):
            await append(core, upload, wrong, checksum=good)
    upload = await append(core, upload, b"a" * 250, checksum=good)
    await append(core, upload, b"b" * 50)
    assert await staged(core) == b"a" * 250 + b"b" * 50


async def test_who_asks_gets_what_has_arrived_of_a_request_that_hangs(core):
    await draft(core)
    upload = await core.resumable.begin(ADA, "box", "f", length=len(CONTENT))
    sent = asyncio.Event()

    async def hanging() -> AsyncIterator[bytes]:
        yield CONTENT[:700]
        sent.set()
        await asyncio.sleep(3600)

    request = asyncio.create_task(core.resumable.append(ADA, upload.id, hanging(), offset=0, announced=Announced()))
    await sent.wait()
    found = await core.resumable.find(ADA, upload.id)
    assert found.offset == (await request).offset == 700
    await append(core, found, CONTENT[700:])
    assert await staged(core) == CONTENT


async def test_two_who_send_the_same_bytes_do_not_double_them(core):
    await draft(core)
    upload = await core.resumable.begin(ADA, "box", "f", length=len(CONTENT))
    outcomes = await asyncio.gather(
        *(append(core, upload, CONTENT[:999], offset=0) for _ in range(4)), return_exceptions=True
    )
    offset = (await core.resumable.find(ADA, upload.id)).offset
    assert all(isinstance(one, OffsetConflict) or one.offset <= offset for one in outcomes)
    upload = await core.resumable.find(ADA, upload.id)
    await append(core, upload, CONTENT[offset:])
    assert await staged(core) == CONTENT


async def test_another_server_that_is_faster_wins(core, tmp_path):
    await draft(core)
    upload = await core.resumable.begin(ADA, "box", "f", length=10)
    async with opened(tmp_path) as other:

        async def slow() -> AsyncIterator[bytes]:
            yield b"slow"
            await append(other, upload, b"faster", offset=0)

        with pytest.raises(OffsetConflict) as refused:
            await core.resumable.append(ADA, upload.id, slow(), offset=0, announced=Announced())
    assert refused.value.offset == 6
    await append(core, upload, b"-end", offset=6)
    assert await staged(core) == b"faster-end"


async def test_many_segments_are_joined_on_the_way(core, monkeypatch):
    monkeypatch.setattr(resumable, "MOST_SEGMENTS", 4)
    monkeypatch.setattr(arriving, "SEGMENT_BYTES", 100)
    await draft(core)
    upload = await core.resumable.begin(ADA, "box", "f", length=len(CONTENT))
    while not upload.is_whole:
        upload = await append(core, upload, CONTENT[upload.offset : upload.offset + 333])
        assert len(await core.catalog.list_segments(upload.id)) <= 4
    assert await staged(core) == CONTENT


async def test_the_sweeper_keeps_what_is_arriving_and_takes_what_was_given_up(core):
    await draft(core)
    upload = await core.resumable.begin(ADA, "box", "f", length=len(CONTENT))
    upload = await append(core, upload, CONTENT[:100])
    (segment,) = await core.catalog.list_segments(upload.id)
    await core.sweeper.sweep()
    assert await core.blobs.stat(blob_key(segment.blob_id)) is not None
    await core.resumable.drop(ADA, upload.id)
    await core.sweeper.sweep()
    assert await core.blobs.stat(blob_key(segment.blob_id)) is None
    with pytest.raises(NotFound):
        await core.resumable.find(ADA, upload.id)


async def test_an_upload_that_rests_too_long_is_forgotten(tmp_path):
    settings = Settings(data=tmp_path, blob_grace=timedelta(0), upload_lifetime=timedelta(seconds=1))
    async with opened(tmp_path) as core:
        await draft(core)
    async with open_core(settings) as core:
        upload = await core.resumable.begin(ADA, "box", "f", length=10)
        upload = await append(core, upload, b"12345")
        async with core.catalog.transaction() as tx:  # as if it had been a while ago
            past = msgspec.structs.replace(upload, expires_at=1.0)
            await tx.advance_resumable(past, from_offset=5, segment=None)
        with pytest.raises(NotFound):
            await append(core, upload, b"67890")
        assert (await core.sweeper.sweep()).expired_uploads == 1
        assert await core.catalog.find_resumable(upload.id) is None


async def test_uploads_follow_the_rights_on_the_artifact(core):
    eve = Principal(id="eve")
    with pytest.raises(NotFound):
        await core.resumable.begin(ADA, "nothing", "f", length=1)
    await core.artifacts.create(ADA, alias="done", manifest={"name": "done"})
    with pytest.raises(NotStaged):
        await core.resumable.begin(ADA, "done", "f", length=1)
    await draft(core)
    upload = await core.resumable.begin(ADA, "box", "f", length=1)
    with pytest.raises(Forbidden):
        await core.resumable.begin(eve, "ws-user-ada/box", "f", length=1)
    for act in (core.resumable.find, core.resumable.drop):
        with pytest.raises(Forbidden):
            await act(eve, upload.id)
    await core.versions.discard(ADA, "box")
    with pytest.raises(NotFound):
        await append(core, upload, b"x")


# deposits


async def test_a_deposit_is_published_when_it_is_whole(core):
    made = await core.deposits.create(
        ADA, name="my data.csv", content_type="text/csv", length=8, collection="urn:lab:set"
    )
    assert (made.artifact.versions, made.upload.offset) == ((), 0)
    upload = await append(core, made.upload, b"a,b\n")
    with pytest.raises(NotFound):
        await core.deposits.find(Principal(id="eve"), made.artifact.id)
    await append(core, upload, b"1,2\n")
    found = await core.deposits.find(ADA, made.artifact.id)
    (download,) = await core.files.find(ADA, found.artifact.id, ["my data.csv"])
    assert (download.entry.content_type, download.entry.size_bytes) == ("text/csv", 8)
    about = await core.aspects.list(ADA, Wanted(entity=artifact_urn(found.artifact.id)))
    assert sorted(aspect.schema for aspect in about.aspects) == [
        "urn:ivcap:schema:artifact-in-collection.1", "urn:ivcap:schema:artifact.1",
    ]  # fmt: skip
    items = await core.aspects.list(ADA, Wanted(entity="urn:lab:set"))
    assert [aspect.schema for aspect in items.aspects] == ["urn:ivcap:schema:collection-item.1"]


async def test_an_open_deposit_grows_until_nobody_goes_on(core):
    made = await core.deposits.create(ADA, name="log", length=None)
    upload = await append(core, made.upload, b"one ")
    for expected, more in ((b"one ", b"two "), (b"one two ", b"three"), (b"one two three", b"")):
        found = await core.deposits.find(ADA, made.artifact.id)
        assert await core.files.read(ADA, found.artifact.id, "log") == expected
        assert len(found.artifact.versions) == 1
        upload = await append(core, upload, more) if more else upload
    about = await core.aspects.list(ADA, Wanted(entity=artifact_urn(made.artifact.id)))
    assert len(about.aspects) == 1


async def test_an_open_deposit_nobody_asks_for_is_published_all_the_same(core):
    made = await core.deposits.create(ADA, name="log", length=None)
    await append(core, made.upload, b"bytes")
    await core.resumable.settle_idle(idle=timedelta(hours=1))
    assert (await core.artifacts.read(ADA, made.artifact.id)).artifact.versions == ()
    await core.resumable.settle_idle(idle=timedelta(0))
    assert len((await core.artifacts.read(ADA, made.artifact.id)).artifact.versions) == 1


async def test_a_deposit_of_nothing_is_there_at_once(core):
    made = await core.deposits.create(ADA, length=0, content_type="text/plain")
    assert len(made.artifact.versions) == 1
    assert await core.files.read(ADA, made.artifact.id, "content.txt") == b""
