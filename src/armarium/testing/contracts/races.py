"""Work of several that touches the same things at the same time, in any catalog: the outcome is that of some order."""

import asyncio

import msgspec

from armarium.domain.account import User, Workspace
from armarium.domain.errors import Conflict
from armarium.domain.file import BlobId
from armarium.domain.identifiers import ArtifactId, ById
from armarium.domain.query import Query, Stage
from armarium.ports.catalog import Catalog, Interrupted
from armarium.testing.contracts.catalog_fixtures import (
    a_slot,
    a_version,
    a_version_with,
    a_workspace,
    an_artifact,
    an_entry,
    get,
    insert,
)

_WHILE_SECONDS = 0.05
"""Long enough for the others to come to the same place."""


async def _shared_version(catalog: Catalog) -> tuple[list[ArtifactId], BlobId]:
    """Two artifacts whose versions hold one blob."""
    first, second = [await an_artifact(catalog, alias) for alias in ("first", "second")]
    version = await a_version_with(catalog, first, "a.txt")
    [entry] = await catalog.list_files(version)
    async with catalog.transaction() as tx:
        await tx.stage_files(second, [msgspec.structs.replace(a_slot("a.txt"), **_content(entry))])
        await tx.apply_staged_files(second, await a_version(tx, second))
        await tx.delete_draft(second)
    return [first, second], entry.blob_id


def _content(entry: object) -> dict[str, object]:
    names = ("blob_id", "size_bytes", "modified_at", "content_type", "sha256")
    return {name: getattr(entry, name) for name in names}


