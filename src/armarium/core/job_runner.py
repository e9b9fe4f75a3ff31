"""Doing jobs: claim one, do it while renewing its lease, and keep what it made in the transaction that ends it.

Whatever kills the process in between leaves a job whose lease ends, and somebody claims it again; what a dead
attempt stored is bytes nobody refers to. So a job is done at least once, and takes effect once.
"""

import asyncio
import contextlib
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Protocol

import msgspec

from armarium.core.jobs import Jobs, event_of
from armarium.domain.errors import ArmariumError, Conflict, Unavailable
from armarium.domain.job import Job, JobError, JobStatus, pause_seconds
from armarium.ports.catalog import Catalog, Transaction
from armarium.ports.clock import Clock

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.5
"""How often a runner looks for jobs that other processes put into the queue."""
_RENEWALS = 3
"""Renewals in the time a lease lasts, so that one that comes late or fails costs nothing."""
WORKER = "armarium"
"""Who does what jobs do, in the audit trail."""

Effect = Callable[[Transaction], Awaitable[Any]]
"""What a finished job changes; it returns the result, as plain JSON or None."""


class Attempt:
    """One attempt at a job, as the work sees it."""

    def __init__(self, job: Job, report: Callable[[int], Awaitable[None]]) -> None:
        self.job = job
        self._report = report

    async def report(self, progress: int) -> None:
        """Say how far it is, 0 to 100."""
        await self._report(progress)


class Work(Protocol):
    """One kind of job."""

    async def do(self, attempt: Attempt) -> Effect:
        """Make what takes time, and return what to change once it is made.

        Raises ArmariumError: Unavailable and Conflict may pass, so the job is tried again; any other is final.
        """
        ...


class _LeaseLost(Exception):  # noqa: N818 - a turn of events, not an error
    """The job was cancelled, deleted, or given to somebody else."""


