"""Measure the speed budgets.

python -m bench                                        SQLite and disk, one process
python -m bench --quick --only rpc-read                one row, small
python -m bench --storage postgres+s3 --workers 1 4    another storage, one process and four
python -m bench --out new.json --compare old.json
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

import msgspec
from rich.console import Console

from armarium.testing.storage import BLOBS, CATALOGS, storage
from bench.floors import Floors
from bench.harness import Bench
from bench.machine import Machine, servers_behind, this_machine
from bench.report import Report, Run, load, now, save, show, show_comparison
from bench.rows import ROWS
from bench.sizes import FULL, QUICK, Sizes

LARGE_FILES_KEPT = 20
STORAGES = [f"{catalog}+{blobs}" for catalog in CATALOGS for blobs in BLOBS]


def main() -> int:
    options = _options()
    console = Console(width=None if sys.stdout.isatty() else 160)
    former = load(options.compare) if options.compare else None
    sizes = QUICK if options.quick else FULL
    missing = _missing_gb(options.folder, sizes)
    if missing > 0:
        print(f"The disk is {missing:.0f} GB short: free some, or name another with --folder.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="armarium-bench-", dir=options.folder) as folder:
        told = _measured(options, Path(folder), sizes)
    show(told, console)
    if options.out:
        save(told, options.out)
    if former is not None:
        show_comparison(told, former, console)
    return 1 if any(run.failed for run in told.runs) else 0


def _missing_gb(folder: Path | None, sizes: Sizes) -> float:
    """What a disk lacks for all that one storage keeps; an S3 server frees nothing of it before the end."""
    needed = LARGE_FILES_KEPT * sizes.large_bytes
    return (needed - shutil.disk_usage(folder or tempfile.gettempdir()).free) / 1e9


def _measured(options: argparse.Namespace, folder: Path, sizes: Sizes) -> Report:
    started_at, began, load_before = now(), time.monotonic(), os.getloadavg()[0]
    machine, floors, runs = this_machine(folder), Floors(), []
    for name in options.storage:
        catalog, blobs = name.split("+")
        with storage(catalog, blobs, folder, durable=True) as stored:
            for workers in options.workers:
                place = folder / f"{name}-{workers}"
                with Bench(place, sizes, storage=stored, workers=workers, floors=floors) as bench:
                    machine = _with_servers(machine, bench)
                    runs.append(_run(bench, name, _rows(options.only, workers)))
    return Report(
        machine=machine,
        load=load_before,
        started_at=started_at,
        seconds=time.monotonic() - began,
        quick=options.quick,
        sizes=sizes,
        runs=runs,
        floors=floors.measured,
    )


def _with_servers(machine: Machine, bench: Bench) -> Machine:
    return msgspec.structs.replace(machine, versions=machine.versions | servers_behind(bench.settings))


def _rows(only: list[str] | None, workers: int) -> list[str]:
    """What was asked for, else all that says something about so many processes."""
    if only:
        return [name for name in ROWS if name in only]
    return [name for name, row in ROWS.items() if not row.on_request and (workers == 1 or row.scales)]


def _run(bench: Bench, storage: str, rows: list[str]) -> Run:
    """A row that fails is noted, and the others are measured all the same."""
    run = Run(storage=storage, workers=bench.workers, measures=[], failed={})
    for name in rows:
        began = time.monotonic()
        try:
            run.measures.extend(ROWS[name].measures(bench))
        except Exception as error:  # noqa: BLE001
            traceback.print_exc()
            run.failed[name] = f"{type(error).__name__}: {error}"
        took = time.monotonic() - began
        print(f"{storage} {bench.workers} {name}: {took:.1f} s", file=sys.stderr, flush=True)
    return run


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the speed budgets.")
    parser.add_argument("--only", nargs="+", choices=ROWS, metavar="ROW", help=f"any of: {', '.join(ROWS)}")
    parser.add_argument(
        "--storage", nargs="+", choices=STORAGES, default=STORAGES[:1], metavar="STORAGE",
        help=f"where records and files are kept, any of: {', '.join(STORAGES)}",
    )  # fmt: skip
    parser.add_argument("--workers", nargs="+", type=int, default=[1], metavar="N", help="processes of the server")
    parser.add_argument("--quick", action="store_true", help="small sizes: to see that it runs, not how fast it is")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    parser.add_argument("--compare", type=Path, metavar="OLD.json", help="set the figures against an earlier run")
    parser.add_argument("--folder", type=Path, help="where to put the temporary data; its disk is what is measured")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
