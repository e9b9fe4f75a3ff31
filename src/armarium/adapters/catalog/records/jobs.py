"""Jobs."""

from collections.abc import Sequence

import msgspec

from armarium.adapters.catalog.records.base import Records
from armarium.adapters.catalog.rows import job_of, json_list, json_text
from armarium.adapters.catalog.statements import jobs as sql
from armarium.domain.identifiers import ArtifactId
from armarium.domain.job import Job, JobError, JobStatus


class JobReader(Records):
    async def find_job(self, job_id: str) -> Job | None:
        row = await self._one(sql.find_job, job_id=job_id)
        return job_of(row) if row is not None else None

    async def list_jobs(
        self,
        *,
        artifact_id: ArtifactId | None = None,
        status: JobStatus | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> list[Job]:
        rows = await self._all(
            sql.list_jobs,
            artifact_id is not None,
            status is not None,
            before is not None,
            artifact_id=artifact_id,
            status=status.value if status is not None else None,
            before=before,
            limit=limit,
        )
        return [job_of(row) for row in rows]

    async def newest_jobs(self, artifact_ids: Sequence[ArtifactId]) -> dict[ArtifactId, Job]:
        jobs = [job_of(row) for row in await self._all(sql.newest_jobs, artifact_ids=json_list(artifact_ids))]
        return {job.artifact_id: job for job in jobs if job.artifact_id is not None}

    async def has_due_job(self, kinds: Sequence[str], *, now: float) -> bool:
        return bool(await self._all(sql.has_due_job, kinds=json_list(kinds), now=now))

    async def count_open_jobs(self) -> dict[JobStatus, int]:
        counted = dict(await self._all(sql.count_open_jobs))
        return {status: counted.get(status.value, 0) for status in JobStatus if not status.is_final}


class JobWriter(JobReader):
    async def insert_job(self, job: Job) -> None:
        values = {name: getattr(job, name, None) for name in sql.COLUMNS}
        values |= {
            "status": job.status.value,
            "payload": json_text(job.payload),
            "result": _text(job.result),
            "error_code": job.error.code if job.error else None,
            "error_message": job.error.message if job.error else None,
        }
        await self._change(sql.insert_job, **values)

    async def claim_job(self, kinds: Sequence[str], *, lease: str, until: float, now: float) -> Job | None:
        row = await self._one(sql.claim_job, kinds=json_list(kinds), claim=lease, until=until, now=now)
        return job_of(row) if row is not None else None

    async def renew_job(
        self, job_id: str, lease: str, *, until: float, now: float, progress: int | None = None
    ) -> bool:
        row = await self._one(
            sql.renew_job, progress is not None, job_id=job_id, claim=lease, until=until, now=now, percent=progress
        )
        return row is not None

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
        row = await self._one(
            sql.end_job,
            status is JobStatus.COMPLETED,
            job_id=job_id,
            claim=lease,
            outcome=status.value,
            outcome_json=_text(result),
            code=error.code if error else None,
            message=error.message if error else None,
            now=now,
        )
        return row is not None

    async def postpone_job(
        self, job_id: str, lease: str, *, due_at: float, now: float, error: JobError | None = None
    ) -> bool:
        row = await self._one(
            sql.postpone_job,
            error is not None,
            job_id=job_id,
            claim=lease,
            until=due_at,
            now=now,
            code=error.code if error else None,
            message=error.message if error else None,
        )
        return row is not None

    async def cancel_job(self, job_id: str, *, now: float) -> bool:
        return await self._one(sql.cancel_job, job_id=job_id, now=now) is not None

    async def revive_job(self, job_id: str, *, now: float, repeated: bool = False) -> bool:
        return await self._one(sql.revive_job, repeated, job_id=job_id, now=now) is not None


def _text(value: msgspec.Raw | None) -> str | None:
    return json_text(value) if value is not None else None
