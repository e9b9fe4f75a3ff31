"""A worker that is killed at any step of following a collection leaves work that somebody else completes.

As in `test_kill_jobs.py`, the work is done in a process that kills itself (SIGKILL) just before its n-th step.
"""

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from armarium.assembly import Parts, assemble, running
from armarium.core.ranked_search import Wanted
from armarium.core.versions import Changes
from armarium.settings import Settings
from tests.killing import ADA, AT_THE_END, DONE, GOT_THROUGH, Trap, run_killed

SETTING = {"semantic_search": {"embedding_model": "hashing:", "dimension": 16}}


def parts_of(data: Path) -> Parts:
    return assemble(Settings(data=data, job_lease=timedelta(seconds=1)), "http://x")


async def prepare(data: Path) -> str:
    """A collection that has followed one child, and has to follow another, an edit and a deletion."""
    parts = parts_of(data)
    async with running(parts) as core:
        await core.accounts.ensure_home("ada")
        made = await core.artifacts.create(ADA, manifest={"name": "c"}, type="collection", config=SETTING)
        collection = made.artifact.id
        for name in ("kept", "edited", "gone"):
            await core.artifacts.create(ADA, manifest={"name": name}, alias=name, parent=collection)
        await follow(parts)
        await core.artifacts.create(ADA, manifest={"name": "new"}, alias="new", parent=collection)
        await core.versions.edit(ADA, "ws-user-ada/edited", Changes(manifest={"name": "changed"}))
        await core.artifacts.delete(ADA, "ws-user-ada/gone")
        return collection


async def follow(parts: Parts) -> None:
    await parts.index_feed.run()
    while await parts.runner.run_one():
        pass


async def follow_in(data: Path, trap: Trap) -> None:
    parts = parts_of(data)
    async with running(parts):
        await trap.arm()
        await follow(parts)
        trap.step(DONE)
        trap.disarm()


async def state_after(data: Path, collection: str) -> dict[str, Any]:
    """Let somebody else come by until nothing waits, and look."""
    parts = parts_of(data)
    async with running(parts) as core:
        while (index := await core.catalog.find_semantic_index(collection, most_marks=9)) and index.marks:
            await follow(parts)
            await asyncio.sleep(0.02)
        items = await core.catalog.list_vectors(collection, offset=0, limit=9)
        found = await core.ranked_search.children(ADA, collection, Wanted(text="new changed kept"))
        return {
            "texts": sorted(bytes(item.payload).decode() for item in items),
            "found": sorted(view.artifact.alias for view in found.views),
        }


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_whoever_is_killed_another_follows(tmp_path: Path):
    collection = asyncio.run(prepare(tmp_path / "before"))
    expected = {
        "texts": ['{"":["changed"]}', '{"":["kept"]}', '{"":["new"]}'],
        "found": ["edited", "kept", "new"],
    }
    steps = 0
    for at in (AT_THE_END, *range(1, 1000)):
        data = tmp_path / str(at)
        shutil.copytree(tmp_path / "before", data)
        ended = run_killed(follow_in, data, at)
        assert asyncio.run(state_after(data, collection)) == expected, f"killed before step {at}"
        if ended == GOT_THROUGH and at != AT_THE_END:
            break
        assert ended == -9
        steps += 1
    assert steps > 10
