"""A worker that is killed at any step of a job leaves a job that somebody else completes, exactly once.

The job is done in a process that kills itself (SIGKILL) just before its n-th step, for n = 1, 2, ...; see `killing.py`.
"""

import asyncio
import os
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from armarium.assembly import assemble, running
from armarium.core.documents import Order
from armarium.domain.document import Passage, Recipe, Target, TextFormat
from armarium.domain.job import JobStatus
from armarium.settings import Settings
from tests.killing import ADA, AT_THE_END, DONE, Trap

NOTES = Passage(title="Notes", text="# Cells\n\nCells divide.", format=TextFormat.MARKDOWN)
RECIPE = Recipe(title="Notes", target=Target.MARKDOWN, file_name="notes.md", text=NOTES)
_GOT_THROUGH = 7


def settings_of(data: Path) -> Settings:
    return Settings(data=data, blob_grace=timedelta(0), job_lease=timedelta(seconds=1))


async def prepare(data: Path) -> dict[str, str]:
    """A space with one document that waits to be made."""
    async with running(assemble(settings_of(data), "http://x")) as core:
        await core.accounts.ensure_home("ada")
        space = await core.spaces.create(ADA, {"name": "Lab"})
        order = Order(manifest={"name": "Notes"}, type="document", file_name="notes.md", media_type="text/markdown")
        document = await core.documents.make(ADA, space.id, order, RECIPE)
        assert document.job is not None
        return {"space": space.id, "artifact": document.artifact.id, "job": document.job.id}


async def do_the_job(data: Path, trap: Trap) -> None:
    parts = assemble(settings_of(data), "http://x")
    async with running(parts):
        await trap.arm()
        assert await parts.runner.run_one()
        trap.step(DONE)
        trap.disarm()


async def state_after(data: Path, ids: dict[str, str]) -> dict[str, Any]:
    """Let somebody else come by until the job is over, sweep, and look."""
    parts = assemble(settings_of(data), "http://x")
    async with running(parts) as core:
        while not (await core.jobs.get(ADA, ids["job"])).status.is_final:
            if not await parts.runner.run_one():
                await asyncio.sleep(0.02)
        await core.sweeper.sweep()
        job = await core.jobs.get(ADA, ids["job"])
        artifact = (await core.artifacts.read(ADA, ids["artifact"], silent=True)).artifact
        events = await core.catalog.list_events(artifact_id=artifact.id)
        return {
            "status": job.status,
            "versions": len(artifact.versions),
            "files": artifact.file_count,
            "draft": artifact.intent,
            "shown": msgspec.json.decode(artifact.config)["document"],
            "content": await core.files.read(ADA, artifact.id, "notes.md"),
            "completions": sum(event.action == "complete_job" for event in events),
            "blobs": sum(path.is_file() for path in (data / "files").rglob("*")),
        }


def run_killed(data: Path, at: int) -> int:
    """Do the job in a child that dies at a step; returns how it ended."""
    child = os.fork()
    if child == 0:
        try:
            trap = Trap(data, at)
            trap.set_up()
            asyncio.run(do_the_job(data, trap))
            os._exit(_GOT_THROUGH)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_job_killed_at_any_step_is_completed_once(tmp_path: Path):
    ids = asyncio.run(prepare(tmp_path / "before"))
    expected = {
        "status": JobStatus.COMPLETED, "versions": 1, "files": 1, "draft": None, "shown": {"status": "completed"},
        "content": b"# Notes\n\n# Cells\n\nCells divide.", "completions": 1, "blobs": 1,
    }  # fmt: skip
    steps = 0
    for at in (AT_THE_END, *range(1, 1000)):
        data = tmp_path / str(at)
        shutil.copytree(tmp_path / "before", data)
        ended = run_killed(data, at)
        assert asyncio.run(state_after(data, ids)) == expected, f"killed before step {at}"
        if ended == _GOT_THROUGH and at != AT_THE_END:
            break
        assert ended == -9
        steps += 1
    assert steps > 15
