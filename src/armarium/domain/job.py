"""Jobs: work that is done later, again if need be, and takes effect once.

    pending --claim--> processing --complete--> completed
       ^                  |   |------fail-----> failed        when it cannot succeed, or was tried often enough
       |<--try again------|   |
       |<--lease ends-----|   |
       |------------------------cancel--------> cancelled
       |<----------------------- retry -------- failed, cancelled

Whoever claims a job holds its lease and must renew it; only the holder can complete, fail or give it back.
"""

import enum

import msgspec

from armarium.domain.identifiers import ArtifactId

MOST_ATTEMPTS = 5
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 300.0


class JobStatus(enum.StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self not in (JobStatus.PENDING, JobStatus.PROCESSING)


class JobError(msgspec.Struct, frozen=True):
    """Why a job failed, or why its last attempt did. code: a word for programs; message: for the person who asked."""

    code: str
    message: str


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of work. Times are seconds since the epoch, UTC.

    kind: what is to be done; payload: JSON that says it in full.
    progress: 0 to 100. attempt: how often it was begun.
    due_at: when somebody should take it up: the turn of a pending job, the end of the lease of one in process.
    lease: names the one attempt that may end the job; None while nobody works on it.
    result: JSON. error: of the last attempt; it stays until an attempt succeeds.
    """

    id: str
    kind: str
    workspace: str
    artifact_id: ArtifactId | None = None
    payload: msgspec.Raw = msgspec.Raw(b"{}")
    created_by: str
    created_at: float
    updated_at: float
    status: JobStatus = JobStatus.PENDING
    progress: int = 0
    attempt: int = 0
    most_attempts: int = MOST_ATTEMPTS
    due_at: float | None = None
    lease: str | None = None
    started_at: float | None = None
    finished_at: float | None = None
    result: msgspec.Raw | None = None
    error: JobError | None = None

    @property
    def is_last_attempt(self) -> bool:
        return self.attempt >= self.most_attempts


def pause_seconds(attempt: int) -> float:
    """How long a job rests after its n-th attempt came to nothing: twice as long each time, at most five minutes."""
    return min(_FIRST_PAUSE_SECONDS * 2.0 ** min(attempt - 1, 30), _LONGEST_PAUSE_SECONDS)
