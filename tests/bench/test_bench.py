import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.loader import child_manifest
from bench.measure import Budget, Measure, Timings, measure, percentile


def run_bench(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(repository / "src"), str(repository)])
    return subprocess.run(
        [sys.executable, "-m", "bench", "--quick", *arguments],
        cwd=repository,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )


@pytest.fixture(scope="module")
def told(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("bench") / "report.json"
    done = run_bench(repository, "--only", "rpc-read", "manifest", "--out", str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(out.read_text())
    report["printed"] = done.stdout
    [run] = report["runs"]
    report["measures"] = run["measures"]
    return report


def test_the_report_has_the_rows_that_were_asked_for(told: dict[str, Any]) -> None:
    assert {row["row"] for row in told["measures"]} == {"rpc-read", "manifest"}
    assert told["quick"]


def test_every_figure_comes_with_a_count_and_its_budget_with_a_verdict(told: dict[str, Any]) -> None:
    for row in told["measures"]:
        assert row["count"] > 0
        assert row[row["key"]] > 0
        assert (row["met"] is None) == (row["budget"] is None)


def test_floors_of_the_same_run_are_in_the_report(told: dict[str, Any]) -> None:
    floors = {floor["name"] for floor in told["floors"]}
    assert {row["floor"] for row in told["measures"]} <= floors
    assert "floors: this machine without armarium" in told["printed"]


def test_an_unknown_row_is_refused_with_the_list_of_rows(repository: Path) -> None:
    done = run_bench(repository, "--only", "nonsense")
    assert done.returncode == 2
    assert "rpc-read" in done.stderr


def test_percentiles_are_values_that_occurred() -> None:
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.5) == 2.0
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.99) == 4.0
    assert percentile([7.0], 0.01) == 7.0


def test_several_processes_count_as_one_stretch_of_time() -> None:
    seen = [Timings(10.0, 12.0, [0.1] * 20), Timings(10.5, 14.0, [0.1] * 20)]
    summed = measure("row", "name", "per_second", seen, budget=Budget("per_second", 10, at_most=False))
    assert summed.per_second == 10.0
    assert summed.met


def test_a_floor_ratio_says_how_many_times_slower() -> None:
    floor = Measure(row="floor", name="disk", key="mb_per_second", mb_per_second=1000.0)
    ours = Measure(row="large-files", name="upload", key="mb_per_second", mb_per_second=500.0)
    assert ours.against(floor).floor_ratio == 2.0


def test_children_are_cut_in_ten_and_ordered_by_a_score_of_their_own() -> None:
    manifests = [child_manifest(number) for number in range(1000)]
    assert len({manifest["score"] for manifest in manifests}) == 1000
    assert sum(manifest["label"] == "label-3" for manifest in manifests) == 100
