"""Measure the speed budgets.

python -m bench                          everything, about three minutes
python -m bench --quick --only rpc-read  one row, small
python -m bench --out new.json --compare old.json
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from bench.harness import Bench
from bench.report import load, report, save, show, show_comparison
from bench.rows import ROWS
from bench.sizes import FULL, QUICK


def main() -> int:
    options = _options()
    console = Console(width=None if sys.stdout.isatty() else 160)
    sizes = QUICK if options.quick else FULL
    former = load(options.compare) if options.compare else None
    measures = []
    with tempfile.TemporaryDirectory(prefix="armarium-bench-", dir=options.folder) as folder:
        with Bench(Path(folder), sizes) as bench:
            for name in [name for name in ROWS if name in (options.only or ROWS)]:
                began = time.monotonic()
                measures += ROWS[name](bench)
                print(f"{name}: {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
        told = report(quick=options.quick, sizes=sizes, measures=measures, floors=bench.floors.measured)
    show(told, console)
    if options.out:
        save(told, options.out)
    if former is not None:
        show_comparison(told, former, console)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the speed budgets.")
    parser.add_argument("--only", nargs="+", choices=ROWS, metavar="ROW", help=f"any of: {', '.join(ROWS)}")
    parser.add_argument("--quick", action="store_true", help="small sizes: to see that it runs, not how fast it is")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    parser.add_argument("--compare", type=Path, metavar="OLD.json", help="set the figures against an earlier run")
    parser.add_argument("--folder", type=Path, help="where to put the temporary data; its disk is what is measured")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
