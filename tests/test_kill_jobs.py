"""A worker that is killed at any step of a job leaves a job that somebody else completes, exactly once.

The job is done in a process that kills itself (SIGKILL) just before its n-th step, for n = 1, 2, ...; see `killing.py`.
"""

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from armarium.assembly import Parts, assemble, running
from armarium.core import Core
from armarium.core.documents import Order
from armarium.core.ingestion import GivenText
from armarium.core.vectors import Asked
from armarium.domain.document import Passage, Recipe, Target, TextFormat
from armarium.domain.job import JobStatus
from armarium.domain.passages import Cut
from armarium.settings import Settings
from tests.killing import ADA, AT_THE_END, DONE, GOT_THROUGH, Trap, run_killed

NOTES = Passage(title="Notes", text="# Cells\n\nCells divide.", format=TextFormat.MARKDOWN)
RECIPE = Recipe(title="Notes", target=Target.MARKDOWN, file_name="notes.md", text=NOTES)
SENTENCES = [f"Sentence number {number} is here." for number in range(20)]
CUT = Cut(size=40, overlap=0)

Ids = dict[str, str]


def settings_of(data: Path) -> Settings:
    return Settings(data=data, blob_grace=timedelta(0), job_lease=timedelta(seconds=1))


class ADocument:
    """A space with one document that waits to be made."""

    async def prepare(self, parts: Parts) -> Ids:
        space = await parts.core.spaces.create(ADA, {"name": "Lab"})
        order = Order(manifest={"name": "Notes"}, type="document", file_name="notes.md", media_type="text/markdown")
        document = await parts.core.documents.make(ADA, space.id, order, RECIPE)
        assert document.job is not None
        return {"artifact": document.artifact.id, "job": document.job.id}

    async def look(self, core: Core, artifact_id: str) -> dict[str, Any]:
        artifact = (await core.artifacts.read(ADA, artifact_id, silent=True)).artifact
        return {
            "versions": len(artifact.versions),
            "files": artifact.file_count,
            "draft": artifact.intent,
            "shown": msgspec.json.decode(artifact.config)["document"],
            "content": await core.files.read(ADA, artifact.id, "notes.md"),
        }

    expected: ClassVar = {
        "versions": 1, "files": 1, "draft": None, "shown": {"status": "completed"},
        "content": b"# Notes\n\n# Cells\n\nCells divide.", "completions": 1, "blobs": 1,
    }  # fmt: skip


class Passages:
    """A vector collection, where one text waits to be replaced and another to be added."""

    async def prepare(self, parts: Parts) -> Ids:
        core = parts.core
        config = {"dimension": 16, "embedding_model": "hashing:"}
        made = await core.artifacts.create(ADA, manifest={"name": "x"}, type="vector-collection", config=config)
        name = made.artifact.id
        await core.ingestion.add(
            ADA, name, [GivenText(source="story", text=" ".join(SENTENCES[15:] + SENTENCES[:2]))], CUT
        )
        assert await parts.runner.run_one()
        texts = [GivenText(source="story", text=" ".join(SENTENCES)), GivenText(source="other", text="Quite short.")]
        job = await core.ingestion.add(ADA, name, texts, CUT)
        return {"artifact": name, "job": job.id}

    async def look(self, core: Core, artifact_id: str) -> dict[str, Any]:
        passages = [
            msgspec.json.decode(item.payload) async for page in core.vectors.pages(ADA, artifact_id) for item in page
        ]
        artifact = (await core.artifacts.read(ADA, artifact_id, silent=True)).artifact
        return {
            "texts": sorted(passage["text"].strip() for passage in passages),
            "counted": (await core.vectors.list(ADA, artifact_id, Asked(limit=1))).total,
            "versions": len(artifact.versions),
        }

    expected: ClassVar = {
        "texts": sorted([*SENTENCES, "Quite short."]), "counted": 21, "versions": 1, "completions": 2, "blobs": 0,
    }  # fmt: skip


async def prepare(work: Any, data: Path) -> Ids:
    parts = assemble(settings_of(data), "http://x")
    async with running(parts) as core:
        await core.accounts.ensure_home("ada")
        return await work.prepare(parts)


async def do_the_job(data: Path, trap: Trap) -> None:
    parts = assemble(settings_of(data), "http://x")
    async with running(parts):
        await trap.arm()
        assert await parts.runner.run_one()
        trap.step(DONE)
        trap.disarm()


async def state_after(work: Any, data: Path, ids: Ids) -> dict[str, Any]:
    """Let somebody else come by until the job is over, sweep, and look."""
    parts = assemble(settings_of(data), "http://x")
    async with running(parts) as core:
        while not (await core.jobs.get(ADA, ids["job"])).status.is_final:
            if not await parts.runner.run_one():
                await asyncio.sleep(0.02)
        await core.sweeper.sweep()
        events = await core.catalog.list_events(artifact_id=ids["artifact"])
        return {
            "status": (await core.jobs.get(ADA, ids["job"])).status,
            **await work.look(core, ids["artifact"]),
            "completions": sum(event.action == "complete_job" for event in events),
            "blobs": sum(path.is_file() for path in (data / "files").rglob("*")),
        }


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("work", "least_steps"), [(ADocument(), 15), (Passages(), 25)], ids=["document", "passages"])
def test_a_job_killed_at_any_step_is_completed_once(tmp_path: Path, work: Any, least_steps: int):
    ids = asyncio.run(prepare(work, tmp_path / "before"))
    steps = 0
    for at in (AT_THE_END, *range(1, 1000)):
        data = tmp_path / str(at)
        shutil.copytree(tmp_path / "before", data)
        ended = run_killed(do_the_job, data, at)
        state = asyncio.run(state_after(work, data, ids))
        assert state == {"status": JobStatus.COMPLETED, **work.expected}, f"killed before step {at}"
        if ended == GOT_THROUGH and at != AT_THE_END:
            break
        assert ended == -9
        steps += 1
    assert steps > least_steps
