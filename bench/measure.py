"""Measures, budgets and the arithmetic between them."""

import math
from collections.abc import Sequence
from typing import Any

import msgspec


class Timings(msgspec.Struct):
    """What one client process saw. started, ended: on the machine's monotonic clock; latencies: seconds.

    first_byte: seconds until an answer began, where a client looks at that.
    memory_mb: its own memory before, and the most it held, where that is looked at.
    """

    started: float
    ended: float
    latencies: list[float]
    first_byte: float = 0.0
    memory_mb: tuple[float, float] = (0.0, 0.0)

    @property
    def seconds(self) -> float:
        return self.ended - self.started


class Budget(msgspec.Struct, frozen=True):
    """A limit on one field of a measure."""

    field: str
    limit: float
    at_most: bool = True

    def met_by(self, value: float) -> bool:
        return value <= self.limit if self.at_most else value >= self.limit

    def __str__(self) -> str:
        sign = "≤" if self.at_most else "≥"
        return f"{sign} {self.limit:,g} {UNITS[self.field]}"


UNITS = {
    "p50_ms": "ms (p50)",
    "p95_ms": "ms (p95)",
    "p99_ms": "ms (p99)",
    "per_second": "/s",
    "mb_per_second": "MB/s",
    "growth_mb": "MB",
    "rss_after_mb": "MB",
    "seconds": "s",
    "recall": "recall",
}
ENOUGH = 100
LOWER_IS_BETTER = frozenset({"p50_ms", "p95_ms", "p99_ms", "growth_mb", "rss_after_mb", "seconds"})


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the report. key: the field the line is about; floor: the name of the floor it is compared with.

    growth_mb: the highest memory of the server (or, where the name says so, of the client) above what it held before.
    cpu_seconds: processor time the server took for all of it. seconds: that something done once took.
    recall: the share that was found of what should have been.
    """

    row: str
    name: str
    key: str
    count: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    per_second: float | None = None
    mb_per_second: float | None = None
    rss_before_mb: float | None = None
    rss_after_mb: float | None = None
    growth_mb: float | None = None
    cpu_seconds: float | None = None
    seconds: float | None = None
    recall: float | None = None
    budget: Budget | None = None
    met: bool | None = None
    floor: str | None = None
    floor_ratio: float | None = None
    note: str = ""

    @property
    def value(self) -> float:
        value: float | None = getattr(self, self.key)
        return math.nan if value is None else value

    @property
    def cpu_us(self) -> float | None:
        """Processor time the server took for one answer, where there were enough to tell."""
        if self.cpu_seconds is None or self.count < ENOUGH:
            return None
        return self.cpu_seconds / self.count * 1e6

    def judged(self) -> "Measure":
        if self.budget is None:
            return self
        value = getattr(self, self.budget.field)
        return msgspec.structs.replace(self, met=value is not None and self.budget.met_by(value))

    def against(self, floor: "Measure | None") -> "Measure":
        """Note how many times this is slower than a floor, in the field both are about."""
        if floor is None:
            return self
        mine, theirs = getattr(self, floor.key), floor.value
        if not mine or not theirs:
            return self
        ratio = mine / theirs if floor.key in LOWER_IS_BETTER else theirs / mine
        return msgspec.structs.replace(self, floor=floor.name, floor_ratio=ratio)


def measure(row: str, name: str, key: str, seen: Sequence[Timings], **more: Any) -> Measure:
    """Sum up what several processes saw at the same time."""
    latencies = sorted(latency for timings in seen for latency in timings.latencies)
    wall = max(timings.ended for timings in seen) - min(timings.started for timings in seen)
    return Measure(
        row=row,
        name=name,
        key=key,
        count=len(latencies),
        p50_ms=percentile(latencies, 0.50) * 1e3,
        p95_ms=percentile(latencies, 0.95) * 1e3,
        p99_ms=percentile(latencies, 0.99) * 1e3,
        per_second=len(latencies) / wall,
        **more,
    ).judged()


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan
