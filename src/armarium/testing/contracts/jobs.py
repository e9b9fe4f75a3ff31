"""Jobs in any catalog."""

import asyncio
from typing import Any

import msgspec

from armarium.domain.identifiers import ArtifactId
from armarium.domain.job import Job, JobError, JobStatus
from armarium.ports.catalog import Catalog
from armarium.testing.contracts.catalog_fixtures import an_artifact, clock

KINDS = ("print",)


def a_job(artifact_id: ArtifactId | None = None, **values: Any) -> Job:
    given = {
        "id": clock.new_id(), "kind": "print", "workspace": "ws", "artifact_id": artifact_id, "created_by": "ada",
        "created_at": 1.0, "updated_at": 1.0, "due_at": 1.0, "payload": msgspec.Raw(b'{"a": 1}'),
    }  # fmt: skip
    return Job(**(given | values))


async def enqueue(catalog: Catalog, *jobs: Job) -> None:
    async with catalog.transaction() as tx:
        for job in jobs:
            await tx.insert_job(job)


async def claim(catalog: Catalog, lease: str = "l", *, now: float = 2.0, until: float = 10.0) -> Job | None:
    async with catalog.transaction() as tx:
        return await tx.claim_job(KINDS, lease=lease, until=until, now=now)


class JobContract:
    """Needs a fixture `catalog`."""

    async def test_a_job_comes_back_as_it_was_put(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        job = a_job(artifact_id, error=JobError("code", "message"), result=msgspec.Raw(b"[1]"), started_at=2.0)
        await enqueue(catalog, job)
        assert await catalog.find_job(job.id) == job
        assert await catalog.find_job("no") is None

    async def test_a_job_is_there_only_if_its_transaction_is_kept(self, catalog: Catalog) -> None:
        job = a_job()
        try:
            async with catalog.transaction() as tx:
                await tx.insert_job(job)
                raise KeyError
        except KeyError:
            pass
        assert await catalog.find_job(job.id) is None

    async def test_the_job_due_longest_is_claimed_first_and_only_once(self, catalog: Catalog) -> None:
        late, early, not_yet, other = a_job(due_at=1.5), a_job(due_at=1.0), a_job(due_at=3.0), a_job(kind="sing")
        await enqueue(catalog, late, early, not_yet, other)
        assert await catalog.has_due_job(KINDS, now=2.0)
        claimed = [await claim(catalog, lease) for lease in ("a", "b", "c")]
        assert [job and job.id for job in claimed] == [early.id, late.id, None]
        assert claimed[0] is not None
        assert (claimed[0].status, claimed[0].attempt, claimed[0].lease, claimed[0].started_at) == (
            JobStatus.PROCESSING, 1, "a", 2.0,
        )  # fmt: skip
        assert not await catalog.has_due_job(KINDS, now=2.0)

    async def test_many_who_claim_at_once_each_get_another_job(self, catalog: Catalog) -> None:
        jobs = [a_job() for _ in range(20)]
        await enqueue(catalog, *jobs)
        claimed = await asyncio.gather(*(claim(catalog, f"l{number}") for number in range(30)))
        assert sorted(job.id for job in claimed if job) == sorted(job.id for job in jobs)

    async def test_a_job_whose_lease_has_ended_is_claimed_again_and_its_first_holder_has_nothing(
        self, catalog: Catalog
    ) -> None:
        job = a_job()
        await enqueue(catalog, job)
        await claim(catalog, "first", until=5.0)
        async with catalog.transaction() as tx:
            assert await tx.renew_job(job.id, "first", until=7.0, now=4.0, progress=40)
        assert await claim(catalog, "second", now=6.0) is None
        again = await claim(catalog, "second", now=7.0)
        assert again is not None
        assert (again.attempt, again.progress) == (2, 40)
        async with catalog.transaction() as tx:
            assert not await tx.renew_job(job.id, "first", until=99.0, now=8.0)
            assert not await tx.end_job(job.id, "first", status=JobStatus.COMPLETED, now=8.0)
            assert not await tx.postpone_job(job.id, "first", due_at=9.0, now=8.0)
            assert await tx.end_job(job.id, "second", status=JobStatus.COMPLETED, now=8.0, result=msgspec.Raw(b"1"))
        done = await catalog.find_job(job.id)
        assert done is not None
        assert (done.status, done.progress, done.result, done.finished_at) == (
            JobStatus.COMPLETED, 100, msgspec.Raw(b"1"), 8.0,
        )  # fmt: skip
        assert (done.lease, done.due_at) == (None, None)

    async def test_a_postponed_job_waits_and_one_given_back_counts_for_nothing(self, catalog: Catalog) -> None:
        job = a_job()
        await enqueue(catalog, job)
        await claim(catalog, "a")
        async with catalog.transaction() as tx:
            assert await tx.postpone_job(job.id, "a", due_at=4.0, now=2.0, error=JobError("busy", "Later."))
        assert await claim(catalog, "b", now=3.0) is None
        second = await claim(catalog, "b", now=4.0)
        assert second is not None
        assert (second.attempt, second.error) == (2, JobError("busy", "Later."))
        async with catalog.transaction() as tx:
            assert await tx.postpone_job(job.id, "b", due_at=4.0, now=4.0)
        found = await catalog.find_job(job.id)
        assert found is not None
        assert (found.status, found.attempt, found.lease) == (JobStatus.PENDING, 1, None)

    async def test_a_job_is_cancelled_at_any_time_before_its_end_and_can_be_revived(self, catalog: Catalog) -> None:
        waiting, running = a_job(due_at=5.0), a_job()
        await enqueue(catalog, waiting, running)
        await claim(catalog, "a")
        async with catalog.transaction() as tx:
            assert await tx.cancel_job(waiting.id, now=3.0)
            assert await tx.cancel_job(running.id, now=3.0)
            assert not await tx.cancel_job(running.id, now=3.0)
            assert not await tx.end_job(running.id, "a", status=JobStatus.COMPLETED, now=3.0)
        assert [job.status for job in await catalog.list_jobs()] == [JobStatus.CANCELLED] * 2
        async with catalog.transaction() as tx:
            assert await tx.revive_job(running.id, now=6.0)
            assert not await tx.revive_job(running.id, now=6.0)
        revived = await claim(catalog, "b", now=6.0)
        assert revived is not None
        assert (revived.id, revived.attempt) == (running.id, 1)

    async def test_jobs_are_listed_newest_first_in_pages(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        jobs = [a_job(artifact_id) for _ in range(5)]
        await enqueue(catalog, *jobs, a_job())
        page = await catalog.list_jobs(artifact_id=artifact_id, limit=3)
        rest = await catalog.list_jobs(artifact_id=artifact_id, before=page[-1].id, limit=3)
        assert [job.id for job in (*page, *rest)] == [job.id for job in reversed(jobs)]
        assert await catalog.newest_jobs([artifact_id, ArtifactId("no")]) == {artifact_id: jobs[-1]}
        await claim(catalog)
        assert len(await catalog.list_jobs(status=JobStatus.PROCESSING)) == 1
        assert await catalog.count_open_jobs() == {JobStatus.PENDING: 5, JobStatus.PROCESSING: 1}

    async def test_jobs_go_with_their_artifact(self, catalog: Catalog) -> None:
        artifact_id = await an_artifact(catalog)
        job = a_job(artifact_id)
        await enqueue(catalog, job)
        async with catalog.transaction() as tx:
            await tx.delete_artifacts([artifact_id])
        assert await catalog.find_job(job.id) is None
