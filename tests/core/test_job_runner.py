import asyncio
from datetime import timedelta

import pytest

from armarium.core.job_runner import Attempt, Runner
from armarium.core.jobs import Jobs
from armarium.domain.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from armarium.domain.identifiers import ById
from armarium.domain.job import JobStatus
from armarium.domain.principal import ROOT
from armarium.testing.contracts.catalog_fixtures import an_artifact
from tests.accounts import World


class Printing:
    """Work that does what the test says, and leaves one event for each effect."""

    def __init__(self, catalog):
        self.catalog = catalog
        self.outcomes = []
        self.begun = 0

    async def do(self, attempt: Attempt):
        self.begun += 1
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if isinstance(outcome, Exception):
            raise outcome
        if callable(outcome):
            await outcome(attempt)

        async def effect(tx):
            await tx.put_member("public", f"printed-{attempt.job.id}", None)
            return {"pages": 1}

        return effect


class Office:
    """A runner with everything around it."""

    def __init__(self, world, **options):
        self.world = world
        self.jobs = Jobs(world.catalog, world.clock)
        self.work = Printing(world.catalog)
        limits = {"lease": timedelta(seconds=30), "time_limit": timedelta(minutes=1)} | options
        self.runner = Runner(world.catalog, world.clock, self.jobs, {"print": self.work}, **limits)

    async def enqueue(self):
        artifact_id = await an_artifact(self.world.catalog, f"a-{self.world.clock.new_id()}", workspace="public")
        found = await self.world.catalog.find_artifact(ById(artifact_id))
        async with self.world.catalog.transaction() as tx:
            job = await self.jobs.enqueue(tx, ROOT, found.artifact, "print", {"what": "a page"})
        self.jobs.tell()
        return job.id

    async def find(self, job_id):
        return await self.world.catalog.find_job(job_id)


@pytest.fixture
async def world():
    async with World() as world:
        yield world


@pytest.fixture
def office(world):
    return Office(world)


async def test_a_job_is_done_once_and_says_what_it_made(office):
    job_id = await office.enqueue()
    assert await office.runner.run_one()
    assert not await office.runner.run_one()
    job = await office.find(job_id)
    assert (job.status, bytes(job.result), office.work.begun) == (JobStatus.COMPLETED, b'{"pages":1}', 1)
    events = await office.world.catalog.list_events(artifact_id=job.artifact_id)
    assert [(event.action, event.detail) for event in events] == [("complete_job", f"print {job_id}")]


@pytest.mark.parametrize("passing", [Unavailable("Out of ink."), Conflict("Paper jam."), KeyError("oops")])
async def test_what_may_pass_is_tried_again_later_and_later(office, passing):
    job_id = await office.enqueue()
    office.work.outcomes = [passing, passing]
    await office.runner.run_one()
    first = await office.find(job_id)
    assert (first.status, first.attempt) == (JobStatus.PENDING, 1)
    assert first.due_at > office.world.clock.now()
    assert "oops" not in first.error.message
    assert not await office.runner.run_one()
    office.world.clock.time = first.due_at
    await office.runner.run_one()
    second = await office.find(job_id)
    assert second.due_at - office.world.clock.now() >= 2
    office.world.clock.time = second.due_at
    await office.runner.run_one()
    assert (await office.find(job_id)).status is JobStatus.COMPLETED


async def test_what_cannot_succeed_fails_at_once_with_the_reason(office):
    job_id = await office.enqueue()
    office.work.outcomes = [Invalid("page", "The page is blank.")]
    await office.runner.run_one()
    job = await office.find(job_id)
    assert (job.status, job.error.code, job.error.message) == (JobStatus.FAILED, "invalid", "The page is blank.")


async def test_a_job_that_never_succeeds_becomes_a_dead_letter_until_somebody_retries_it(office):
    job_id = await office.enqueue()
    office.work.outcomes = [Unavailable("Out of ink.")] * 5
    for _ in range(5):
        await office.runner.run_one()
        office.world.clock.time += 1000
    assert [job.id for job in await office.jobs.list(ROOT, status=JobStatus.FAILED)] == [job_id]
    await office.jobs.retry(ROOT, job_id)
    await office.runner.run_one()
    assert (await office.find(job_id)).status is JobStatus.COMPLETED


async def test_a_job_that_kills_whoever_does_it_is_not_done_for_ever(office):
    job_id = await office.enqueue()
    for number in range(5):  # claimed, and never heard of again
        async with office.world.catalog.transaction() as tx:
            now = office.world.clock.now()
            assert await tx.claim_job(["print"], lease=f"dead {number}", until=now + 1, now=now)
        office.world.clock.time += 2
    await office.runner.run_one()
    job = await office.find(job_id)
    assert (job.status, job.error.code, office.work.begun) == (JobStatus.FAILED, "exhausted", 0)


async def test_a_cancelled_job_has_no_effect_though_it_was_done(office):
    job_id = await office.enqueue()

    async def cancel(attempt):
        await office.jobs.cancel(ROOT, job_id)

    office.work.outcomes = [cancel]
    await office.runner.run_one()
    job = await office.find(job_id)
    assert (job.status, job.result) == (JobStatus.CANCELLED, None)
    with pytest.raises(Conflict, match="cancelled"):
        await office.jobs.cancel(ROOT, job_id)


async def test_who_has_lost_the_lease_stops_at_the_next_heartbeat(world):
    office = Office(world, lease=timedelta(seconds=0.06))
    job_id = await office.enqueue()

    async def work_for_ever(attempt):
        await office.jobs.cancel(ROOT, job_id)
        await asyncio.sleep(1000)

    office.work.outcomes = [work_for_ever]
    assert await office.runner.run_one()


async def test_an_attempt_that_takes_too_long_is_ended(world):
    office = Office(world, time_limit=timedelta(seconds=0.05))
    job_id = await office.enqueue()
    office.work.outcomes = [lambda _: asyncio.sleep(1000)]
    await office.runner.run_one()
    job = await office.find(job_id)
    assert (job.status, job.error.code) == (JobStatus.PENDING, "timeout")


async def test_a_runner_that_stops_gives_its_jobs_back(office):
    job_id = await office.enqueue()
    began = asyncio.Event()

    async def wait(attempt):
        await attempt.report(30)
        began.set()
        await asyncio.sleep(1000)

    office.work.outcomes = [wait]
    running = asyncio.create_task(office.runner.run(2))
    await asyncio.wait_for(began.wait(), 10)
    assert (await office.find(job_id)).progress == 30
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    job = await office.find(job_id)
    assert (job.status, job.attempt, job.lease) == (JobStatus.PENDING, 0, None)


async def test_a_runner_takes_up_what_comes_while_it_waits(office):
    running = asyncio.create_task(office.runner.run(1))
    await asyncio.sleep(0)
    job_ids = [await office.enqueue() for _ in range(3)]
    while not all([(await office.find(job_id)).status.is_final for job_id in job_ids]):
        await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert office.runner.ended["print", JobStatus.COMPLETED] == 3


async def test_jobs_are_for_those_who_may_read_their_artifact(office):
    job_id = await office.enqueue()
    eve = await office.world.user("eve")
    for call in (office.jobs.get, office.jobs.cancel, office.jobs.retry):
        with pytest.raises(Forbidden):
            await call(eve, job_id)
    with pytest.raises(Forbidden):
        await office.jobs.list(eve)
    with pytest.raises(NotFound):
        await office.jobs.get(ROOT, "no-such-job")
    assert (await office.jobs.get(ROOT, job_id)).id == job_id
