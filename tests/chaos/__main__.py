"""A storm as long as one likes: `python -m tests.chaos --seconds 600`."""

import argparse
import sys
import tempfile
from pathlib import Path

from armarium.testing.storage import BLOBS, CATALOGS, storage
from tests.chaos.storm import storm


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--catalog", choices=CATALOGS, default="sqlite", help="where records are kept")
    parser.add_argument("--blobs", choices=BLOBS, default="disk", help="where files are kept")
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="armarium-chaos-") as folder,
        storage(chosen.catalog, chosen.blobs, Path(folder)) as settings_of,
    ):
        data = Path(folder) / "data"
        outcome = storm(
            data,
            seconds=chosen.seconds,
            clients=chosen.clients,
            workers=chosen.workers,
            settings=settings_of(data),
        )
    print(outcome.history.summary(), f"{outcome.kills} kills", sep="; ")
    for refusal, count in sorted(outcome.history.refused.items(), key=lambda item: -item[1])[:10]:
        print(f"  refused {count} times: {refusal}")
    print(*(outcome.wrong or ["nothing is wrong"]), sep="\n")
    return 1 if outcome.wrong else 0


sys.exit(main())
