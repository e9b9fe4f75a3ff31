"""Where a floor stands, and how its figure is written down."""

from pathlib import Path
from typing import Any

import msgspec

from armarium.settings import Settings
from bench.measure import Measure, Timings, measure
from bench.sizes import Sizes


class Ground(msgspec.Struct, frozen=True):
    """settings: of the armarium that is measured, for the servers it stands on. folder: on the disk it writes to."""

    sizes: Sizes
    folder: Path
    settings: Settings


def floor(name: str, key: str, seen: list[Timings], note: str) -> Measure:
    return measure("floor", name, key, seen, note=note)


def speed(name: str, size: int, seconds: list[float], note: str) -> Measure:
    """The best of some transfers of so many bytes."""
    figures: dict[str, Any] = {"mb_per_second": size / min(seconds) / 1e6, "count": len(seconds)}
    return Measure(row="floor", name=name, key="mb_per_second", note=note, **figures)
