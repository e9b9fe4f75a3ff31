"""What is inside archives, and the checksums of blobs, in any catalog."""

from armarium.domain.archive import ArchiveFolder, ArchiveMember
from armarium.domain.file import BlobId, FileEntry
from armarium.ports.catalog import Catalog
from armarium.testing.contracts.catalog_fixtures import a_slot, an_artifact, an_entry, stage


def a_member(path: str, *, offset: int = 0) -> ArchiveMember:
    return ArchiveMember(
        path=path,
        offset=offset,
        compressed_bytes=1 << 40,
        size_bytes=1 << 41,
        method=8,
        crc32=0xFFFFFFFF,
        is_encrypted=True,
        modified_at=5.0,
    )


async def a_blob(catalog: Catalog) -> BlobId:
    artifact_id = await an_artifact(catalog)
    async with catalog.transaction() as tx:
        [entry] = await stage(tx, artifact_id, "a.zip")
    return entry.blob_id


class ArchiveContract:
    """Needs a fixture `catalog`."""

    async def test_a_member_is_found_by_its_path(self, catalog: Catalog) -> None:
        blob_id = await a_blob(catalog)
        members = [a_member("a/b/c"), a_member("a/b"), a_member("ü 漢")]
        async with catalog.transaction() as tx:
            await tx.add_members(blob_id, members)
        assert [await catalog.find_member(blob_id, member.path) for member in members] == members
        assert await catalog.find_member(blob_id, "a") is None

    async def test_a_directory_of_an_archive_is_one_level(self, catalog: Catalog) -> None:
        blob_id = await a_blob(catalog)
        async with catalog.transaction() as tx:
            await tx.add_members(blob_id, [a_member(path) for path in ("z", "a/2", "a/1", "a/b/3", "ab")])
            await tx.add_archive(blob_id, [ArchiveFolder(path="a/b/"), ArchiveFolder(path="a/", modified_at=7.0)])
        members, folders = await catalog.list_archive(blob_id, "")
        assert ([member.path for member in members], folders) == (
            ["ab", "z"],
            [ArchiveFolder(path="a/", modified_at=7.0)],
        )
        members, folders = await catalog.list_archive(blob_id, "a/")
        assert ([member.path for member in members], folders) == (["a/1", "a/2"], [ArchiveFolder(path="a/b/")])
        assert await catalog.list_archive(blob_id, "no/") == ([], [])

    async def test_an_index_may_be_made_twice_and_the_later_member_counts(self, catalog: Catalog) -> None:
        blob_id = await a_blob(catalog)
        for offset in (1, 2):
            async with catalog.transaction() as tx:
                await tx.add_members(blob_id, [a_member("a", offset=0), a_member("a", offset=offset)])
                await tx.add_archive(blob_id, [ArchiveFolder(path="f/")])
        found = await catalog.find_member(blob_id, "a")
        assert found is not None
        assert found.offset == 2

    async def test_an_archive_is_indexed_once_it_is_complete(self, catalog: Catalog) -> None:
        blob_id = await a_blob(catalog)
        async with catalog.transaction() as tx:
            await tx.add_members(blob_id, [a_member("a")])
        assert not await catalog.is_indexed(blob_id)
        async with catalog.transaction() as tx:
            await tx.add_archive(blob_id, [])
        assert await catalog.is_indexed(blob_id)

    async def test_an_index_is_forgotten_with_its_blob(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        async with catalog.transaction() as tx:
            [entry] = await stage(tx, artifact_id, "a.zip")
            await tx.add_members(entry.blob_id, [a_member("a")])
            await tx.add_archive(entry.blob_id, [ArchiveFolder(path="f/")])
            await tx.unstage_files(artifact_id, ["a.zip"])
        async with catalog.transaction() as tx:
            await tx.condemn_blobs([entry.blob_id])
            await tx.forget_blobs([entry.blob_id])
        assert not await catalog.is_indexed(entry.blob_id)
        assert await catalog.find_member(entry.blob_id, "a") is None
        assert await catalog.list_archive(entry.blob_id, "") == ([], [])

    async def test_checksums_are_kept(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        entries: list[FileEntry] = []
        async with catalog.transaction() as tx:
            for path, crc32 in (("a", 0xFFFFFFFF), ("b", None), ("c", None)):
                [slot] = await tx.stage_files(artifact_id, [a_slot(path)])
                entries.append(an_entry(path))
                assert await tx.fill_slot(slot.slot, entries[-1], crc32=crc32)
            await tx.keep_checksum(entries[1].blob_id, 0)
        ids = [entry.blob_id for entry in entries]
        assert await catalog.checksums(ids) == {ids[0]: 0xFFFFFFFF, ids[1]: 0}
