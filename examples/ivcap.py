"""Keep a dataset with the IVCAP client: upload, describe, gather, read back.

Without `--server` it works in a temporary folder. With one:

    python examples/ivcap.py --server http://127.0.0.1:8100 --token "$TOKEN"
"""

import argparse
import random
import tempfile
from pathlib import Path

from armarium import IVCAP
from armarium.sdk.ivcap import Artifact

SCHEMA = "urn:example:schema:soil-sample.1"
PLOTS = "urn:ivcap:collection:soil-plots"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--server", help="URL of an armarium")
    parser.add_argument("--token", help="a token of a user there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="armarium-ivcap-") as folder:
        ivcap = IVCAP(arguments.server, arguments.token) if arguments.server else IVCAP.local(Path(folder) / "store")
        print(f"Keeping artifacts {'at ' + ivcap.url if ivcap.url else 'in a folder'}")
        keep(ivcap, Path(folder))


def keep(ivcap: IVCAP, folder: Path) -> None:
    plots = ivcap.create_collection(PLOTS, "Soil plots", "pH, measured at 10 cm")
    artifacts = [upload(ivcap, folder / f"plot-{number}.csv", seed=number) for number in (1, 2)]
    for artifact in artifacts:
        ivcap.add_to_collection(plots, artifact.id)
    members = {member.item for member in plots.items(limit=None)}
    assert members >= {artifact.id for artifact in artifacts}
    print(f"The collection '{plots.name}' has {len(members)} members")


def upload(ivcap: IVCAP, path: Path, *, seed: int) -> Artifact:
    numbers = random.Random(seed)
    rows = [f"{row},{numbers.gauss(6.5, 0.4):.2f}" for row in range(10_000)]
    path.write_text("\n".join(["sample,ph", *rows]))
    artifact = ivcap.upload_artifact(name=path.name, file_path=path, retries=3, retry_delay=1)
    artifact.add_metadata({"rows": len(rows)}, schema=SCHEMA)
    # Uploading the same file again finds the artifact it became.
    assert ivcap.upload_artifact(name=path.name, file_path=path) == artifact
    with artifact.as_local_file() as copy:
        assert copy.read_bytes() == path.read_bytes()
    (said,) = (aspect for aspect in artifact.metadata if aspect.schema == SCHEMA)
    print(f"{artifact.name}: {artifact.size} bytes as uploaded, {said.content['rows']} rows, {artifact.id}")
    return artifact


if __name__ == "__main__":
    main()
