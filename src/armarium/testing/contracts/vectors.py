"""Vector collections in any catalog."""

from array import array

import msgspec

from armarium.domain.vector import VectorItem
from armarium.ports.catalog import Catalog
from armarium.testing.contracts.catalog_fixtures import an_artifact

_ALL = 10**6
_MANY = 1500
"""More removed vectors than a catalog remembers."""


def an_item(id: str, *numbers: float, **payload: object) -> VectorItem:
    return VectorItem(
        id=id, vector=array("f", numbers or (1.0, 0.0)).tobytes(), payload=msgspec.Raw(msgspec.json.encode(payload))
    )


class VectorContract:
    """Needs a fixture `catalog`."""

    async def test_vectors_are_kept_and_found(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        items = [an_item("b", 1, 2, kind="x"), an_item("a", 3, 4), an_item("ü \U0001f600", 5, 6)]
        async with catalog.transaction() as tx:
            assert await tx.put_vectors(artifact_id, items, update=False) == 3
        assert await catalog.list_vectors(artifact_id, offset=0, limit=_ALL) == items
        assert await catalog.list_vectors(artifact_id, offset=1, limit=1) == items[1:2]
        assert await catalog.find_vectors(artifact_id, ["a", "missing"]) == {"a": items[1]}
        state = await catalog.vector_state(artifact_id)
        assert (state.item_count, state.revision) == (3, 1)

    async def test_what_is_there_is_replaced_only_on_request(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        old, new, other = an_item("a", 1, 1, n=1), an_item("a", 2, 2, n=2), an_item("b", 3, 3)
        async with catalog.transaction() as tx:
            await tx.put_vectors(artifact_id, [old], update=False)
        async with catalog.transaction() as tx:
            assert await tx.put_vectors(artifact_id, [new, other], update=False) == 1
            assert await tx.find_vectors(artifact_id, ["a"]) == {"a": old}
            assert await tx.put_vectors(artifact_id, [new], update=True) == 0
        assert await catalog.list_vectors(artifact_id, offset=0, limit=_ALL) == [new, other]
        assert (await catalog.vector_state(artifact_id)).item_count == 2

    async def test_all_are_read_some_at_a_time(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        items = [an_item(name) for name in "edcba"]
        async with catalog.transaction() as tx:
            await tx.put_vectors(artifact_id, items, update=False)
        seen: list[VectorItem] = []
        behind = -1
        while page := await catalog.vectors_behind(artifact_id, behind, limit=2):
            seen += [item for _, item in page]
            behind = page[-1][0]
            if len(seen) == 2:
                async with catalog.transaction() as tx:
                    await tx.put_vectors(artifact_id, [an_item("e"), an_item("late")], update=True)
                    await tx.remove_vectors(artifact_id, ["b"])
        assert [item.id for item in seen] == ["e", "d", "c", "a", "late"]

    async def test_ids_are_found_by_what_they_begin_with(self, catalog: Catalog) -> None:
        artifact_id, other = await an_artifact(catalog, "a"), await an_artifact(catalog, "b")
        names = ["aa-1", "aa-2", "aa", "aab-1", "ab-1", "AA-1", "b"]
        async with catalog.transaction() as tx:
            await tx.put_vectors(artifact_id, [an_item(name) for name in names], update=False)
            await tx.put_vectors(other, [an_item("aa-9")], update=False)
            await tx.remove_vectors(artifact_id, ["aa-2"])
            assert sorted(await tx.vector_ids(artifact_id, ["aa-", "ab-", "x'-"])) == ["aa-1", "ab-1"]
        assert await catalog.vector_ids(artifact_id, []) == []

    async def test_of_two_with_one_id_the_later_counts(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        async with catalog.transaction() as tx:
            assert await tx.put_vectors(artifact_id, [an_item("a", 1, 1), an_item("a", 2, 2)], update=False) == 1
        assert await catalog.list_vectors(artifact_id, offset=0, limit=_ALL) == [an_item("a", 2, 2)]

    async def test_a_reader_catches_up_by_what_changed(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        async with catalog.transaction() as tx:
            await tx.put_vectors(artifact_id, [an_item(name) for name in "abc"], update=False)
        first = await catalog.vector_changes(artifact_id, after=(-1, ""), limit=2)
        rest = await catalog.vector_changes(artifact_id, after=(first[-1].revision, first[-1].id), limit=2)
        assert [change.id for change in (*first, *rest)] == ["a", "b", "c"]
        async with catalog.transaction() as tx:
            assert await tx.remove_vectors(artifact_id, ["a", "missing"]) == 1
        async with catalog.transaction() as tx:
            await tx.put_vectors(artifact_id, [an_item("c", 9, 9)], update=True)
        later = await catalog.vector_changes(artifact_id, after=(rest[-1].revision, rest[-1].id), limit=_ALL)
        assert [(change.id, change.item) for change in later] == [("a", None), ("c", an_item("c", 9, 9))]

    async def test_what_was_removed_can_come_back(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        for _ in range(2):
            async with catalog.transaction() as tx:
                assert await tx.put_vectors(artifact_id, [an_item("a")], update=False) == 1
            async with catalog.transaction() as tx:
                assert await tx.remove_vectors(artifact_id, ["a"]) == 1
                assert await tx.remove_vectors(artifact_id, ["a"]) == 0
            assert await catalog.find_vectors(artifact_id, ["a"]) == {}
            assert (await catalog.vector_state(artifact_id)).item_count == 0

    async def test_many_removed_ones_are_forgotten_and_readers_told_to_start_again(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        names = [f"n{number}" for number in range(_MANY)]
        async with catalog.transaction() as tx:
            await tx.put_vectors(artifact_id, [an_item(name) for name in (*names, "kept")], update=False)
        before = await catalog.vector_state(artifact_id)
        async with catalog.transaction() as tx:
            assert await tx.remove_vectors(artifact_id, names) == len(names)
        state = await catalog.vector_state(artifact_id)
        assert (state.item_count, state.epoch) == (1, before.epoch + 1)
        left = await catalog.vector_changes(artifact_id, after=(-1, ""), limit=_ALL)
        assert [change.id for change in left] == ["kept"]

    async def test_vectors_go_with_their_artifact(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        async with catalog.transaction() as tx:
            await tx.put_vectors(artifact_id, [an_item("a")], update=False)
        async with catalog.transaction() as tx:
            await tx.delete_artifacts([artifact_id])
        assert await catalog.list_vectors(artifact_id, offset=0, limit=_ALL) == []
        assert (await catalog.vector_state(artifact_id)).item_count == 0
