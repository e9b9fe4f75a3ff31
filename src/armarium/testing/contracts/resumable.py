"""Resumable uploads in any catalog."""

import msgspec

from armarium.domain.file import BlobId
from armarium.domain.identifiers import ArtifactId
from armarium.domain.upload import Ending, Resumable, Segment
from armarium.ports.catalog import Catalog
from armarium.testing.contracts.catalog_fixtures import clock, new_artifact_id

FAR = 1e12


def an_upload(**values: object) -> Resumable:
    usual = {
        "id": clock.new_id(), "artifact_id": new_artifact_id(), "path": "a/ä", "slot": clock.new_id(),
        "ending": Ending.DECLARED, "length": 10, "created_by": "ada", "touched_at": 5.0, "expires_at": 50.0,
    }  # fmt: skip
    return Resumable(**{**usual, **values})  # type: ignore[arg-type]


def a_segment(start: int, size_bytes: int) -> Segment:
    return Segment(start=start, blob_id=BlobId(clock.new_id()), size_bytes=size_bytes, sha256="00", crc32=0xFFFFFFFF)


async def begun(catalog: Catalog, *uploads: Resumable) -> None:
    async with catalog.transaction() as tx:
        for upload in uploads:
            await tx.insert_resumable(upload)


async def grown(catalog: Catalog, upload: Resumable, segment: Segment) -> Resumable:
    after = msgspec.structs.replace(upload, offset=upload.offset + segment.size_bytes)
    async with catalog.transaction() as tx:
        assert await tx.advance_resumable(after, from_offset=upload.offset, segment=segment)
    return after


class ResumableContract:
    """Needs a fixture `catalog`."""

    async def test_an_upload_is_found_as_it_was_begun(self, catalog: Catalog) -> None:
        upload = an_upload(length=None, ending=Ending.OPEN, commits=True, metadata="name eA==", stored=3, offset=3)
        await begun(catalog, upload, an_upload(artifact_id=upload.artifact_id))
        assert await catalog.find_resumable(upload.id) == upload
        assert await catalog.resumables_of([upload.artifact_id, ArtifactId("x")]) == {upload.artifact_id: upload}
        assert await catalog.find_resumable(clock.new_id()) is None

    async def test_bytes_are_added_at_the_end_and_nowhere_else(self, catalog: Catalog) -> None:
        upload = an_upload()
        await begun(catalog, upload)
        first, second = a_segment(0, 4), a_segment(4, 1 << 40)
        four = await grown(catalog, upload, first)
        async with catalog.transaction() as tx:
            assert not await tx.advance_resumable(
                msgspec.structs.replace(upload, offset=2), from_offset=0, segment=a_segment(0, 2)
            )
        after = await grown(catalog, four, second)
        assert await catalog.find_resumable(upload.id) == after
        assert await catalog.list_segments(upload.id) == [first, second]

    async def test_what_is_arriving_is_needed_until_it_is_released(self, catalog: Catalog) -> None:
        upload = an_upload()
        await begun(catalog, upload)
        first, second = a_segment(0, 4), a_segment(4, 1)
        await grown(catalog, await grown(catalog, upload, first), second)
        async with catalog.transaction() as tx:
            assert await tx.condemn_blobs([first.blob_id]) == []
            joined = a_segment(0, 5)
            await tx.replace_segments(upload.id, joined, now=7.0)
        assert await catalog.list_segments(upload.id) == [joined]
        released = {record.id for record in await catalog.unreferenced_blobs(released_before=8.0, limit=10)}
        assert released == {first.blob_id, second.blob_id}
        async with catalog.transaction() as tx:
            await tx.delete_resumable(upload.id, now=9.0)
        assert await catalog.find_resumable(upload.id) is None
        released = {record.id for record in await catalog.unreferenced_blobs(released_before=FAR, limit=10)}
        assert released == {first.blob_id, second.blob_id, joined.blob_id}

    async def test_those_that_wait_for_something_are_found(self, catalog: Catalog) -> None:
        kinds = {
            "fresh": an_upload(ending=Ending.OPEN, length=None),
            "grown": an_upload(ending=Ending.OPEN, length=None, offset=3, touched_at=2.0),
            "settled": an_upload(ending=Ending.OPEN, length=None, offset=3, stored=3),
            "more": an_upload(ending=Ending.OPEN, length=None, offset=4, stored=3, touched_at=1.0),
            "late": an_upload(ending=Ending.OPEN, length=None, offset=4, touched_at=30.0),
            "declared": an_upload(offset=4, expires_at=20.0),
        }
        await begun(catalog, *kinds.values())
        unsettled = await catalog.unsettled_resumables(touched_before=10.0, limit=10)
        assert unsettled == [kinds["more"], kinds["grown"]]
        assert await catalog.expired_resumables(expired_before=21.0, limit=10) == [kinds["declared"].id]
