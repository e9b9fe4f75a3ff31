"""Collections that are searched by meaning, in any catalog: their children are marked whatever happens to them."""

from typing import Any

from armarium.domain.identifiers import ArtifactId
from armarium.domain.job import JobStatus
from armarium.domain.manifest import encode_json
from armarium.domain.query import AllOf, ContainsAny, Field, Query
from armarium.ports.catalog import Catalog, Transaction
from armarium.ports.semantic import SemanticIndex
from armarium.testing.contracts.catalog_fixtures import a_version, a_workspace, an_artifact
from armarium.testing.contracts.jobs import a_job
from armarium.testing.contracts.vectors import an_item

_MANY = 1000


async def indexed(catalog: Catalog, alias: str = "c", **values: Any) -> ArtifactId:
    """A collection whose children have all been looked at."""
    collection = await an_artifact(catalog, alias, **values)
    async with catalog.transaction() as tx:
        await tx.open_semantic_index(collection)
        assert await tx.set_scanned(collection, None, before="")
    return collection


async def state(catalog: Catalog, collection: ArtifactId) -> SemanticIndex:
    index = await catalog.find_semantic_index(collection, most_marks=_MANY)
    assert index is not None
    return index


async def taken(catalog: Catalog, collection: ArtifactId) -> set[str]:
    """Whose marks there were."""
    marks = (await state(catalog, collection)).marks
    async with catalog.transaction() as tx:
        assert await tx.take_marks(collection, marks) == set(marks)
    return set(marks)


async def rename(tx: Transaction, artifact_id: ArtifactId) -> None:
    manifest = encode_json("manifest", {"name": "new"})
    config = encode_json("config", {})
    await tx.publish(artifact_id, type="generic", manifest=manifest, config=config, now=2.0, fields=None)


