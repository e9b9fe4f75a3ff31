"""A storm as long as one likes: `python -m tests.chaos --seconds 600`."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.chaos.storm import storm


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--set", action="append", default=[], metavar="ARMARIUM_NAME=VALUE", help="a setting")
    chosen = parser.parse_args()
    settings = dict(pair.split("=", 1) for pair in chosen.set)
    with tempfile.TemporaryDirectory(prefix="armarium-chaos-") as folder:
        outcome = storm(
            Path(folder) / "data",
            seconds=chosen.seconds,
            clients=chosen.clients,
            workers=chosen.workers,
            settings=settings,
        )
    print(outcome.history.summary(), f"{outcome.kills} kills", sep="; ")
    for refusal, count in sorted(outcome.history.refused.items(), key=lambda item: -item[1])[:10]:
        print(f"  refused {count} times: {refusal}")
    print(*(outcome.wrong or ["nothing is wrong"]), sep="\n")
    return 1 if outcome.wrong else 0


sys.exit(main())