class RaceContract:
    """Needs a fixture `catalog`."""

    async def test_many_may_put_children_into_one_collection(self, catalog: Catalog) -> None:
        parent = await an_artifact(catalog, "parent")

        async def add(number: int) -> None:
            async with catalog.transaction() as tx:
                assert await tx.find_artifact(ById(parent), shared=True) is not None
                await asyncio.sleep(0)
                await insert(tx, f"child-{number}", parent_id=parent)

        await asyncio.gather(*(add(number) for number in range(12)))
        assert len(await catalog.child_ids(parent)) == 12

    async def test_a_parent_that_goes_leaves_no_child_behind_it(self, catalog: Catalog) -> None:
        parent = await an_artifact(catalog, "parent")

        async def add() -> None:
            async with catalog.transaction() as tx:
                if await tx.find_artifact(ById(parent), shared=True) is not None:
                    await asyncio.sleep(_WHILE_SECONDS)
                    await insert(tx, "child", parent_id=parent)

        async def remove() -> None:
            async with catalog.transaction() as tx:
                await tx.find_artifact(ById(parent))
                await tx.delete_artifacts([parent])

        adding = asyncio.create_task(add())
        await asyncio.sleep(_WHILE_SECONDS / 5)
        await asyncio.gather(adding, remove())
        left = (await catalog.list_artifacts(Query(stage=Stage.ANY))).artifacts
        assert [(artifact.alias, artifact.parent_id) for artifact in left] == [("child", None)]

    async def test_the_last_of_two_who_let_go_of_a_blob_releases_it(self, catalog: Catalog) -> None:
        owners, blob_id = await _shared_version(catalog)

        async def remove(artifact_id: ArtifactId) -> None:
            async with catalog.transaction() as tx:
                await tx.delete_artifacts([artifact_id])
                await asyncio.sleep(_WHILE_SECONDS)

        await asyncio.gather(*(remove(owner) for owner in owners))
        released = await catalog.unreferenced_blobs(released_before=2e10, limit=10)
        assert [record.id for record in released] == [blob_id]

    async def test_a_blob_is_condemned_or_referred_to_but_not_both(self, catalog: Catalog) -> None:
        owner = await an_artifact(catalog, "owner")
        version = await a_version_with(catalog, owner, "a.txt")
        [entry] = await catalog.list_files(version)
        other = await an_artifact(catalog, "other")
        async with catalog.transaction() as tx:
            await tx.delete_version(version)

        async def refer() -> bool:
            try:
                async with catalog.transaction() as tx:
                    await tx.stage_files(other, [msgspec.structs.replace(a_slot("a.txt"), **_content(entry))])
                    await asyncio.sleep(_WHILE_SECONDS)
            except Conflict:
                return False
            return True

        async def condemn() -> list[BlobId]:
            await asyncio.sleep(_WHILE_SECONDS / 5)
            async with catalog.transaction() as tx:
                return await tx.condemn_blobs([entry.blob_id])

        referred, condemned = await asyncio.gather(refer(), condemn())
        assert referred != bool(condemned)

    async def test_bytes_that_arrive_during_a_commit_are_in_it_or_are_refused(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        slot = a_slot("a.txt")
        async with catalog.transaction() as tx:
            await tx.stage_files(artifact_id, [slot])

        async def commit() -> None:
            async with catalog.transaction() as tx:
                await tx.find_artifact(ById(artifact_id))
                version = await a_version(tx, artifact_id)
                await tx.apply_staged_files(artifact_id, version)
                await asyncio.sleep(_WHILE_SECONDS)
                await tx.delete_draft(artifact_id)

        async def arrive() -> bool:
            await asyncio.sleep(_WHILE_SECONDS / 5)
            async with catalog.transaction() as tx:
                return await tx.fill_slot(slot.slot, an_entry("a.txt"))

        _, arrived = await asyncio.gather(commit(), arrive())
        [version] = (await get(catalog, artifact_id)).versions
        assert len(await catalog.list_files(version.id)) == int(arrived)

    async def test_a_workspace_that_goes_leaves_no_artifact_behind_it(self, catalog: Catalog) -> None:
        await a_workspace(catalog, "ws")

        async def add() -> None:
            async with catalog.transaction() as tx:
                if await tx.find_workspace("ws", shared=True) is not None:
                    await asyncio.sleep(_WHILE_SECONDS)
                    await insert(tx, "a")

        async def remove() -> None:
            await asyncio.sleep(_WHILE_SECONDS / 5)
            async with catalog.transaction() as tx:
                await tx.find_workspace("ws")
                await tx.delete_workspace("ws")

        await asyncio.gather(add(), remove())
        assert await catalog.find_workspace("ws") is None
        assert await catalog.count_artifacts(Query(stage=Stage.ANY)) == 0

    async def test_changes_of_one_user_do_not_undo_each_other(self, catalog: Catalog) -> None:
        async with catalog.transaction() as tx:
            await tx.insert_user(User(id="ada"))

        async def add(role: str) -> None:
            async with catalog.transaction() as tx:
                user = await tx.find_user("ada")
                assert user is not None
                await asyncio.sleep(0.01)
                await tx.update_user(msgspec.structs.replace(user, roles=(*user.roles, role)))

        await asyncio.gather(*(add(role) for role in "abcd"))
        user = await catalog.find_user("ada")
        assert user is not None
        assert sorted(user.roles) == ["a", "b", "c", "d"]

    async def test_who_wait_for_each_other_are_told_to_begin_again(self, catalog: Catalog) -> None:
        pair = [await an_artifact(catalog, alias) for alias in ("first", "second")]

        async def both(order: list[ArtifactId], workspace: str) -> None:
            async with catalog.transaction() as tx:
                for artifact_id in order:
                    await tx.find_artifact(ById(artifact_id))
                    await asyncio.sleep(_WHILE_SECONDS)
                await tx.insert_workspace(Workspace(name=workspace))

        outcomes = await asyncio.gather(both(pair, "x"), both(pair[::-1], "y"), return_exceptions=True)
        failed = [outcome for outcome in outcomes if outcome is not None]
        assert all(isinstance(outcome, Interrupted) for outcome in failed)
        assert len(await catalog.list_workspaces(member=None)) == 2 - len(failed)
        assert len(failed) < 2
