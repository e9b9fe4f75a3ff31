"""The report: a table for people, JSON for the next run."""

import os
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

import armarium
from bench.measure import LOWER_IS_BETTER, UNITS, Measure
from bench.sizes import Sizes

NOISE = 0.15
NOISE_MB = 8


class Report(msgspec.Struct, frozen=True, kw_only=True):
    armarium: str
    python: str
    machine: str
    cores: int
    started_at: str
    quick: bool
    sizes: Sizes
    measures: list[Measure]
    floors: list[Measure]


def report(*, quick: bool, sizes: Sizes, measures: list[Measure], floors: list[Measure]) -> Report:
    return Report(
        armarium=armarium.__version__,
        python=platform.python_version(),
        machine=f"{platform.system()} {platform.machine()}",
        cores=os.cpu_count() or 1,
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        quick=quick,
        sizes=sizes,
        measures=measures,
        floors=floors,
    )


def save(told: Report, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=2))


def load(path: Path) -> Report:
    return msgspec.json.decode(path.read_bytes(), type=Report)


def show(told: Report, console: Console) -> None:
    title = f"armarium {told.armarium}, Python {told.python}, {told.cores} cores" + (" (quick)" if told.quick else "")
    console.print(_measures(title, told.measures))
    console.print(_floors(told.floors))


def show_comparison(told: Report, former: Report, console: Console) -> None:
    """Each figure over the one of an earlier run, where both have it."""
    before = {(measure.row, measure.name): measure for measure in former.measures + former.floors}
    table = Table(title=f"compared with {former.started_at}", title_justify="left")
    for heading in ("what", "before", "now", "now / before", ""):
        table.add_column(heading, justify="left" if heading in ("what", "") else "right")
    for measure in told.measures + told.floors:
        old = before.get((measure.row, measure.name))
        if old is not None and old.value and measure.value:
            ratio = measure.value / old.value
            table.add_row(measure.name, _figure(old), _figure(measure), f"{ratio:.2f}", _verdict(measure, old))
    console.print(table)


def _verdict(now: Measure, old: Measure) -> str:
    ratio = now.value / old.value
    gain = 1 / ratio if now.key in LOWER_IS_BETTER else ratio
    if now.key == "growth_mb" and abs(now.value - old.value) < NOISE_MB:
        return "[dim]noise"
    if gain > 1 + NOISE:
        return "[green]better"
    return "[red]worse" if gain < 1 - NOISE else "[dim]noise"


def _figure(measure: Measure) -> str:
    return f"{_number(measure.value)} {UNITS[measure.key]}"


def _measures(title: str, measures: Iterable[Measure]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("what", ratio=1)
    for heading in ("p50 ms", "p95 ms", "p99 ms", "per s", "MB/s", "RSS MB", "budget", "met", "x floor"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in measures:
        table.add_row(
            f"{row.name} [dim]{row.note}[/]" if row.note else row.name,
            *(_number(value) for value in (row.p50_ms, row.p95_ms, row.p99_ms, row.per_second, row.mb_per_second)),
            _memory(row),
            str(row.budget or ""),
            {True: "[green]yes", False: "[red]no", None: ""}[row.met],
            f"{row.floor_ratio:.1f} [dim]{row.floor}[/]" if row.floor_ratio else "",
        )
    return table


def _memory(row: Measure) -> str:
    if row.rss_before_mb is None:
        return _number(row.rss_after_mb)
    return f"{row.rss_before_mb:.0f} → {row.rss_after_mb:.0f}"


def _floors(floors: Iterable[Measure]) -> Table:
    table = Table(title="floors: this machine without armarium", title_justify="left")
    for heading in ("name", "what", "figure"):
        table.add_column(heading, justify="right" if heading == "figure" else "left")
    for floor in floors:
        table.add_row(floor.name, floor.note, _figure(floor))
    return table


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
