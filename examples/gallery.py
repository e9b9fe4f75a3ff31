"""Publish a small dataset gallery with the unmodified `hypha-rpc` client, and read it back.

    python examples/gallery.py --server http://127.0.0.1:8100 --token TOKEN

Makes a public collection and a dataset of three files, uploads and commits them, finds the dataset
again by keyword, and compares every byte. It may be run as often as you like.
"""

import argparse
import asyncio
import csv
import hashlib
import io
import logging
import math
import struct
import sys
import zlib
from typing import Any

import requests
from hypha_rpc import connect_to_server

COLLECTION = "dataset-gallery"
DATASET = "tide-gauge"
TIMEOUT_SECONDS = 60


def tide_table(rows: int = 4000) -> bytes:
    """A water level every ten minutes: two tides that drift in and out of step, in metres."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["minute", "level_m"])
    for minute in range(0, rows * 10, 10):
        level = 1.8 * math.cos(math.tau * minute / 745.2) + 0.6 * math.cos(math.tau * minute / 720.0)
        table.writerow([minute, f"{level:.4f}"])
    return text.getvalue().encode()


def tide_picture(width: int = 320, height: int = 120) -> bytes:
    """The first days of the table as an 8-bit grey PNG."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)  # each PNG row begins with its filter: none
        for x in range(width):
            level = math.cos(math.tau * x / 60) * 0.75 + math.cos(math.tau * x / 58) * 0.25
            rows.append(40 if y > height / 2 - level * height * 0.4 else 235)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(bytes(rows), 9))
        + png_chunk(b"IEND", b"")
    )


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def dataset_files() -> dict[str, bytes]:
    readme = "# Tide gauge\n\nComputed water levels at an imaginary harbour, every ten minutes.\n"
    return {"levels.csv": tide_table(), "preview.png": tide_picture(), "README.md": readme.encode()}


async def publish(manager: Any, files: dict[str, bytes]) -> tuple[Any, Any]:
    """Create the collection and the dataset, upload every file, and commit; return both."""
    await remove_former_run(manager)
    collection = await manager.create(
        alias=COLLECTION,
        type="collection",
        manifest={"name": "Dataset gallery", "description": "Small datasets to try things on"},
        config={"permissions": {"*": "r", "@": "r+"}},
    )
    dataset = await manager.create(
        parent_id=collection.id,
        alias=DATASET,
        type="dataset",
        manifest={
            "name": "Tide gauge",
            "description": "Water levels at an imaginary harbour",
            "tags": ["tides", "csv"],
            "covers": ["preview.png"],
        },
        stage=True,
    )
    for path, content in files.items():
        url = await manager.put_file(dataset.id, file_path=path)
        answer = await asyncio.to_thread(requests.put, url, data=content, timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
    return collection, await manager.commit(dataset.id, comment="First publication")


async def remove_former_run(manager: Any) -> None:
    """Delete dataset and collection of an earlier run, whatever state it was left in."""
    for artifact in await manager.list(filters={"alias": COLLECTION}):
        for child in await manager.list(artifact.id, stage="all"):
            await manager.delete(child.id, delete_files=True)
        await manager.delete(artifact.id, delete_files=True)


async def download(manager: Any, artifact_id: str, path: str) -> bytes:
    url = await manager.get_file(artifact_id, file_path=path)
    answer = await asyncio.to_thread(requests.get, url, timeout=TIMEOUT_SECONDS)
    answer.raise_for_status()
    return answer.content


async def check(manager: Any, collection: Any, dataset: Any, files: dict[str, bytes]) -> None:
    """Find the dataset as a visitor would, and stop with a message if a single byte differs."""
    found = await manager.list(collection.id, keywords=["harbour"])
    if [each.id for each in found] != [dataset.id]:
        sys.exit(f"Searching for 'harbour' found {[each.id for each in found]} instead of {dataset.id}.")
    artifact = await manager.read(dataset.id)
    version = artifact.versions[-1]["version"]
    print(f"{artifact.id}, version {version}: {artifact.manifest.description}")
    listed = {entry["name"]: entry["size"] for entry in await manager.list_files(dataset.id)}
    for path, content in files.items():
        received = await download(manager, dataset.id, path)
        if received != content or listed[path] != len(content):
            sys.exit(f"{path} came back different from what was uploaded.")
        print(f"  {path:12} {listed[path]:>8,} bytes  sha256 {hashlib.sha256(received).hexdigest()[:16]}  as uploaded")


async def main(server_url: str, token: str) -> None:
    server = await connect_to_server({"name": "gallery", "server_url": server_url, "token": token})
    try:
        manager = await server.get_service("public/artifact-manager")
        files = dataset_files()
        collection, dataset = await publish(manager, files)
        await check(manager, collection, dataset, files)
    finally:
        await server.disconnect()
    gallery = f"{server_url}/{collection.workspace}/view/{COLLECTION}/"
    requests.get(gallery, timeout=TIMEOUT_SECONDS).raise_for_status()  # open to everybody, without a token
    print(f"\nThe gallery, open to everybody: {gallery}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, help="base URL of an armarium")
    parser.add_argument("--token", required=True, help="a token, see `armarium token create --help`")
    options = parser.parse_args()
    logging.getLogger("RPC").setLevel(logging.ERROR)  # hypha-rpc warns of every connection that it was asked to end
    asyncio.run(main(options.server.rstrip("/"), options.token))
