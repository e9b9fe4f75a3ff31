"""Jobs: put into the queue with the change that needs them, looked at, cancelled, tried again."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from armarium.core.lookup import find
from armarium.core.permissions import access_of, require
from armarium.core.workspaces import require_site_admin
from armarium.domain.artifact import Artifact
from armarium.domain.errors import Conflict, NotFound
from armarium.domain.identifiers import ArtifactId, ById
from armarium.domain.job import Job, JobError, JobStatus
from armarium.domain.manifest import encode_json
from armarium.domain.principal import Action, Principal
from armarium.ports.catalog import Catalog, Event, Transaction
from armarium.ports.clock import Clock

Follower = Callable[[Transaction, Job, JobStatus, JobError | None], Awaitable[None]]


class JobPage(msgspec.Struct, frozen=True):
    """A part of a listing. next: the id of the last job shown, None at the end."""

    jobs: list[Job]
    next: str | None


class Jobs:
    """Use cases around jobs; `job_runner.py` does them."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock
        self._listeners: list[Callable[[], None]] = []
        self._followers: dict[str, Follower] = {}

    def follow(self, kind: str, follower: Follower) -> None:
        """Have something else told in the same transaction whenever a job of a kind changes its status."""
        self._followers[kind] = follower

    async def changed(self, tx: Transaction, job: Job, status: JobStatus, error: JobError | None = None) -> None:
        """Tell who follows jobs of this kind."""
        follower = self._followers.get(job.kind)
        if follower is not None:
            await follower(tx, job, status, error)

    def on_new(self, listener: Callable[[], None]) -> None:
        """Call back when this process has put something into the queue."""
        self._listeners.append(listener)

    def tell(self) -> None:
        """Say that a transaction which enqueued something is through."""
        for listener in self._listeners:
            listener()

    async def enqueue(
        self, tx: Transaction, principal: Principal, artifact: Artifact, kind: str, payload: Mapping[str, Any]
    ) -> Job:
        """Add a job to the caller's transaction: it is there if and only if that is kept. Then call `tell`."""
        job = self._new(principal, artifact, kind, encode_json("payload", payload))
        await tx.insert_job(job)
        return job

    async def record(self, tx: Transaction, principal: Principal, artifact: Artifact, kind: str) -> Job:
        """Note a job that was done on the spot."""
        job = self._new(principal, artifact, kind, msgspec.Raw(b"{}"))
        done = msgspec.structs.replace(
            job,
            status=JobStatus.COMPLETED,
            progress=100,
            attempt=1,
            due_at=None,
            started_at=job.created_at,
            finished_at=job.created_at,
        )
        await tx.insert_job(done)
        return done

    def _new(self, principal: Principal, artifact: Artifact, kind: str, payload: msgspec.Raw) -> Job:
        now = self._clock.now()
        return Job(
            id=self._clock.new_id(),
            kind=kind,
            workspace=artifact.workspace,
            artifact_id=artifact.id,
            payload=payload,
            created_by=principal.effective_id,
            created_at=now,
            updated_at=now,
            due_at=now,
        )

    async def get(self, principal: Principal, job_id: str) -> Job:
        """Return a job whose artifact the caller may read. Raises NotFound."""
        return await self._allowed(principal, job_id, Action.READ)

    async def of_artifact(
        self, principal: Principal, name: str, *, before: str | None = None, limit: int = 100
    ) -> JobPage:
        """The jobs of an artifact, newest first, those older than the job `before`. Raises NotFound, Forbidden."""
        found = await find(self._catalog, principal, name)
        require(principal, Action.READ, access_of(found))
        jobs = await self._catalog.list_jobs(artifact_id=found.artifact.id, before=before, limit=limit + 1)
        return JobPage(jobs[:limit], jobs[limit - 1].id if len(jobs) > limit else None)

    async def list(self, principal: Principal, *, status: JobStatus | None = None, limit: int = 100) -> list[Job]:
        """All jobs, newest first; those that failed are the dead letters. Raises Forbidden unless an operator asks."""
        require_site_admin(principal, "list_jobs")
        return await self._catalog.list_jobs(status=status, limit=limit)

    async def cancel(self, principal: Principal, job_id: str) -> Job:
        """End a job, also one in process: what it was about to do has no effect.

        Raises NotFound, Forbidden, Conflict when it is over.
        """
        await self._allowed(principal, job_id, Action.EDIT)
        return await self._change(principal, job_id, "cancel_job", JobStatus.CANCELLED)

    async def retry(self, principal: Principal, job_id: str) -> Job:
        """Let a failed or cancelled job begin anew. Raises NotFound, Forbidden, Conflict for any other."""
        await self._allowed(principal, job_id, Action.EDIT)
        job = await self._change(principal, job_id, "retry_job", JobStatus.PENDING)
        self.tell()
        return job

    async def _change(self, principal: Principal, job_id: str, action: str, into: JobStatus) -> Job:
        now = self._clock.now()
        async with self._catalog.transaction() as tx:
            change = tx.cancel_job if into is JobStatus.CANCELLED else tx.revive_job
            changed = await change(job_id, now=now)
            job = await tx.find_job(job_id)
            if job is None:
                raise NotFound("job", job_id)
            if not changed:
                raise Conflict(f"Job '{job_id}' is {job.status}.")
            await self.changed(tx, job, into)
            await tx.add_event(event_of(job, now, principal.effective_id, action))
        return job

    async def _allowed(self, principal: Principal, job_id: str, action: Action) -> Job:
        """A job of an artifact nobody may read does not exist for them; one without an artifact is the operator's."""
        job = await self._catalog.find_job(job_id)
        if job is None:
            raise NotFound("job", job_id)
        if job.artifact_id is None:
            require_site_admin(principal, action)
        else:
            await self._require(principal, job.artifact_id, action)
        return job

    async def _require(self, principal: Principal, artifact_id: ArtifactId, action: Action) -> None:
        found = await self._catalog.find_artifact(ById(artifact_id), viewer=principal.effective_id)
        if found is None:
            raise NotFound("artifact", artifact_id)
        require(principal, action, access_of(found))


def event_of(job: Job, at: float, actor: str, action: str) -> Event:
    """A line of the audit trail about a job."""
    detail = f"{job.kind} {job.id}"
    return Event(at=at, workspace=job.workspace, actor=actor, action=action, artifact_id=job.artifact_id, detail=detail)
