"""Files of versions and drafts, and the blobs behind them, in any catalog."""

import time

import pytest

from armarium.domain.errors import Conflict
from armarium.domain.file import BlobId
from armarium.domain.identifiers import VersionId
from armarium.domain.own_store import SealedStore
from armarium.domain.upload import OpenUpload
from armarium.domain.version import StagedFile
from armarium.ports.catalog import Catalog
from armarium.testing.contracts.catalog_fixtures import (
    a_draft,
    a_slot,
    a_version,
    a_version_with,
    an_artifact,
    an_entry,
    get,
    stage,
)

_SOON = time.time() + 10**6
_TREE = (
    "b.txt",
    "a.txt",
    "a/1.txt",
    "a/b/2.txt",
    "a/b-c/3.txt",
    "a0/4.txt",
    "z/ä/5.txt",
    "z/\U0001f600/6.txt",
    "a.d/7.txt",
)


class FileContract:
    """Needs a fixture `catalog`."""

    async def test_files_are_listed_by_path(self, catalog: Catalog) -> None:
        version_id = await a_version_with(catalog, await an_artifact(catalog), *_TREE)
        paths = [entry.path for entry in await catalog.list_files(version_id)]
        assert paths == sorted(_TREE)
        first = await catalog.list_files(version_id, limit=4)
        rest = await catalog.list_files(version_id, after=first[-1].path)
        assert [entry.path for entry in (*first, *rest)] == sorted(_TREE)

    @pytest.mark.parametrize("prefix", ["a", "a/", "a/b/", "z/", "z/\U0001f600", "missing", "a/1.txt", "\U0010ffff"])
    async def test_a_prefix_narrows_at_any_depth(self, catalog: Catalog, prefix: str) -> None:
        version_id = await a_version_with(catalog, await an_artifact(catalog), *_TREE)
        listed = [entry.path for entry in await catalog.list_files(version_id, prefix=prefix)]
        assert listed == sorted(path for path in _TREE if path.startswith(prefix))

    async def test_the_files_of_many_versions_are_summed_up_at_once(self, catalog: Catalog) -> None:
        many = await a_version_with(catalog, await an_artifact(catalog), *_TREE)
        one = await a_version_with(catalog, await an_artifact(catalog, "b"), "z/ä/5.txt")
        none = await a_version_with(catalog, await an_artifact(catalog, "c"))
        outlines = await catalog.outlines([many, one, none])
        entries = await catalog.list_files(many)
        assert set(outlines) == {many, one}
        assert outlines[many].only is None
        assert outlines[many].file_count == len(_TREE)
        assert outlines[many].size_bytes == sum(entry.size_bytes for entry in entries)
        assert outlines[many].name_bytes == sum(len(path.encode()) for path in _TREE)
        assert outlines[many].modified_at == max(entry.modified_at for entry in entries)
        assert outlines[one].only == (await catalog.list_files(one))[0]

    @pytest.mark.parametrize("directory", ["", "a/", "a/b/", "z/", "missing/"])
    async def test_a_directory_shows_its_files_and_subdirectories(self, catalog: Catalog, directory: str) -> None:
        version_id = await a_version_with(catalog, await an_artifact(catalog), *_TREE)
        below = [path.removeprefix(directory) for path in _TREE if path.startswith(directory)]
        files, names = await catalog.list_directory(version_id, directory)
        assert [entry.path for entry in files] == sorted(directory + path for path in below if "/" not in path)
        assert names == sorted({path.split("/")[0] for path in below if "/" in path})

    async def test_a_directory_can_be_cut_short(self, catalog: Catalog) -> None:
        version_id = await a_version_with(catalog, await an_artifact(catalog), *_TREE)
        files, names = await catalog.list_directory(version_id, "", limit=1)
        assert ([entry.path for entry in files], names) == (["a.txt"], ["a"])

    async def test_files_are_found_by_path(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        version_id = await a_version_with(catalog, artifact_id, "a.txt", "b.txt")
        found = await catalog.find_files(version_id, ["a.txt", "missing"])
        assert list(found) == ["a.txt"]
        entry = found["a.txt"]
        assert (entry.size_bytes, entry.modified_at, entry.content_type, entry.sha256) == (3, 5.0, "text/plain", "00")
        assert await catalog.find_files(VersionId("x"), ["a.txt"]) == {}

    async def test_staged_paths_keep_their_slot_and_are_removed(self, catalog: Catalog) -> None:
        artifact_id, other = await an_artifact(catalog, "a"), await an_artifact(catalog, "b")
        first, again = a_slot("f.txt"), a_slot("f.txt")
        mark = StagedFile(path="old.txt", slot="s-old", removed=True, download_weight=0.5)
        async with catalog.transaction() as tx:
            assert await tx.stage_files(artifact_id, [mark, first]) == [mark, first]
            assert await tx.stage_files(artifact_id, [again]) == [first]
        assert await catalog.staged_files([artifact_id, other]) == {artifact_id: (first, mark)}
        assert await catalog.find_slot(first.slot) == (artifact_id, first)
        assert await catalog.find_slot(again.slot) is None
        async with catalog.transaction() as tx:
            await tx.unstage_files(artifact_id, ["f.txt", "missing"])
        assert await catalog.staged_files([artifact_id]) == {artifact_id: (mark,)}

    async def test_marks_and_additions_replace_each_other(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        first, mark, again = a_slot("f.txt"), StagedFile(path="f.txt", slot="s-mark", removed=True), a_slot("f.txt")
        async with catalog.transaction() as tx:
            for file in (first, mark, again):
                assert await tx.stage_files(artifact_id, [file]) == [file]
        assert await catalog.staged_files([artifact_id]) == {artifact_id: (again,)}

    async def test_uploads_are_found_until_they_are_deleted(self, catalog: Catalog) -> None:
        upload = OpenUpload(id="u", slot="s", part_count=2, expires_at=10.0)
        async with catalog.transaction() as tx:
            await tx.insert_upload(upload)
        assert await catalog.find_upload("u") == upload
        assert await catalog.expired_uploads(expired_before=10.0, limit=5) == []
        assert await catalog.expired_uploads(expired_before=10.1, limit=5) == [upload]
        async with catalog.transaction() as tx:
            await tx.delete_upload("u")
        assert await catalog.find_upload("u") is None

    async def test_files_sent_whole_are_found_by_their_artifact(self, catalog: Catalog) -> None:
        artifact_id, other = await an_artifact(catalog), await an_artifact(catalog, alias="b")
        slot, blob_id = a_slot("f.txt"), BlobId("b1")
        first = OpenUpload(id="u1", slot=slot.slot, part_count=0, expires_at=9.0, blob_id=blob_id, store_upload="x")
        second = OpenUpload(id="u2", slot=slot.slot, part_count=0, expires_at=9.0, blob_id=BlobId("b2"))
        in_parts = OpenUpload(id="u3", slot=slot.slot, part_count=2, expires_at=9.0, blob_id=BlobId("b3"))
        async with catalog.transaction() as tx:
            await tx.stage_files(artifact_id, [slot])
            for upload in (second, in_parts, first):
                await tx.insert_upload(upload)
        assert await catalog.whole_uploads(artifact_id) == [(first, slot), (second, slot)]
        assert await catalog.whole_uploads(other) == []
        assert await catalog.expired_uploads(expired_before=10.0, limit=5) == [in_parts]
        assert await catalog.expired_uploads(expired_before=10.0, limit=5, whole=True) == [first, second]
        assert await catalog.known_blobs([blob_id, BlobId("x")]) == {blob_id}
        async with catalog.transaction() as tx:
            deleted = await tx.delete_whole_uploads([slot.slot, "another"])
        assert sorted(deleted, key=lambda upload: upload.id) == [first, second]
        assert await catalog.find_upload("u3") == in_parts

    async def test_stores_of_artifacts_are_kept_as_long_as_they_hold_a_blob(self, catalog: Catalog) -> None:
        parent = await an_artifact(catalog, alias="parent")
        child = await an_artifact(catalog, alias="child", parent_id=parent)
        used, unused = (
            SealedStore(id=f"store-{name}", artifact_id=child, sealed=name.encode(), created_at=1.0) for name in "ab"
        )
        entry, slot = an_entry("f.txt", blob_id=f"{used.id}.b1"), a_slot("f.txt")
        async with catalog.transaction() as tx:
            await tx.put_secrets(parent, {"A": b"parent's a", "B": b"parent's b", "X": b"x"})
            await tx.put_secrets(child, {"A": b"own a"})
            await tx.put_secrets(child, {"B": b"staged b"}, staged=True)
            await tx.insert_store(used)
            await tx.insert_store(unused)
            await tx.stage_files(parent, [slot])
            await tx.fill_slot(slot.slot, entry)
        named = await catalog.secrets_named(child, ["A", "B"])
        assert named == [(parent, "A", b"parent's a"), (parent, "B", b"parent's b"), (child, "A", b"own a")]
        assert await catalog.stores_of(child) == [unused, used]
        async with catalog.transaction() as tx:
            assert await tx.forget_stores() == 0
            await tx.delete_artifacts([child])
            assert await tx.forget_stores() == 1
        assert (await catalog.find_store(used.id), await catalog.find_store(unused.id)) == (used, None)

    async def test_arrived_bytes_fill_their_slot(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        slot, entry = a_slot("f.txt"), an_entry("f.txt", 7)
        async with catalog.transaction() as tx:
            await tx.stage_files(artifact_id, [slot])
            assert await tx.fill_slot(slot.slot, entry)
        found = await catalog.find_slot(slot.slot)
        assert found is not None
        assert (found[1].blob_id, found[1].size_bytes, found[1].modified_at) == (entry.blob_id, 7, 5.0)
        assert await catalog.known_blobs([entry.blob_id, BlobId("x")]) == {entry.blob_id}

    async def test_bytes_for_a_slot_that_is_gone_are_not_recorded(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        slot, entry = a_slot("f.txt"), an_entry("f.txt")
        async with catalog.transaction() as tx:
            await tx.stage_files(artifact_id, [slot])
            await tx.unstage_files(artifact_id, ["f.txt"])
            assert not await tx.fill_slot(slot.slot, entry)
        assert await catalog.known_blobs([entry.blob_id]) == set()

    async def test_applying_carries_additions_and_removals_over(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        version_id = await a_version_with(catalog, artifact_id, "keep.txt", "replace.txt", "remove.txt")
        before = await catalog.find_files(version_id, ["keep.txt"])
        async with catalog.transaction() as tx:
            [entry] = await stage(tx, artifact_id, "replace.txt")
            await tx.stage_files(
                artifact_id, [StagedFile(path="remove.txt", slot="r", removed=True), a_slot("not/yet")]
            )
            assert await tx.apply_staged_files(artifact_id, version_id) == 2
        files = {found.path: found for found in await catalog.list_files(version_id)}
        assert sorted(files) == ["keep.txt", "replace.txt"]
        assert files["keep.txt"] == before["keep.txt"]
        assert files["replace.txt"].blob_id == entry.blob_id
        found = await catalog.list_files(version_id)
        assert sum(item.size_bytes for item in found) == 6

    async def test_a_version_knows_its_totals(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        await a_version_with(catalog, artifact_id, "a", "b")
        version = (await get(catalog, artifact_id)).versions[0]
        assert (version.file_count, version.size_bytes) == (2, 6)

    async def test_a_blob_is_needed_as_long_as_a_version_or_draft_holds_it(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        version_id = await a_version_with(catalog, artifact_id, "f.txt")
        async with catalog.transaction() as tx:
            await tx.put_draft(a_draft(artifact_id))
            [staged] = await stage(tx, artifact_id, "g.txt")
        committed = (await catalog.list_files(version_id))[0].blob_id
        assert await catalog.unreferenced_blobs(released_before=_SOON, limit=10) == []
        async with catalog.transaction() as tx:
            assert await tx.condemn_blobs([committed, staged.blob_id]) == []
            await tx.delete_version(version_id)
            await tx.delete_draft(artifact_id)
        blobs = await catalog.unreferenced_blobs(released_before=_SOON, limit=10)
        assert {blob.id for blob in blobs} == {committed, staged.blob_id}
        assert (blobs[0].size_bytes, blobs[0].sha256, blobs[0].created_at) == (3, "00", 5.0)
        assert len(await catalog.unreferenced_blobs(released_before=_SOON, limit=1)) == 1
        assert await catalog.unreferenced_blobs(released_before=time.time() - 60, limit=10) == []

    async def test_a_condemned_blob_is_never_needed_again(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        async with catalog.transaction() as tx:
            [entry] = await stage(tx, artifact_id, "f.txt")
            await tx.unstage_files(artifact_id, ["f.txt"])
        async with catalog.transaction() as tx:
            assert await tx.condemn_blobs([entry.blob_id]) == [entry.blob_id]
        slot = a_slot("g.txt")
        async with catalog.transaction() as tx:
            await tx.stage_files(artifact_id, [slot])
        with pytest.raises(Conflict):
            async with catalog.transaction() as tx:
                await tx.fill_slot(slot.slot, entry)
        copy = StagedFile(path="h.txt", slot="h", blob_id=entry.blob_id, size_bytes=3, modified_at=5.0)
        with pytest.raises(Conflict):
            async with catalog.transaction() as tx:
                await tx.stage_files(artifact_id, [copy])
        assert [file.path for file in (await catalog.staged_files([artifact_id]))[artifact_id]] == ["g.txt"]
        assert [blob.id for blob in await catalog.unreferenced_blobs(released_before=_SOON, limit=9)] == [entry.blob_id]

    async def test_only_condemned_blobs_are_forgotten(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        async with catalog.transaction() as tx:
            entries = await stage(tx, artifact_id, "f.txt", "g.txt")
            await tx.unstage_files(artifact_id, ["f.txt", "g.txt"])
            ids = [entry.blob_id for entry in entries]
            await tx.condemn_blobs(ids[:1])
            await tx.forget_blobs(ids)
        assert await catalog.known_blobs(ids) == set(ids[1:])
        copy = StagedFile(path="h.txt", slot="h", blob_id=ids[0], size_bytes=3, modified_at=5.0)
        with pytest.raises(Conflict):
            async with catalog.transaction() as tx:
                await tx.stage_files(artifact_id, [copy])

    async def test_a_copy_needs_the_same_blob(self, catalog: Catalog) -> None:
        artifact_id, other = await an_artifact(catalog, "a"), await an_artifact(catalog, "b")
        first = await a_version_with(catalog, artifact_id, "f.txt")
        [entry] = await catalog.list_files(first)
        async with catalog.transaction() as tx:
            copy = StagedFile(path="f.txt", slot="c", blob_id=entry.blob_id, size_bytes=3, modified_at=5.0)
            await tx.stage_files(other, [copy])
            version_id = await a_version(tx, other)
            await tx.apply_staged_files(other, version_id)
            await tx.delete_artifacts([artifact_id])
        assert [file.blob_id for file in await catalog.list_files(version_id)] == [entry.blob_id]
        assert await catalog.unreferenced_blobs(released_before=_SOON, limit=9) == []

    async def test_all_blobs_are_listed_with_whether_they_are_needed(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        version_id = await a_version_with(catalog, artifact_id, "f.txt")
        async with catalog.transaction() as tx:
            await tx.put_draft(a_draft(artifact_id))
            staged, dropped = await stage(tx, artifact_id, "g.txt", "h.txt")
            await tx.unstage_files(artifact_id, ["h.txt"])
        committed = (await catalog.list_files(version_id))[0].blob_id
        listed = await catalog.list_blobs(after=BlobId(""), limit=10)
        assert {blob.id: blob.is_needed for blob in listed} == {
            committed: True, staged.blob_id: True, dropped.blob_id: False
        }  # fmt: skip
        assert [blob.id for blob in listed] == sorted(blob.id for blob in listed)
        assert (listed[0].size_bytes, listed[0].sha256) == (3, "00")
        assert await catalog.list_blobs(after=listed[0].id, limit=1) == listed[1:2]

    async def test_the_uses_of_a_blob_are_told(self, catalog: Catalog) -> None:
        artifact_id, other = await an_artifact(catalog, "a"), await an_artifact(catalog, "b")
        [entry] = await catalog.list_files(await a_version_with(catalog, artifact_id, "f.txt"))
        async with catalog.transaction() as tx:
            await tx.put_draft(a_draft(other))
            copy = StagedFile(path="c.txt", slot="c", blob_id=entry.blob_id, size_bytes=3, modified_at=5.0)
            await tx.stage_files(other, [copy])
        uses = await catalog.uses_of_blobs([entry.blob_id, BlobId("none")], limit=5)
        assert list(uses) == [entry.blob_id]
        assert [(use.alias, use.path) for use in uses[entry.blob_id]] == [("a", "f.txt"), ("b", "c.txt")]
        assert uses[entry.blob_id][1].version == "stage"
        assert len((await catalog.uses_of_blobs([entry.blob_id], limit=1))[entry.blob_id]) == 1
