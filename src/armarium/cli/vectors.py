"""`armarium vectors`: vector collections out to JSON lines and in again, a page at a time."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from armarium.cli.connect import Config, Data, Json, settings_from, with_core
from armarium.cli.output import show

if TYPE_CHECKING:
    from armarium.core import Core
    from armarium.core.vectors import NewVector

app = App(name="vectors", help="Vector collections: dump, load.", help_format="plaintext")

_BATCH = 1000


@app.command
def dump(
    collection: str,
    /,
    *,
    file: Annotated[Path | None, Parameter(help="Where to; without it to standard output.")] = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Write the vectors of a collection, one JSON object a line: id, vector, manifest."""

    async def work(core: "Core") -> None:
        import msgspec  # noqa: PLC0415

        from armarium.domain.principal import ROOT  # noqa: PLC0415
        from armarium.domain.vector import numbers_of  # noqa: PLC0415

        with _written(file) as target:
            async for items in core.vectors.pages(ROOT, collection):
                lines = [{"id": item.id, "vector": numbers_of(item.vector), "manifest": item.payload} for item in items]
                target.write(msgspec.json.Encoder().encode_lines(lines))

    with_core(settings_from(config, data=data), work)


@app.command
def load(
    collection: str,
    file: Annotated[Path | None, Parameter(help="Where from; without it from standard input.")] = None,
    /,
    *,
    update: Annotated[bool, Parameter(negative="", help="Replace vectors whose id is taken.")] = False,
    data: Data = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Add vectors to a collection, as `dump` writes them; those whose id is taken stay unless --update is given."""

    async def work(core: "Core") -> int:
        from armarium.domain.errors import Invalid  # noqa: PLC0415
        from armarium.domain.principal import ROOT  # noqa: PLC0415

        read = 0
        with _read(file) as source:
            for batch in _batches(source):
                try:
                    await core.vectors.add(ROOT, collection, batch, update=update)
                except Invalid as error:
                    raise Invalid("file", f"{error.message} (counted from line {read + 1})") from None
                read += len(batch)
        return read

    read = with_core(settings_from(config, data=data), work)
    show([{"collection": collection, "read": read}], ("collection", "read"), as_json=as_json)


@contextmanager
def _written(file: Path | None) -> Iterator[IO[bytes]]:
    """Standard output, or a file that is there only once it is whole."""
    if file is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with unfinished.open("xb") as target:
            yield target
            target.flush()
            os.fsync(target.fileno())
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def _read(file: Path | None) -> Iterator[IO[bytes]]:
    if file is None:
        yield sys.stdin.buffer
        return
    with file.open("rb") as source:
        yield source


def _batches(source: IO[bytes]) -> "Iterator[list[NewVector]]":
    batch: list[NewVector] = []
    for number, line in enumerate(source, start=1):
        if line.strip():
            batch.append(_vector_of(number, line))
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _vector_of(number: int, line: bytes) -> "NewVector":
    import msgspec  # noqa: PLC0415

    from armarium.core.vectors import NewVector  # noqa: PLC0415
    from armarium.domain.errors import Invalid  # noqa: PLC0415

    try:
        given: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
        return NewVector(given["id"], given["vector"], given.get("manifest") or {})
    except (msgspec.DecodeError, KeyError, UnicodeDecodeError):
        raise Invalid("file", f"Line {number} is no JSON object with 'id' and 'vector'.") from None
