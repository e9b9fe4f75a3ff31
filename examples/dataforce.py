"""Publish a model file with the dataforce client, find it again, and fetch it back.

    python examples/dataforce.py --server http://127.0.0.1:8100 --token TOKEN

Fits a line through noisy points, packs the model as `.fnnx`, and stores it in an orbit of its own. It may be
run as often as you like.
"""

import argparse
import hashlib
import io
import json
import random
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from armarium import Collection, DataForceClient, Orbit

ORBIT = "line-fitting"
COLLECTION = "lines"
MODEL = "a line through forty points"


def fitted_line(count: int = 40) -> tuple[dict[str, float], dict[str, float]]:
    """A line `y = slope * x + intercept` through noisy points, and how well it fits them."""
    noise = random.Random(7)
    points = [(x, 2.0 * x + 1.0 + noise.gauss(0, 0.5)) for x in range(count)]
    mean_x, mean_y = (sum(values) / count for values in zip(*points, strict=True))
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)
    intercept = mean_y - slope * mean_x
    residual = sum((y - slope * x - intercept) ** 2 for x, y in points)
    r_squared = 1 - residual / sum((y - mean_y) ** 2 for _, y in points)
    return {"slope": slope, "intercept": intercept}, {"R2": round(r_squared, 4)}


def pack(path: Path, line: dict[str, float], metrics: dict[str, float]) -> None:
    """Write a model file: a plain tar archive whose manifest.json says what it is."""
    manifest = {
        "variant": "pipeline",
        "name": "line",
        "version": "1",
        "description": "An ordinary least squares line",
        "producer_name": "armarium.examples",
        "producer_version": "1",
        "producer_tags": [],
        "inputs": [],
        "outputs": [],
        "dynamic_attributes": [],
        "env_vars": [],
    }
    registered = {
        "id": "metrics",
        "producer": "armarium.examples",
        "producer_version": "1",
        "producer_tags": ["dataforce.studio::registry_metrics:v1"],
        "payload": {"metrics": metrics},
    }
    members: dict[str, Any] = {"manifest.json": manifest, "meta.json": [registered], "variant_config.json": line}
    members |= {"dtypes.json": {}, "env.json": {}, "ops.json": []}
    with tarfile.open(path, "w") as archive:
        for name, value in members.items():
            content = json.dumps(value).encode()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def collection_for_lines(client: DataForceClient) -> tuple[Orbit, Collection]:
    """The orbit and the collection of this example, made when they are not there yet."""
    client.organization = client.organization or client.organizations.list()[0].id
    orbit = client.orbits.get(ORBIT) or client.orbits.create(ORBIT, client.bucket_secrets.list()[0].id)
    client.orbit = orbit.id
    return orbit, client.collections.get(COLLECTION) or client.collections.create("Fitted lines", COLLECTION, "model")


def publish_and_fetch(client: DataForceClient, folder: Path) -> None:
    orbit, collection = collection_for_lines(client)
    client.collection = collection.id
    print(f"orbit '{orbit.name}', collection '{collection.name}'")
    line, metrics = fitted_line()
    pack(folder / "line.fnnx", line, metrics)
    for earlier in client.artifacts.list():
        client.artifacts.delete(earlier.id)
    artifact = client.artifacts.upload(folder / "line.fnnx", MODEL, tags=["line", "example"])
    print(f"{artifact.name}: {artifact.status}, {artifact.size} bytes, {artifact.extra_values}")
    found = client.artifacts.get(MODEL)
    if found is None:
        sys.exit("The model is not found by its name.")
    client.artifacts.download(found.id, folder / "copy.fnnx")
    copy = (folder / "copy.fnnx").read_bytes()
    if hashlib.sha256(copy).hexdigest() != artifact.file_hash:
        sys.exit("What came back is not what was sent.")
    offset, size = found.file_index["variant_config.json"]
    print(f"the same {len(copy)} bytes as uploaded: {json.loads(copy[offset : offset + size])}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Publish a model file and fetch it back.")
    parser.add_argument("--server", default="http://127.0.0.1:8100")
    parser.add_argument("--token", required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        publish_and_fetch(DataForceClient(options.server, options.token), Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
