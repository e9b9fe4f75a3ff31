from pathlib import Path

import pytest

from bench.machine import Machine
from bench.measure import Budget, Measure
from bench.page import page
from bench.report import Report, Run
from bench.rows import ROWS
from bench.sizes import QUICK
from tests.conftest import REPOSITORY

PAGE = REPOSITORY / "docs" / "reference" / "performance.md"
RATE = Budget("per_second", 1000, at_most=False)


def a_rate(row: str, per_second: float) -> Measure:
    return Measure(row=row, name=f"all of {row}", key="per_second", per_second=per_second, budget=RATE).judged()


def a_report(*runs: Run) -> Report:
    machine = Machine(
        cpu="Abacus 9", cores=3, memory_gib=8.0, kernel="Beads 1.0", disk="sand", versions={"Python": "3.11"}
    )
    floor = Measure(row="floor", name="websocket", key="p50_ms", p50_ms=0.125, note="an echo")
    return Report(
        machine=machine, started_at="2031-05-04T10:00:00", seconds=120, load=0.25, quick=True, sizes=QUICK,
        runs=list(runs), floors=[floor],
    )  # fmt: skip


def a_run(*measures: Measure, storage: str = "sqlite+disk", workers: int = 1) -> Run:
    return Run(storage=storage, workers=workers, measures=list(measures))


def table_under(text: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    lines = text.partition(f"## {heading}\n")[2].partition("\n## ")[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return rows[2:]


def test_a_page_describes_the_machine_and_says_that_sizes_were_small() -> None:
    text = page([a_report(a_run(a_rate("create", 2000)))])
    assert ["processor", "Abacus 9, 3 cores"] in table_under(text, "The machine")
    assert ["measured", "2031-05-04, in 2 minutes; load before it began 0.2"] in table_under(text, "The machine")
    assert "--quick" in text


def test_a_page_lists_each_budget_that_is_missed_and_by_how_much() -> None:
    text = page([a_report(a_run(a_rate("create", 2000), a_rate("manifest", 400)))])
    assert "1 of 2 budgets are met" in text
    assert "- all of manifest: 400 against ≥ 1,000 /s, a factor of 2.5\n" in text


def test_several_processes_are_set_against_one() -> None:
    one, four = a_run(a_rate("create", 1000)), a_run(a_rate("create", 2500), workers=4)
    text = page([a_report(one, four)])
    assert table_under(text, "SQLite and disk, several processes") == [
        ["all of create", "1,000 /s", "2,500 /s", "2.50"]
    ]


def test_a_later_file_replaces_the_rows_it_has_and_keeps_the_others() -> None:
    first = a_report(a_run(a_rate("create", 1000), a_rate("manifest", 1500)))
    text = page([first, a_report(a_run(a_rate("create", 3000)))])
    figures = {row[0]: row[2] for row in table_under(text, "SQLite and disk, one process")}
    assert figures == {"`create`": "3,000 /s", "`manifest`": "1,500 /s"}


@pytest.mark.parametrize("storage", ["SQLite and disk", "PostgreSQL and S3"])
def test_the_published_page_has_every_row_of_the_bench(storage: str) -> None:
    text = Path(PAGE).read_text()
    published = {row[0].strip("`") for row in table_under(text, f"{storage}, one process")}
    assert {name for name, row in ROWS.items() if not row.on_request} <= published
    assert table_under(text, f"{storage}, several processes")
