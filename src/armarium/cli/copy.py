"""`armarium copy`."""

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter

from armarium.cli.connect import Json
from armarium.cli.output import print_json, show

if TYPE_CHECKING:
    from armarium.core.relocation import RelocationReport
    from armarium.settings import Settings

_PLACE = "a data folder, a TOML file with settings, or the URL of a PostgreSQL database"


def copy(
    *,
    source: Annotated[str, Parameter(name="--from", help=f"Where everything is: {_PLACE}.")],
    target: Annotated[str, Parameter(name="--to", help=f"Where it shall be: {_PLACE}.")],
    as_json: Json = False,
) -> None:
    """Carry everything into another, empty store, and compare.

    Can be interrupted and begun again; until it is through the target stays empty. Stop the servers first.
    """
    here, there = _settings_of(source), _settings_of(target)
    _require_store(here, source)
    report = asyncio.run(_copy(here, there))
    if as_json:
        print_json(report)
    else:
        _print(report)


async def _copy(source: "Settings", target: "Settings") -> "RelocationReport":
    from armarium.assembly import open_store, share_key  # noqa: PLC0415 - help does without
    from armarium.core.relocation import Relocation  # noqa: PLC0415

    share_key(source, target)
    async with open_store(source) as here, open_store(target) as there:
        return await Relocation(here, there, tell=_tell).run()


def _settings_of(place: str) -> "Settings":
    """The settings of a file alone, or those of this shell: with everything in a folder, or with another database."""
    from armarium.settings import load  # noqa: PLC0415 - help does without

    if place.endswith(".toml"):
        return load(Path(place), environ={})
    if "://" in place:
        return load(environ=os.environ, overrides={"database": place})
    return msgspec.structs.replace(load(environ=os.environ, overrides={"data": place}), database=None, blobs=None)


def _require_store(settings: "Settings", place: str) -> None:
    """A mistyped place would be copied as an empty store."""
    from armarium.domain.errors import Invalid  # noqa: PLC0415

    if settings.database is None and not (settings.data / "catalog.sqlite").exists():
        raise Invalid("from", f"There is no armarium in '{place}'.")


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


def _print(report: "RelocationReport") -> None:
    show([{"table": table, "rows": rows} for table, rows in report.tables.items()], ("table", "rows"), as_json=False)
    print(f"{report.blobs} blobs copied, {report.size_bytes} bytes; {report.found_blobs} were there already")
    print("the target held everything already" if report.was_there else "the target holds everything")
