"""The life of jobs, checked against a model: whatever people and processes do, a job takes effect at most once."""

import asyncio

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from armarium.adapters.catalog.sqlite import SqliteCatalog
from armarium.domain.job import JobError, JobStatus, pause_seconds
from armarium.testing.contracts.jobs import KINDS, a_job

LEASE = 10.0


class Jobs(RuleBasedStateMachine):
    """Model: id -> status, who holds it until when, attempts; effects counts what completed attempts did."""

    jobs = Bundle("jobs")
    leases = Bundle("leases")

    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.catalog = SqliteCatalog()
        self.run(self.catalog.open())
        self.now = 100.0
        self.model = {}
        self.effects = {}
        self.number = 0

    def teardown(self):
        self.run(self.catalog.close())
        self.loop.close()

    def run(self, work):
        return self.loop.run_until_complete(work)

    def change(self, name, *values, **named):
        async def changed():
            async with self.catalog.transaction() as tx:
                return await getattr(tx, name)(*values, **named)

        return self.run(changed())

    def holds(self, lease):
        job_id, text = lease
        job = self.model[job_id]
        return job["status"] is JobStatus.PROCESSING and job["lease"] == text

    @rule(target=jobs)
    def enqueue(self):
        job = a_job(due_at=self.now)
        self.change("insert_job", job)
        self.model[job.id] = {"status": JobStatus.PENDING, "due": self.now, "lease": None, "attempt": 0}
        self.effects[job.id] = 0
        return job.id

    @rule(seconds=st.sampled_from([0.5, 5.0, 11.0]))
    def time_passes(self, seconds):
        self.now += seconds

    @rule(target=leases)
    def claim(self):
        self.number += 1
        text = f"lease {self.number}"
        due = {job_id: job for job_id, job in self.model.items() if job["due"] is not None and job["due"] <= self.now}
        claimed = self.change("claim_job", KINDS, lease=text, until=self.now + LEASE, now=self.now)
        assert (claimed is None) == (not due)
        if claimed is None:
            return next(iter(self.model), "none"), "nobody's"
        assert due[claimed.id]["due"] == min(job["due"] for job in due.values())
        job = self.model[claimed.id]
        job |= {"status": JobStatus.PROCESSING, "lease": text, "due": self.now + LEASE, "attempt": job["attempt"] + 1}
        return claimed.id, text

    @rule(lease=leases.filter(lambda lease: lease[0] != "none"))
    def renew(self, lease):
        held = self.holds(lease)
        assert self.change("renew_job", *lease, until=self.now + LEASE, now=self.now) == held
        if held:
            self.model[lease[0]]["due"] = self.now + LEASE

    @rule(lease=leases.filter(lambda lease: lease[0] != "none"), good=st.booleans())
    def end(self, lease, good):
        held = self.holds(lease)
        status = JobStatus.COMPLETED if good else JobStatus.FAILED
        assert self.change("end_job", *lease, status=status, now=self.now) == held
        if held:
            self.model[lease[0]] |= {"status": status, "lease": None, "due": None}
            self.effects[lease[0]] += good

    @rule(lease=leases.filter(lambda lease: lease[0] != "none"), counts=st.booleans())
    def postpone(self, lease, counts):
        held = self.holds(lease)
        error = JobError("busy", "Later.") if counts else None
        due = self.now + pause_seconds(1)
        assert self.change("postpone_job", *lease, due_at=due, now=self.now, error=error) == held
        if held:
            job = self.model[lease[0]]
            job |= {"status": JobStatus.PENDING, "lease": None, "due": due, "attempt": job["attempt"] - (not counts)}

    @rule(job_id=jobs)
    def cancel(self, job_id):
        is_open = not self.model[job_id]["status"].is_final
        assert self.change("cancel_job", job_id, now=self.now) == is_open
        if is_open:
            self.model[job_id] |= {"status": JobStatus.CANCELLED, "lease": None, "due": None}

    @rule(job_id=jobs)
    def revive(self, job_id):
        can = self.model[job_id]["status"] in (JobStatus.FAILED, JobStatus.CANCELLED)
        assert self.change("revive_job", job_id, now=self.now) == can
        if can:
            self.model[job_id] |= {"status": JobStatus.PENDING, "due": self.now, "attempt": 0}

    @invariant()
    def the_catalog_agrees(self):
        for job in self.run(self.catalog.list_jobs(limit=1000)):
            expected = self.model[job.id]
            assert (job.status, job.due_at, job.lease, job.attempt) == (
                expected["status"], expected["due"], expected["lease"], expected["attempt"],
            )  # fmt: skip
        assert all(times <= 1 for times in self.effects.values())


TestJobs = Jobs.TestCase
TestJobs.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)


def test_pauses_grow_and_stay_bounded():
    pauses = [pause_seconds(attempt) for attempt in range(1, 100)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (1.0, 300.0)
