"""Statements about jobs. `due_at` alone says what can be claimed: see `domain/job.py`."""

from typing import Any

from sqlalchemy import Insert, Select, Update, bindparam, func, literal, null, select, update
from sqlalchemy.dialects.postgresql import insert

from armarium.adapters.catalog import tables as t
from armarium.adapters.catalog.constructs import InList
from armarium.domain.job import JobStatus

_j = t.job.c
COLUMNS = (
    "id", "kind", "workspace", "artifact_id", "payload", "created_by", "created_at", "updated_at", "status", "progress",
    "attempt", "most_attempts", "due_at", "lease", "started_at", "finished_at", "result", "error_code", "error_message",
)  # fmt: skip
_JOB = tuple(_j[name] for name in COLUMNS)


def insert_job() -> Insert:
    return insert(t.job)


def find_job() -> Select[Any]:
    return select(*_JOB).where(_j.id == bindparam("job_id"))


def list_jobs(of_artifact: bool, of_status: bool, continued: bool) -> Select[Any]:
    chosen = select(*_JOB)
    if of_artifact:
        chosen = chosen.where(_j.artifact_id == bindparam("artifact_id"))
    if of_status:
        chosen = chosen.where(_j.status == bindparam("status"))
    if continued:
        chosen = chosen.where(_j.id < bindparam("before"))
    return chosen.order_by(_j.id.desc()).limit(bindparam("limit"))


def newest_jobs() -> Select[Any]:
    newest = select(func.max(_j.id)).where(InList(_j.artifact_id, "artifact_ids")).group_by(_j.artifact_id)
    return select(*_JOB).where(_j.id.in_(newest.scalar_subquery()))


def has_due_job() -> Select[Any]:
    return select(literal(1)).where(_j.due_at <= bindparam("now"), InList(_j.kind, "kinds")).limit(literal(1))


def count_open_jobs() -> Select[Any]:
    return select(_j.status, func.count()).where(_j.due_at.is_not(None)).group_by(_j.status)


def claim_job() -> Update:
    due = select(_j.id).where(_j.due_at <= bindparam("now"), InList(_j.kind, "kinds"))
    first = due.order_by(_j.due_at, _j.id).limit(literal(1)).with_for_update(skip_locked=True)
    claimed = update(t.job).where(_j.id == first.scalar_subquery())
    return claimed.values(
        status=JobStatus.PROCESSING.value,
        attempt=_j.attempt + 1,
        lease=bindparam("claim"),
        due_at=bindparam("until"),
        started_at=func.coalesce(_j.started_at, bindparam("now")),
        updated_at=bindparam("now"),
    ).returning(*_JOB)


def _held() -> Update:
    """A job as the holder of its lease may change it."""
    held = update(t.job).where(_j.id == bindparam("job_id"), _j.lease == bindparam("claim"))
    return held.returning(_j.id)


def renew_job(with_progress: bool) -> Update:
    values: dict[str, Any] = {"due_at": bindparam("until"), "updated_at": bindparam("now")}
    return _held().values(values | ({"progress": bindparam("percent")} if with_progress else {}))


def end_job(is_complete: bool) -> Update:
    values = {"progress": 100} if is_complete else {}
    return _held().values(
        status=bindparam("outcome"),
        lease=null(),
        due_at=null(),
        result=bindparam("outcome_json"),
        error_code=bindparam("code"),
        error_message=bindparam("message"),
        finished_at=bindparam("now"),
        updated_at=bindparam("now"),
        **values,
    )


def postpone_job(counts: bool) -> Update:
    """counts: the attempt did come to something, an error; else it is as if it had not been."""
    values: dict[str, Any] = {"attempt": _j.attempt - 1}
    if counts:
        values = {"error_code": bindparam("code"), "error_message": bindparam("message")}
    return _held().values(
        status=JobStatus.PENDING.value,
        lease=null(),
        due_at=bindparam("until"),
        updated_at=bindparam("now"),
        **values,
    )


def cancel_job() -> Update:
    cancelled = update(t.job).where(_j.id == bindparam("job_id"), _j.due_at.is_not(None))
    return cancelled.values(
        status=JobStatus.CANCELLED.value,
        lease=null(),
        due_at=null(),
        finished_at=bindparam("now"),
        updated_at=bindparam("now"),
    ).returning(_j.id)


def revive_job(is_repeated: bool) -> Update:
    """is_repeated: also one that was completed."""
    ended = _j.status.in_([literal(JobStatus.FAILED.value), literal(JobStatus.CANCELLED.value)])
    revived = update(t.job).where(_j.id == bindparam("job_id"), _j.due_at.is_(None) if is_repeated else ended)
    return revived.values(
        status=JobStatus.PENDING.value,
        attempt=0,
        progress=0,
        due_at=bindparam("now"),
        finished_at=null(),
        updated_at=bindparam("now"),
    ).returning(_j.id)
