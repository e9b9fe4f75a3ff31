import asyncio
import json
from array import array

import pytest

from armarium.assembly import open_core
from armarium.core.vectors import NewVector
from armarium.domain.principal import ROOT
from armarium.settings import Settings
from tests.cli.test_commands import Shell

COUNT = 2345
"""More than two pages."""


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    return Shell(tmp_path_factory.mktemp("vectors") / "data")


@pytest.fixture(scope="module")
def collections(shell):
    """A collection of vectors, and an empty one."""
    vectors = [
        NewVector(f"v{n}", array("f", [n / 7, -n / 3, 1e-20]).tobytes(), {"n": n, "text": f"\u00fc\n{n}"})
        for n in range(COUNT)
    ]

    async def make():
        async with open_core(Settings(data=shell.data)) as core:
            for alias in ("full", "empty"):
                config = {"dimension": 3}
                await core.artifacts.create(
                    ROOT,
                    manifest={"name": alias},
                    alias=alias,
                    workspace="public",
                    type="vector-collection",
                    config=config,
                )
            await core.vectors.add(ROOT, "public/full", vectors)

    asyncio.run(make())
    return "public/full", "public/empty"


def test_what_was_dumped_and_loaded_is_the_same(shell, collections, tmp_path):
    full, empty = collections
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    shell.ok("vectors", "dump", full, "--file", str(first))
    assert shell.json("vectors", "load", empty, str(first)) == [{"collection": empty, "read": COUNT}]
    shell.ok("vectors", "dump", empty, "--file", str(second))
    assert first.read_bytes() == second.read_bytes()
    lines = [json.loads(line) for line in first.read_text().splitlines()]
    assert [line["id"] for line in lines] == [f"v{n}" for n in range(COUNT)]
    assert lines[7] == {
        "id": "v7",
        "vector": array("f", [1, -7 / 3, 1e-20]).tolist(),
        "manifest": {"n": 7, "text": "\u00fc\n7"},
    }
    assert sorted(tmp_path.iterdir()) == [first, second]


def test_loading_again_changes_what_is_there_only_when_told(shell, collections, tmp_path):
    full, _ = collections
    lines = tmp_path / "lines.jsonl"
    lines.write_text('{"id": "v1", "vector": [1, 2, 3], "manifest": {}}\n\n{"id": "new", "vector": [4, 5, 6]}\n')

    def first_numbers():
        dumped = [json.loads(line) for line in shell.ok("vectors", "dump", full).splitlines()]
        return {line["id"]: line["vector"][0] for line in dumped}

    assert shell.json("vectors", "load", full, str(lines))[0]["read"] == 2
    before = first_numbers()
    assert (before["v1"], before["new"]) == (pytest.approx(1 / 7), 4)
    shell.ok("vectors", "load", full, str(lines), "--update")
    assert first_numbers()["v1"] == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [("{", "Line 1"), ("[1]", "Line 1"), ('{"id": 1}', "Line 1"), ('{"id": 1, "vector": [1]}', "1 numbers.*line 1")],
)
def test_a_line_that_makes_no_sense_is_named(shell, collections, tmp_path, line, said):
    bad = tmp_path / "bad.jsonl"
    bad.write_text(line + "\n")
    refused = shell.refused("vectors", "load", collections[1], str(bad))
    assert all(word in refused for word in said.split(".*"))


def test_only_vector_collections_are_dumped(shell, collections, tmp_path):
    assert "does not exist" in shell.refused("vectors", "dump", "public/none", "--file", str(tmp_path / "x"))
    assert list(tmp_path.iterdir()) == []