class Runner:
    """Does jobs of the kinds it knows, so many at a time."""

    def __init__(
        self,
        catalog: Catalog,
        clock: Clock,
        jobs: Jobs,
        works: Mapping[str, Work],
        *,
        lease: timedelta,
        time_limit: timedelta,
    ) -> None:
        self._catalog = catalog
        self._clock = clock
        self._jobs = jobs
        self._works = works
        self._kinds = sorted(works)
        self._lease_seconds = lease.total_seconds()
        self._limit_seconds = time_limit.total_seconds()
        self._news = asyncio.Event()
        self.ended: Counter[tuple[str, str]] = Counter()
        jobs.on_new(self._news.set)

    async def run(self, at_a_time: int) -> None:
        """Do whatever comes due until cancelled; jobs under way are then given back, to be begun again at once."""
        async with asyncio.TaskGroup() as group:
            for _ in range(at_a_time):
                group.create_task(self._keep_working())

    async def _keep_working(self) -> None:
        while True:
            self._news.clear()
            try:
                did_something = await self.run_one()
            except ArmariumError as error:
                log.warning("no job could be looked for: %s", error)
                did_something = False
            if not did_something:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), _LOOK_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311

    async def run_one(self) -> bool:
        """Do the job that has been due for longest; False when none is."""
        now = self._clock.now()
        if not await self._catalog.has_due_job(self._kinds, now=now):
            return False
        lease = self._clock.new_id()
        async with self._catalog.transaction() as tx:
            job = await tx.claim_job(self._kinds, lease=lease, until=now + self._lease_seconds, now=now)
            if job is not None:
                await self._jobs.changed(tx, job, JobStatus.PROCESSING)
        if job is None:
            return False
        try:
            await self._attempt(job, lease)
        except _LeaseLost:
            log.info("job %s (%s) was taken away in attempt %d", job.id, job.kind, job.attempt)
        return True

    async def _attempt(self, job: Job, lease: str) -> None:
        if job.attempt > job.most_attempts:
            await self._fail(job, lease, JobError("exhausted", "Every attempt ended with the process that made it."))
            return
        try:
            effect = await self._renewing(job, lease)
            await self._complete(job, lease, effect)
        except asyncio.CancelledError:
            await self._give_back(job, lease)
            raise
        except (Unavailable, Conflict) as error:
            await self._try_again(job, lease, JobError("unavailable", error.message))
        except ArmariumError as error:
            await self._fail(job, lease, JobError(_code(error), error.message))
        except TimeoutError:
            await self._try_again(job, lease, JobError("timeout", "The job took longer than it may."))
        except _LeaseLost:
            raise
        except Exception:
            log.exception("job %s (%s) failed in attempt %d", job.id, job.kind, job.attempt)
            await self._try_again(job, lease, JobError("internal", "Something went wrong on the server."))

    async def _renewing(self, job: Job, lease: str) -> Effect:
        """Do the work beside a heartbeat; who loses the lease stops working."""
        attempt = Attempt(job, lambda progress: self._renew(job, lease, progress))
        work = asyncio.create_task(self._works[job.kind].do(attempt))
        heart = asyncio.create_task(self._beat(job, lease))
        try:
            async with asyncio.timeout(self._limit_seconds):
                await asyncio.wait((work, heart), return_when=asyncio.FIRST_COMPLETED)
            if heart.done():
                await heart
            return await work
        finally:
            for task in (work, heart):
                task.cancel()
            await asyncio.gather(work, heart, return_exceptions=True)

    async def _beat(self, job: Job, lease: str) -> None:
        while True:
            await asyncio.sleep(self._lease_seconds / _RENEWALS)
            try:
                await self._renew(job, lease, None)
            except Unavailable as error:
                log.warning("the lease of job %s could not be renewed: %s", job.id, error)

    async def _renew(self, job: Job, lease: str, progress: int | None) -> None:
        now = self._clock.now()
        async with self._catalog.transaction() as tx:
            kept = await tx.renew_job(job.id, lease, until=now + self._lease_seconds, now=now, progress=progress)
        if not kept:
            raise _LeaseLost

    async def _complete(self, job: Job, lease: str, effect: Effect) -> None:
        now = self._clock.now()
        async with self._catalog.transaction() as tx:
            made = await effect(tx)
            result = None if made is None else msgspec.Raw(msgspec.json.encode(made))
            if not await tx.end_job(job.id, lease, status=JobStatus.COMPLETED, now=now, result=result):
                raise _LeaseLost
            await tx.add_event(event_of(job, now, WORKER, "complete_job"))
        self.ended[job.kind, JobStatus.COMPLETED] += 1

    async def _try_again(self, job: Job, lease: str, error: JobError) -> None:
        if job.is_last_attempt:
            await self._fail(job, lease, error)
            return
        now = self._clock.now()
        due_at = now + pause_seconds(job.attempt) * random.uniform(1, 1.25)  # noqa: S311 - so that not all come at once
        async with self._catalog.transaction() as tx:
            if await tx.postpone_job(job.id, lease, due_at=due_at, now=now, error=error):
                await self._jobs.changed(tx, job, JobStatus.PENDING)

    async def _fail(self, job: Job, lease: str, error: JobError) -> None:
        now = self._clock.now()
        async with self._catalog.transaction() as tx:
            if not await tx.end_job(job.id, lease, status=JobStatus.FAILED, now=now, error=error):
                raise _LeaseLost
            await self._jobs.changed(tx, job, JobStatus.FAILED, error)
            await tx.add_event(event_of(job, now, WORKER, "fail_job"))
        self.ended[job.kind, JobStatus.FAILED] += 1

    async def _give_back(self, job: Job, lease: str) -> None:
        now = self._clock.now()
        with contextlib.suppress(ArmariumError):
            async with self._catalog.transaction() as tx:
                if await tx.postpone_job(job.id, lease, due_at=now, now=now):
                    await self._jobs.changed(tx, job, JobStatus.PENDING)


def _code(error: ArmariumError) -> str:
    """The class of an error as a word, such as `not_found`."""
    name = type(error).__name__
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
