"""Killed at any moment, a catalog keeps what it acknowledged and nothing by halves."""

import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from armarium.adapters.catalog.sqlite import SqliteCatalog
from armarium.domain.identifiers import ByAlias
from armarium.domain.query import Keyword, Query, Stage

BURST = Path(__file__).parent / "burst.py"


def _burst(path, prefix):
    return subprocess.Popen([sys.executable, BURST, path, prefix], stdout=subprocess.PIPE, text=True)


def _acknowledged(process, seconds):
    """Kill a burst that has been writing for a while; returns what it was told is durable."""
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read()
    process.wait()
    lines = (first + rest).splitlines(keepends=True)
    return [line.strip() for line in lines if line.endswith("\n")]


async def _check(path, acknowledged):
    with sqlite3.connect(path) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
    raw.close()
    catalog = SqliteCatalog(path)
    await catalog.open()
    for alias in acknowledged:
        found = await catalog.find_artifact(ByAlias("ws", alias))
        assert found is not None, alias
    everything = await catalog.list_artifacts(Query(stage=Stage.ANY, limit=1_000_000))
    assert len(everything.artifacts) >= len(acknowledged)
    for artifact in everything.artifacts:
        [version] = artifact.versions
        assert version.file_count == len(await catalog.list_files(version.id)) == 1
    if acknowledged:
        page = await catalog.list_artifacts(Query(where=Keyword(f'words of {acknowledged[-1]}"')))
        assert [artifact.alias for artifact in page.artifacts] == [acknowledged[-1]]
    await catalog.close()


@pytest.mark.parametrize("seed", range(4))
async def test_killed_in_a_burst_of_writes_nothing_acknowledged_is_lost(tmp_path, seed):
    path = tmp_path / "catalog.db"
    chance = random.Random(seed)
    acknowledged = []
    for life in range(2):
        acknowledged += _acknowledged(_burst(path, f"life{life}"), chance.uniform(0, 0.8))
        await _check(path, acknowledged)


async def test_processes_that_write_at_once_both_keep_their_word(tmp_path):
    path = tmp_path / "catalog.db"
    both = [_burst(path, "left"), _burst(path, "right")]
    acknowledged = [line for process in both for line in _acknowledged(process, 0.7)]
    assert {line.split("-")[0] for line in acknowledged} == {"left", "right"}
    await _check(path, acknowledged)
