"""What transactions promise in any catalog: all or nothing, in turn, lost by nobody."""

import asyncio

import pytest

from armarium.domain.errors import Unavailable
from armarium.domain.identifiers import ArtifactId, ByAlias, ById
from armarium.domain.query import Query, Stage
from armarium.ports.catalog import Catalog
from armarium.testing.contracts.catalog_fixtures import (
    a_slot,
    a_version,
    an_artifact,
    get,
    insert,
    new_artifact_id,
)

EVERYTHING = Query(stage=Stage.ANY)


class TransactionContract:
    """Needs a fixture `catalog`."""

    async def test_of_many_who_want_an_alias_one_gets_it(self, catalog: Catalog) -> None:
        async def attempt() -> ArtifactId | None:
            async with catalog.transaction() as tx:
                await asyncio.sleep(0)
                return await insert(tx, "wanted")

        ids = await asyncio.gather(*(attempt() for _ in range(20)))
        [winner] = [artifact_id for artifact_id in ids if artifact_id is not None]
        found = await catalog.find_artifact(ByAlias("ws", "wanted"))
        assert found is not None
        assert found.artifact.id == winner

    async def test_concurrent_stagings_lose_nothing(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)

        async def put(number: int) -> None:
            async with catalog.transaction() as tx:
                await tx.find_artifact(ById(artifact_id))
                await asyncio.sleep(0)
                await tx.stage_files(artifact_id, [a_slot(f"{number}.txt")])

        await asyncio.gather(*(put(number) for number in range(12)))
        assert len((await catalog.staged_files([artifact_id]))[artifact_id]) == 12

    async def test_concurrent_commits_each_get_a_version(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)

        async def commit() -> None:
            async with catalog.transaction() as tx:
                found = await tx.find_artifact(ById(artifact_id))
                assert found is not None
                await asyncio.sleep(0)
                await a_version(tx, artifact_id, len(found.artifact.versions))

        await asyncio.gather(*(commit() for _ in range(5)))
        versions = (await get(catalog, artifact_id)).versions
        assert [version.label for version in versions] == ["v0", "v1", "v2", "v3", "v4"]

    async def test_a_failed_transaction_leaves_nothing(self, catalog: Catalog) -> None:
        async def fail() -> None:
            async with catalog.transaction() as tx:
                artifact_id = await insert(tx, "a", manifest={"a": 1})
                assert artifact_id is not None
                await a_version(tx, artifact_id)
                raise KeyError

        with pytest.raises(KeyError):
            await fail()
        assert await catalog.count_artifacts(EVERYTHING) == 0
        await an_artifact(catalog, "a")

    async def test_one_failure_among_many_is_its_own(self, catalog: Catalog) -> None:
        async def write(number: int) -> None:
            async with catalog.transaction() as tx:
                await insert(tx, f"a{number}")
                await asyncio.sleep(0)
                if number % 3 == 0:
                    raise KeyError

        outcomes = await asyncio.gather(*(write(number) for number in range(30)), return_exceptions=True)
        assert [number for number, outcome in enumerate(outcomes) if outcome] == list(range(0, 30, 3))
        assert await catalog.count_artifacts(EVERYTHING) == 20

    async def test_a_cancelled_transaction_leaves_nothing_and_holds_up_nobody(self, catalog: Catalog) -> None:
        entered = asyncio.Event()

        async def hang() -> None:
            async with catalog.transaction() as tx:
                await insert(tx, "a")
                entered.set()
                await asyncio.sleep(60)

        async def wait_in_line() -> None:
            async with catalog.transaction() as tx:
                await insert(tx, "b")

        hanging = asyncio.create_task(hang())
        await entered.wait()
        waiting, patient = asyncio.create_task(wait_in_line()), asyncio.create_task(wait_in_line())
        await asyncio.sleep(0)
        waiting.cancel()
        hanging.cancel()
        await asyncio.gather(hanging, waiting, patient, return_exceptions=True)
        assert patient.exception() is None
        assert await catalog.find_artifact(ByAlias("ws", "a")) is None
        assert await catalog.count_artifacts(EVERYTHING) == 1

    async def test_readers_see_only_what_is_committed(self, catalog: Catalog) -> None:
        async with catalog.transaction() as tx:
            await insert(tx, "a")
            assert await tx.find_artifact(ByAlias("ws", "a")) is not None
            assert await catalog.find_artifact(ByAlias("ws", "a")) is None
        assert await catalog.find_artifact(ByAlias("ws", "a")) is not None

    async def test_what_a_transaction_left_is_there_for_the_next(self, catalog: Catalog) -> None:
        for number in range(50):
            artifact_id = await an_artifact(catalog, f"a{number}")
            assert await catalog.find_artifact(ById(artifact_id)) is not None

    async def test_a_transaction_may_only_read(self, catalog: Catalog) -> None:
        await an_artifact(catalog, "a")
        async with catalog.transaction() as tx:
            assert await tx.find_artifact(ByAlias("ws", "a")) is not None

    async def test_a_refused_row_takes_back_its_transaction(self, catalog: Catalog) -> None:
        async def write() -> None:
            async with catalog.transaction() as tx:
                await insert(tx, "a")
                await a_version(tx, new_artifact_id())

        with pytest.raises(Exception, match=r"(?i)foreign"):
            await write()
        assert await catalog.count_artifacts(EVERYTHING) == 0

    async def test_a_closed_catalog_says_so(self, catalog: Catalog) -> None:
        await an_artifact(catalog)
        await catalog.close()
        with pytest.raises(Unavailable):
            await catalog.find_artifact(ByAlias("ws", "a"))
        with pytest.raises(Unavailable):
            async with catalog.transaction():
                pass
        await catalog.close()
