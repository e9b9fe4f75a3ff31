"""Work for later: a queue that lives in the catalog, so that a job is there if and only if what needs it was kept.

`JobReader` and `JobWriter` are parts of the catalog's `Reader` and `Transaction`. A claim is a lease: it names one
attempt, ends at a time, and everything the holder does to the job is refused once somebody else has it.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from armarium.domain.identifiers import ArtifactId
from armarium.domain.job import Job, JobError, JobStatus


class JobReader(Protocol):
    """Questions about jobs."""

    async def find_job(self, job_id: str) -> Job | None:
        """A job by id, in whatever status."""
        ...

    async def list_jobs(
        self,
        *,
        artifact_id: ArtifactId | None = None,
        status: JobStatus | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> list[Job]:
        """Newest first, those older than the job `before`."""
        ...

    async def newest_jobs(self, artifact_ids: Sequence[ArtifactId]) -> dict[ArtifactId, Job]:
        """The newest job of each artifact that has one."""
        ...

    async def has_due_job(self, kinds: Sequence[str], *, now: float) -> bool:
        """Whether there is one to claim, of these kinds."""
        ...

    async def count_open_jobs(self) -> dict[JobStatus, int]:
        """How many are pending and how many in process."""
        ...


class JobWriter(JobReader, Protocol):
    """Changes to jobs; each says whether it happened."""

    async def insert_job(self, job: Job) -> None:
        """Add a job, together with what needs it."""
        ...

    async def claim_job(self, kinds: Sequence[str], *, lease: str, until: float, now: float) -> Job | None:
        """Take up the job that has been due for longest, one whose lease has ended included; None when none is due.

        Two who claim at once never get the same job.
        """
        ...

    async def renew_job(
        self, job_id: str, lease: str, *, until: float, now: float, progress: int | None = None
    ) -> bool:
        """Keep a job for longer; progress None leaves what was reported."""
        ...

    async def end_job(
        self,
        job_id: str,
        lease: str,
        *,
        status: JobStatus,
        now: float,
        result: msgspec.Raw | None = None,
        error: JobError | None = None,
    ) -> bool:
        """Let the holder of the lease finish a job."""
        ...

    async def postpone_job(
        self, job_id: str, lease: str, *, due_at: float, now: float, error: JobError | None = None
    ) -> bool:
        """Let the holder put a job back; without an error the attempt does not count."""
        ...

    async def cancel_job(self, job_id: str, *, now: float) -> bool:
        """End a job nobody has finished yet, also in the middle of an attempt."""
        ...

    async def revive_job(self, job_id: str, *, now: float, repeated: bool = False) -> bool:
        """Let a failed or cancelled job begin anew, its attempts forgotten; repeated: also a completed one."""
        ...
