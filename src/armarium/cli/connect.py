"""How an administration command reaches the data: straight, on the machine where it lives."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

from cyclopts import Parameter

if TYPE_CHECKING:
    from armarium.core import Core
    from armarium.settings import Settings

T = TypeVar("T")

Data = Annotated[Path | None, Parameter(help="Folder that holds the database and the files.")]
Config = Annotated[Path | None, Parameter(help="TOML file with settings.")]
Json = Annotated[bool, Parameter(name="--json", negative="", help="Answer in JSON.")]


def settings_from(config: Path | None, **overrides: object) -> "Settings":
    """Settings of this shell, with what was given on the command line."""
    from armarium.settings import load  # noqa: PLC0415 - help does without

    return load(config, environ=os.environ, overrides=overrides)


def with_core(settings: "Settings", work: Callable[["Core"], Awaitable[T]]) -> T:
    """Open the data folder, do one thing, close it."""
    from armarium.assembly import open_core  # noqa: PLC0415 - help does without

    async def run() -> T:
        async with open_core(settings) as core:
            return await work(core)

    return asyncio.run(run())
