"""Where the servers of a test run keep what they have: one of {SQLite, PostgreSQL} x {disk, S3}."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from uuid import uuid4

from armarium.testing.postgres import databases
from armarium.testing.server import RunningServer

CATALOGS = ("sqlite", "postgres")
BLOBS = ("disk", "s3")

Settings = dict[str, str]


@contextlib.contextmanager
def storage(
    catalog: str, blobs: str, folder: Path, *, durable: bool = False
) -> Iterator[Callable[[Path], Mapping[str, str]]]:
    """Servers behind a choice. Gives the `ARMARIUM_*` variables for a data folder, the same for the same folder.

    folder: for whatever has to be kept somewhere.
    durable: as in production, with a disk that is waited for and as many connections as there are by default.
    """
    with contextlib.ExitStack() as stack:
        parts: list[Callable[[], Settings]] = []
        if catalog == "postgres":
            made = stack.enter_context(databases(durable=durable))
            few = {} if durable else {"ARMARIUM_DATABASE_CONNECTIONS": "8"}
            parts.append(lambda: {"ARMARIUM_DATABASE": made.fresh(), **few})
        if blobs == "s3":
            parts.append(_buckets(stack, folder))
        known: dict[Path, Settings] = {}

        def settings_of(data: Path) -> Settings:
            if data not in known:
                known[data] = {name: value for part in parts for name, value in part().items()}
            return known[data]

        yield settings_of


def _buckets(stack: contextlib.ExitStack, folder: Path) -> Callable[[], Settings]:
    from armarium.testing import s3_server  # noqa: PLC0415 - its adapter comes with an extra

    server = stack.enter_context(s3_server.s3_servers(folder / "s3"))
    return lambda: s3_server.settings_of(server.make_bucket(f"tests-{uuid4()}"))


@contextlib.contextmanager
def servers_stored(catalog: str, blobs: str, folder: Path) -> Iterator[None]:
    """Have every `RunningServer` of the block keep its records and files there, unless it is told otherwise."""
    before = RunningServer.storage
    with storage(catalog, blobs, folder) as settings_of:
        RunningServer.storage = staticmethod(settings_of)
        try:
            yield
        finally:
            RunningServer.storage = before
