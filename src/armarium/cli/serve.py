"""`armarium serve`."""

from typing import Annotated

from cyclopts import Parameter

from armarium.cli.connect import Config, Data, settings_from


def serve(
    *,
    host: Annotated[str | None, Parameter(help="Address to listen on.")] = None,
    port: Annotated[int | None, Parameter(help="Port to listen on; 0 takes a free one.")] = None,
    workers: Annotated[int | None, Parameter(help="Processes that serve together.")] = None,
    public_url: Annotated[str | None, Parameter(help="Base URL under which clients reach the server.")] = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Run the server until it is interrupted.

    Everything else is set by ARMARIUM_* variables or in the settings file.
    The first start prints a token for the user `admin`, once.
    """
    settings = settings_from(config, host=host, port=port, workers=workers, public_url=public_url, data=data)
    from armarium import serving  # noqa: PLC0415 - wrong settings are refused before the server is loaded

    serving.serve(settings)
