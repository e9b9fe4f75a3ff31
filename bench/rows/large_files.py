"""One large file up and down through URLs asked for: of the server, or of the store where clients are sent to that."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.crew import crew
from bench.harness import Bench, Usage, unique
from bench.http_clients import download_large, upload_large
from bench.measure import Budget, Measure, Timings
from bench.sizes import MiB

FILE = "large.bin"
GROWTH = Budget("growth_mb", 64.0)
UPLOAD = Budget("mb_per_second", 700, at_most=False)
DOWNLOAD = Budget("mb_per_second", 1500, at_most=False)


def large_files(bench: Bench) -> Iterator[Measure]:
    source = bench.folder / FILE
    _fill(source, bench.sizes.large_bytes)
    bench.floors("disk")
    bench.floors("nginx_file")
    for way, options in bench.ways.items():
        yield from _up_and_down(bench, source, way, options)
    source.unlink()


def _up_and_down(bench: Bench, source: Path, way: str, options: dict[str, Any]) -> Iterator[Measure]:
    size, repeats = bench.sizes.large_bytes, range(bench.sizes.large_repeats)
    artifact = unique("large")

    async def stage(manager: Any) -> str:
        made = await manager.create(parent_id=bench.collection, alias=artifact, manifest={"name": "Large"}, stage=True)
        return str(await manager.put_file(made.id, FILE, **options))

    async def publish(manager: Any) -> str:
        artifact_id = f"{bench.collection.partition('/')[0]}/{artifact}"
        await manager.commit(artifact_id)
        return str(await manager.get_file(artifact_id, FILE, **options))

    url, floor = bench.call(stage), bench.floors("put")
    with bench.watched() as usage:
        seen = [crew(upload_large, url=url, source=str(source))[0] for _ in repeats]
    yield from transfer_measures("large-files", f"upload{way}", size, seen, usage, UPLOAD, floor)

    url, floor = bench.call(publish), bench.floors("get")
    with bench.watched() as usage:
        seen = [crew(download_large, url=url)[0] for _ in repeats]
    yield from transfer_measures("large-files", f"download{way}", size, seen, usage, DOWNLOAD, floor)


def transfer_measures(
    row: str, what: str, size: int, seen: list[Timings], usage: Usage, budget: Budget, floor: Measure | None
) -> Iterator[Measure]:
    """The speed of the best of some transfers, and what all of them cost in memory."""
    name = f"{what} of {size // MiB:,} MiB"
    best = size / min(timings.seconds for timings in seen) / 1e6
    note = f"best of {len(seen)}"
    yield (
        Measure(
            row=row,
            name=name,
            key="mb_per_second",
            count=len(seen),
            mb_per_second=best,
            budget=budget,
            note=note,
        )
        .judged()
        .against(floor)
    )
    yield Measure(
        row=row, name=f"{name}, memory", key="growth_mb", count=len(seen), budget=GROWTH, **usage.as_fields()
    ).judged()


def _fill(path: Path, size: int) -> None:
    piece = os.urandom(16 * MiB)
    with path.open("wb") as file:
        for _ in range(size // len(piece)):
            file.write(piece)
