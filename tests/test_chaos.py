"""Four processes, thirty-two clients, one `kill -9` a second: nothing that was acknowledged is lost.

Runs for 20 seconds on each of two pairs of database and store; `--chaos-seconds=600` makes it longer, and
`python -m tests.chaos` tells more.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from armarium.assembly import open_core
from armarium.core.versions import Changes
from armarium.domain.version import Intent
from armarium.testing.storage import storage
from tests.chaos.clients import BOXES, LOGS
from tests.chaos.history import History, Sent, View
from tests.chaos.storm import storm
from tests.chaos.verdict import ADMIN, complaints
from tests.killing import settings_of


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize(("catalog", "blobs"), [("sqlite", "disk"), ("postgres", "s3")])
def test_nothing_acknowledged_is_lost_when_processes_are_killed(
    catalog: str, blobs: str, tmp_path: Path, pytestconfig: pytest.Config
):
    seconds, data = pytestconfig.getoption("--chaos-seconds"), tmp_path / "data"
    with storage(catalog, blobs, tmp_path) as settings_of:
        outcome = storm(data, seconds=seconds, clients=32, workers=4, settings=settings_of(data))
    print(outcome.history.summary(), f"{outcome.kills} kills", sep="; ")
    assert outcome.wrong == []
    assert "Traceback" not in outcome.output
    assert outcome.kills >= seconds / 2
    done = outcome.history
    assert all((done.created, done.deleted, done.sent, done.labels, done.edits, done.views, done.races))


def lost_child(history: History) -> None:
    history.created["nobody-kept-me"] = {"name": "x"}


def lost_file(history: History) -> None:
    history.sent.append(Sent(BOXES[0], "nobody-kept-me.txt", b"x"))


def changed_file(history: History) -> None:
    history.sent[0] = history.sent[0]._replace(content=b"other")


def lost_version(history: History) -> None:
    history.labels[BOXES[0]].append("v17")


def label_given_twice(history: History) -> None:
    history.labels[BOXES[0]] *= 2


def lost_edit(history: History) -> None:
    history.edits[LOGS[0]].append("nobody-kept-me")


def edit_of_nobody(history: History) -> None:
    history.maybe_edits[LOGS[0]].clear()


def two_winners(history: History) -> None:
    history.races["race-1"].append("me too")


def lost_views(history: History) -> None:
    history.views += [View(LOGS[0], "p", 0.0)] * 3
    history.attempted_views[LOGS[0]] += 3


def views_from_nowhere(history: History) -> None:
    history.attempted_views[LOGS[0]] = 0


DEFECTS: dict[Callable[[History], None], str] = {
    lost_child: "created and lost", lost_file: "lost nobody-kept-me.txt", changed_file: "other bytes",
    lost_version: "lost version v17", label_given_twice: "two commits", lost_edit: "lost nobody-kept-me",
    edit_of_nobody: "nobody made", two_winners: "race-1 was given to", lost_views: "views, of at least",
    views_from_nowhere: "views, of at least",
}  # fmt: skip


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which everything happened once, in peace."""
    data = tmp_path_factory.mktemp("calm")
    asyncio.run(live(data))
    return data


def told() -> History:
    """What those who made the calm store were told."""
    history = History()
    history.created = {"child-1": {"name": "child-1"}}
    history.maybe_created = {"child-1"}
    history.sent = [Sent(BOXES[0], "a.txt", b"a"), Sent(BOXES[0], "b.txt", b"b")]
    history.maybe_sent = {(sent.artifact, sent.path): sent.content for sent in history.sent}
    history.labels[BOXES[0]] = ["v0"]
    history.edits[LOGS[0]] = ["edit-1"]
    history.maybe_edits[LOGS[0]] = {"edit-1"}
    history.races["race-1"] = ["racer-1"]
    history.views = [View(LOGS[0], "p", 0.0)]
    history.attempted_views[LOGS[0]] = 1
    history.last_answer["p"] = 100.0
    return history


async def live(data: Path) -> None:
    async with open_core(settings_of(data)) as core:
        await core.accounts.bootstrap()

        async def create(alias: str, **values: object) -> None:
            await core.artifacts.create(ADMIN, alias=alias, manifest={"name": alias}, **values)  # type: ignore[arg-type]

        for alias in ("shelf-0", "shelf-1", *LOGS):
            await create(alias)
        for alias in BOXES:
            await create(alias, stage=True)
        await create("child-1", parent="shelf-0")
        await core.artifacts.create(ADMIN, alias="race-1", manifest={"name": "racer-1"})
        await core.files.write(ADMIN, BOXES[0], "a.txt", b"a")
        await core.versions.commit(ADMIN, BOXES[0])
        await core.versions.stage(ADMIN, BOXES[0], Changes(), intent=Intent.NEW_VERSION)
        await core.files.write(ADMIN, BOXES[0], "b.txt", b"b")
        await core.versions.edit(ADMIN, LOGS[0], Changes(manifest={"name": "e"}), as_new=True, comment="edit-1")
        await core.artifacts.read(ADMIN, LOGS[0])


async def judged(data: Path, history: History) -> list[str]:
    async with open_core(settings_of(data)) as core:
        return await complaints(core, history)


async def test_a_calm_store_is_as_everybody_was_told(calm: Path):
    assert await judged(calm, told()) == []


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.__name__)
async def test_the_checker_sees_every_kind_of_loss(calm: Path, defect: Callable[[History], None]):
    history = told()
    defect(history)
    (complaint,) = await judged(calm, history)
    assert DEFECTS[defect] in complaint
