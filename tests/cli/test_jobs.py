import asyncio
import signal
import subprocess
import sys

import pytest

from armarium.assembly import open_core
from armarium.domain.identifiers import ById
from armarium.domain.principal import ROOT
from armarium.settings import Settings
from tests.cli.test_commands import Shell


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    return Shell(tmp_path_factory.mktemp("jobs") / "data")


@pytest.fixture(scope="module")
def job_id(shell):
    async def enqueue():
        async with open_core(Settings(data=shell.data)) as core:
            view = await core.artifacts.create(ROOT, manifest={"name": "a"}, workspace="public")
            found = await core.catalog.find_artifact(ById(view.artifact.id))
            async with core.catalog.transaction() as tx:
                return (await core.jobs.enqueue(tx, ROOT, found.artifact, "print", {})).id

    return asyncio.run(enqueue())


def test_jobs_are_listed_shown_cancelled_and_retried(shell, job_id):
    assert job_id in shell.ok("jobs", "list")
    assert shell.json("jobs", "list", "--status", "failed") == []
    assert shell.json("jobs", "cancel", job_id)[0]["status"] == "cancelled"
    assert "is cancelled" in shell.refused("jobs", "cancel", job_id)
    assert shell.json("jobs", "retry", job_id)[0]["status"] == "pending"
    assert shell.json("jobs", "show", job_id)[0]["kind"] == "print"
    assert "no-such" in shell.refused("jobs", "show", "no-such")


def test_a_worker_runs_until_it_is_told_to_stop(shell, job_id):
    command = [sys.executable, "-m", "armarium", "worker", "--data", str(shell.data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert "doing jobs" in worker.stdout.readline()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0
    assert "1 to 64" in shell.refused("worker", "--slots", "0")
