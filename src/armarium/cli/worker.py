"""`armarium worker`."""

from typing import Annotated

from cyclopts import Parameter

from armarium.cli.connect import Config, Data, settings_from


def worker(
    *,
    slots: Annotated[int, Parameter(help="Jobs done at a time.")] = 4,
    data: Data = None,
    config: Config = None,
) -> None:
    """Do jobs until interrupted, beside a server on the same data; those under way are then given back."""
    from armarium.domain.errors import Invalid  # noqa: PLC0415

    if not 1 <= slots <= 64:
        raise Invalid("slots", "A worker does 1 to 64 jobs at a time.")
    settings = settings_from(config, data=data)
    from armarium.worker import work  # noqa: PLC0415 - wrong settings are refused before the server is loaded

    work(settings, slots)
