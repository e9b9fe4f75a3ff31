"""The report: tables for people, JSON for the next run."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.machine import Machine
from bench.measure import LOWER_IS_BETTER, UNITS, Measure
from bench.sizes import Sizes

NOISE = 0.15
NOISE_MB = 8
STORES = {"sqlite": "SQLite", "postgres": "PostgreSQL", "disk": "disk", "s3": "S3"}


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What one server was measured at. storage: such as `sqlite+disk`; workers: its processes.

    failed: rows that broke off, by name, with the reason.
    """

    storage: str
    workers: int
    measures: list[Measure]
    failed: dict[str, str] = {}

    @property
    def title(self) -> str:
        processes = "one process" if self.workers == 1 else f"{self.workers} processes"
        return f"{storage_title(self.storage)}, {processes}"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """load: processes that wanted to run before it began, on average over a minute."""

    machine: Machine
    load: float
    started_at: str
    seconds: float
    quick: bool
    sizes: Sizes
    runs: list[Run]
    floors: list[Measure]


def storage_title(storage: str) -> str:
    return " and ".join(STORES[part] for part in storage.split("+"))


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def save(told: Report, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=2))


def load(path: Path) -> Report:
    return msgspec.json.decode(path.read_bytes(), type=Report)


def show(told: Report, console: Console) -> None:
    versions = told.machine.versions
    start = f"armarium {versions['armarium']}, Python {versions['Python']}, {told.machine.cores} cores"
    for run in told.runs:
        console.print(_measures(f"{run.title}: {start}" + (" (quick)" if told.quick else ""), run.measures))
        for row, reason in run.failed.items():
            console.print(f"[red]{row} failed:[/] {escape(reason)}")
    console.print(_floors(told.floors))


def show_comparison(told: Report, former: Report, console: Console) -> None:
    """Each figure over the one of an earlier run, where both have it."""
    before = dict(_figures_of(former))
    table = Table(title=f"compared with {former.started_at}", title_justify="left")
    for heading in ("where", "what", "before", "now", "now / before", ""):
        table.add_column(heading, justify="left" if heading in ("where", "what", "") else "right")
    for key, measure in _figures_of(told):
        old = before.get(key)
        if old is not None and old.value and measure.value:
            ratio = f"{measure.value / old.value:.2f}"
            table.add_row(key[0], measure.name, figure(old), figure(measure), ratio, _verdict(measure, old))
    console.print(table)


def _figures_of(report: Report) -> Iterator[tuple[tuple[str, str, str], Measure]]:
    """Each measure with where it was taken, its row and its name."""
    for run in report.runs:
        for measure in run.measures:
            yield (f"{run.storage} {run.workers}", measure.row, measure.name), measure
    for measure in report.floors:
        yield ("floor", measure.row, measure.name), measure


def _verdict(now: Measure, old: Measure) -> str:
    ratio = now.value / old.value
    gain = 1 / ratio if now.key in LOWER_IS_BETTER else ratio
    if now.key == "growth_mb" and abs(now.value - old.value) < NOISE_MB:
        return "[dim]noise"
    if gain > 1 + NOISE:
        return "[green]better"
    return "[red]worse" if gain < 1 - NOISE else "[dim]noise"


def figure(measure: Measure) -> str:
    return f"{number(measure.value)} {UNITS[measure.key]}"


def _measures(title: str, measures: Iterable[Measure]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("what", ratio=1)
    for heading in (
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "per s",
        "MB/s",
        "other",
        "CPU µs",
        "RSS MB",
        "budget",
        "met",
        "x floor",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in measures:
        figures = (row.p50_ms, row.p95_ms, row.p99_ms, row.per_second, row.mb_per_second)
        table.add_row(
            f"{row.name} [dim]{row.note}[/]" if row.note else row.name,
            *map(number, figures),
            _other(row),
            number(row.cpu_us),
            _memory(row),
            str(row.budget or ""),
            {True: "[green]yes", False: "[red]no", None: ""}[row.met],
            f"{row.floor_ratio:.1f} [dim]{row.floor}[/]" if row.floor_ratio else "",
        )
    return table


def _other(row: Measure) -> str:
    if row.recall is not None:
        return f"{row.recall:.3f} recall"
    return "" if row.seconds is None else f"{number(row.seconds)} s"


def _memory(row: Measure) -> str:
    if row.rss_before_mb is None:
        return number(row.rss_after_mb)
    return f"{row.rss_before_mb:.0f} → {row.rss_after_mb:.0f}"


def _floors(floors: Iterable[Measure]) -> Table:
    table = Table(title="floors: this machine without armarium", title_justify="left")
    for heading in ("name", "what", "figure"):
        table.add_column(heading, justify="right" if heading == "figure" else "left")
    for floor in floors:
        table.add_row(floor.name, floor.note, figure(floor))
    return table


def number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