class SemanticContract:
    """Needs a fixture `catalog`."""

    async def test_children_are_marked_when_they_change(self, catalog: Catalog) -> None:
        collection, other = await indexed(catalog), await an_artifact(catalog, "other")
        child = await an_artifact(catalog, "child", parent_id=collection)
        stranger = await an_artifact(catalog, "stranger", parent_id=other)
        assert await taken(catalog, collection) == set()
        async with catalog.transaction() as tx:
            version = await a_version(tx, child)
            await a_version(tx, stranger)
        assert await taken(catalog, collection) == {child}
        async with catalog.transaction() as tx:
            await rename(tx, child)
            await rename(tx, stranger)
        assert await taken(catalog, collection) == {child}
        async with catalog.transaction() as tx:
            await tx.delete_version(version)
        assert await taken(catalog, collection) == {child}
        async with catalog.transaction() as tx:
            await tx.delete_artifacts([child, stranger])
        assert await taken(catalog, collection) == {child}

    async def test_who_moves_is_marked_where_they_were_and_where_they_come(self, catalog: Catalog) -> None:
        one, two = await indexed(catalog, "one"), await indexed(catalog, "two")
        child, left = [await an_artifact(catalog, name, parent_id=one) for name in ("child", "left")]
        async with catalog.transaction() as tx:
            await tx.set_parent(child, two)
        assert [await taken(catalog, place) for place in (one, two)] == [{child}, {child}]
        async with catalog.transaction() as tx:
            await tx.set_parent(child, None)
        assert [await taken(catalog, place) for place in (one, two)] == [set(), {child}]
        async with catalog.transaction() as tx:
            await tx.orphan_children(one)
        assert await taken(catalog, one) == {left}

    async def test_a_mark_set_again_is_not_taken_with_the_one_before(self, catalog: Catalog) -> None:
        collection = await indexed(catalog)
        child = await an_artifact(catalog, "child", parent_id=collection)
        async with catalog.transaction() as tx:
            await a_version(tx, child)
        before = (await state(catalog, collection)).marks
        async with catalog.transaction() as tx:
            await rename(tx, child)
        async with catalog.transaction() as tx:
            assert await tx.take_marks(collection, before) == set()
        assert await taken(catalog, collection) == {child}

    async def test_what_was_looked_at_goes_on_only_from_where_it_was(self, catalog: Catalog) -> None:
        collection = await indexed(catalog)
        async with catalog.transaction() as tx:
            await tx.open_semantic_index(collection)
            assert await tx.set_scanned(collection, "x", before="")
            assert not await tx.set_scanned(collection, "z", before="y")
        assert (await state(catalog, collection)).scanned == "x"

    async def test_an_index_that_is_closed_leaves_nothing(self, catalog: Catalog) -> None:
        collection = await indexed(catalog)
        child = await an_artifact(catalog, "child", parent_id=collection)
        async with catalog.transaction() as tx:
            await rename(tx, child)
            await tx.close_semantic_index(collection)
        assert await catalog.find_semantic_index(collection, most_marks=1) is None
        async with catalog.transaction() as tx:
            await rename(tx, child)
            await tx.open_semantic_index(collection)
        assert await state(catalog, collection) == SemanticIndex(scanned="", marks={})
        async with catalog.transaction() as tx:
            await rename(tx, child)
            await tx.delete_artifacts([collection])
        assert await catalog.find_semantic_index(collection, most_marks=1) is None

    async def test_an_index_waits_while_no_job_is_at_it(self, catalog: Catalog) -> None:
        collection = await indexed(catalog)
        child = await an_artifact(catalog, "child", parent_id=collection)

        async def waiting(failed_before: float = 0.0) -> list[tuple[ArtifactId, str | None]]:
            return await catalog.waiting_indexes(failed_before=failed_before, limit=5)

        assert await waiting() == []
        job = a_job(collection)
        async with catalog.transaction() as tx:
            await rename(tx, child)
        assert await waiting() == [(collection, None)]
        async with catalog.transaction() as tx:
            assert await tx.assign_job(collection, job.id)
            await tx.insert_job(job)
            assert not await tx.assign_job(collection, "another")
        assert await waiting() == []
        for outcome, waits in (
            (JobStatus.COMPLETED, True), (JobStatus.FAILED, False), (JobStatus.CANCELLED, False),
        ):  # fmt: skip
            async with catalog.transaction() as tx:
                claimed = await tx.claim_job([job.kind], lease="l", until=9.0, now=5.0)
                assert claimed is not None
                assert await tx.end_job(job.id, "l", status=outcome, now=5.0)
            assert await waiting() == ([(collection, job.id)] if waits else [])
            assert await waiting(6.0) == ([] if outcome is JobStatus.CANCELLED else [(collection, job.id)])
            async with catalog.transaction() as tx:
                assert await tx.revive_job(job.id, now=3.0, repeated=True)
                assert not await tx.revive_job(job.id, now=3.0, repeated=True)

    async def test_the_indexed_collections_of_a_workspace_are_found(self, catalog: Catalog) -> None:
        await a_workspace(catalog, "ws")
        one, two = await indexed(catalog, "one"), await indexed(catalog, "two")
        await indexed(catalog, "elsewhere", workspace="other")
        await an_artifact(catalog, "plain")
        found = await catalog.semantic_collections("ws", viewer="ada", limit=5)
        assert [item.artifact.id for item in found] == [one, two]
        assert len(await catalog.semantic_collections("ws", viewer=None, limit=1)) == 1

    async def test_artifacts_are_found_by_their_ids(self, catalog: Catalog) -> None:
        ids = [await an_artifact(catalog, name) for name in "abc"]
        async with catalog.transaction() as tx:
            for artifact_id in ids[:2]:
                await a_version(tx, artifact_id)
        assert set(await catalog.find_artifacts([*ids[1:], ArtifactId("none")])) == set(ids[1:])
        assert await catalog.find_artifacts([]) == {}
        wanted = ContainsAny(Field("artifact", "id"), (*ids[1:], "none"))
        assert await catalog.artifact_ids(Query(workspace="ws", where=wanted)) == [ids[1]]
        both = AllOf((wanted, ContainsAny(Field("artifact", "alias"), ("c",))))
        assert await catalog.artifact_ids(Query(workspace="ws", where=both)) == []
        assert await catalog.artifact_ids(Query(workspace="ws", limit=0)) == []

    async def test_vectors_are_forgotten_all_at_once(self, catalog: Catalog) -> None:

        collection = await indexed(catalog)
        async with catalog.transaction() as tx:
            await tx.put_vectors(collection, [an_item("a"), an_item("b")], update=False)
        before = await catalog.vector_state(collection)
        async with catalog.transaction() as tx:
            await tx.clear_vectors(collection)
        after = await catalog.vector_state(collection)
        assert (after.item_count, after.epoch) == (0, before.epoch + 1)
        assert after.revision > before.revision
        assert await catalog.find_vectors(collection, ["a"]) == {}
