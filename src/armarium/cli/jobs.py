"""`armarium jobs`: what is being done, what failed, and what to do about it."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from cyclopts import App, Parameter

from armarium.cli.connect import Config, Data, Json, settings_from, with_core
from armarium.cli.output import moment, show

if TYPE_CHECKING:
    from armarium.core import Core
    from armarium.domain.job import Job

app = App(name="jobs", help="Jobs: list, show, retry, cancel.", help_format="plaintext")

_COLUMNS = ("id", "kind", "status", "progress", "attempt", "artifact", "error")
_DETAILS = (*_COLUMNS, "created_at", "started_at", "finished_at")
StatusName = Literal["pending", "processing", "completed", "failed", "cancelled"]


@app.command(name="list")
def list_(
    *,
    status: Annotated[StatusName | None, Parameter(help="Only these; `failed` are the dead letters.")] = None,
    limit: Annotated[int, Parameter(help="At most so many, the newest.")] = 100,
    data: Data = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """List jobs, newest first."""

    async def work(core: "Core") -> "list[Job]":
        from armarium.domain.job import JobStatus  # noqa: PLC0415
        from armarium.domain.principal import ROOT  # noqa: PLC0415

        return await core.jobs.list(ROOT, status=JobStatus(status) if status else None, limit=limit)

    jobs = with_core(settings_from(config, data=data), work)
    show([_row(job) for job in jobs], _COLUMNS, as_json=as_json)


@app.command(name="show")
def show_(job_id: str, /, *, data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """Show one job."""

    async def work(core: "Core") -> "Job":
        from armarium.domain.principal import ROOT  # noqa: PLC0415

        return await core.jobs.get(ROOT, job_id)

    _show_one(work, data, config, as_json=as_json)


@app.command
def retry(job_id: str, /, *, data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """Let a failed or cancelled job begin anew."""

    async def work(core: "Core") -> "Job":
        from armarium.domain.principal import ROOT  # noqa: PLC0415

        return await core.jobs.retry(ROOT, job_id)

    _show_one(work, data, config, as_json=as_json)


@app.command
def cancel(job_id: str, /, *, data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """End a job, also one in process: it will have no effect."""

    async def work(core: "Core") -> "Job":
        from armarium.domain.principal import ROOT  # noqa: PLC0415

        return await core.jobs.cancel(ROOT, job_id)

    _show_one(work, data, config, as_json=as_json)


def _show_one(
    work: "Callable[[Core], Awaitable[Job]]", data: Path | None, config: Path | None, *, as_json: bool
) -> None:
    show([_row(with_core(settings_from(config, data=data), work))], _DETAILS, as_json=as_json)


def _row(job: "Job") -> dict[str, Any]:
    return {
        "id": job.id,
        "kind": job.kind,
        "status": job.status.value,
        "progress": job.progress,
        "attempt": job.attempt,
        "most_attempts": job.most_attempts,
        "workspace": job.workspace,
        "artifact": job.artifact_id,
        "created_by": job.created_by,
        "error": f"{job.error.code}: {job.error.message}" if job.error else None,
        "created_at": moment(job.created_at),
        "started_at": moment(job.started_at),
        "finished_at": moment(job.finished_at),
        "due_at": moment(job.due_at),
        "result": msgspec.json.decode(job.result) if job.result is not None else None,
    }
