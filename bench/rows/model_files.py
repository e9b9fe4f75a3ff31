"""One large model file up and down through the dataforce client."""

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

from armarium import DataForceClient
from bench.crew import crew
from bench.harness import Bench, unique
from bench.measure import Budget, Measure, Timings
from bench.rows.large_files import GROWTH, transfer_measures
from bench.sdk_clients import download_model, upload_model
from bench.sizes import MiB

SPEED = Budget("mb_per_second", 400, at_most=False)


def model_files(bench: Bench) -> Iterator[Measure]:
    size = bench.sizes.large_bytes
    source, target = bench.folder / "large.fnnx", bench.folder / "copy.fnnx"
    _write_model(source, size)
    ids = _place(bench)
    access = {"url": bench.server.url, "token": bench.token, "ids": ids}

    with bench.watched() as usage:
        seen = [crew(upload_model, source=str(source), **access)[0] for _ in range(bench.sizes.large_repeats)]
    yield from transfer_measures(
        "model-files", "DataForce client, upload", size, seen, usage, SPEED, bench.floors("put")
    )
    yield _client_memory("upload", seen)
    source.unlink()

    with bench.watched() as usage:
        seen = [crew(download_model, target=str(target), **access)[0] for _ in range(bench.sizes.large_repeats)]
    yield from transfer_measures(
        "model-files", "DataForce client, download", size, seen, usage, SPEED, bench.floors("disk_sha256")
    )
    yield _client_memory("download", seen)
    target.unlink()


def _place(bench: Bench) -> dict[str, str]:
    client = DataForceClient(bench.server.url, bench.token)
    client.organization = client.organization or client.organizations.list()[0].id
    client.orbit = client.orbits.create(unique("orbit"), client.bucket_secrets.list()[0].id).id
    collection = client.collections.create("", unique("collection"), "mixed")
    return {"organization": client.organization, "orbit": client.orbit, "collection": collection.id}


def _write_model(path: Path, size: int) -> None:
    """A model whose weights fill the file."""
    piece = os.urandom(16 * MiB)
    with path.open("wb") as file:
        file.write(_header("manifest.json", 2) + b"{}".ljust(512, b"\0") + _header("weights", size))
        for _ in range(size // len(piece)):
            file.write(piece)
        file.write(bytes(1024))


def _header(name: str, size: int) -> bytes:
    member = tarfile.TarInfo(name)
    member.size = size
    return member.tobuf()


def _client_memory(what: str, seen: list[Timings]) -> Measure:
    before, peak = max((timings.memory_mb for timings in seen), key=lambda memory: memory[1] - memory[0])
    return Measure(
        row="model-files",
        name=f"DataForce client, {what}, memory of the client",
        key="growth_mb",
        count=len(seen),
        rss_before_mb=before,
        rss_after_mb=peak,
        growth_mb=peak - before,
        budget=GROWTH,
    ).judged()
