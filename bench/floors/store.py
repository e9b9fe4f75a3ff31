"""The S3 server without us: one large object up and down, and small ones."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from armarium.adapters.blobs.sigv4 import AccessKey, UrlSigner
from armarium.settings import Settings
from bench.crew import crew
from bench.floors.ground import Ground, floor, speed
from bench.floors.http import SMALL_FILE_BYTES, gets_per_second
from bench.http_clients import download_large, upload_large
from bench.measure import Measure
from bench.sizes import MiB

KEY = "floor.bin"
GOOD_FOR = timedelta(hours=1)


def put(ground: Ground) -> Measure:
    size = ground.sizes.large_bytes
    seconds = [_upload(ground, size) for _ in range(2)]
    return speed("s3_put", size, seconds, "one large object, PUT to the S3 server itself")


def get(ground: Ground) -> Measure:
    size = ground.sizes.large_bytes
    _upload(ground, size)
    seconds = [crew(download_large, url=_signed("GET", ground.settings))[0].seconds for _ in range(2)]
    return speed("s3_get", size, seconds, "one large object, GET from the S3 server itself")


def gets(ground: Ground) -> Measure:
    _upload(ground, SMALL_FILE_BYTES)
    seen = gets_per_second(_signed("GET", ground.settings), ground.sizes)
    return floor("s3_gets", "per_second", seen, "an object of 10 kB, GET from the S3 server itself")


def _upload(ground: Ground, size: int) -> float:
    with _file(ground.folder, size) as source:
        return crew(upload_large, url=_signed("PUT", ground.settings), source=source)[0].seconds


@contextmanager
def _file(folder: Path, size: int) -> Iterator[str]:
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        for _ in range(size // MiB):
            file.write(os.urandom(MiB))
        file.write(os.urandom(size % MiB))
        file.flush()
        yield file.name


def _signed(method: str, settings: Settings) -> str:
    bucket = (settings.blobs or "").removeprefix("s3://").strip("/")
    key = AccessKey(id=settings.s3_access_key_id or "", secret=settings.s3_secret_access_key or "")
    signer = UrlSigner(f"{settings.s3_endpoint}/{bucket}", key, settings.s3_region or "us-east-1")
    return signer.sign(method, KEY, now=datetime.now(UTC), expires_in=GOOD_FOR)
