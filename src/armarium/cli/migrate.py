"""`armarium migrate`."""

from typing import TYPE_CHECKING

from armarium.cli.connect import Config, Data, Json, settings_from, with_core
from armarium.cli.output import print_json

if TYPE_CHECKING:
    from armarium.core import Core


def migrate(*, data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """Bring the database's schema up to date, as every start of the server does, and say from where to where."""

    async def work(core: "Core") -> tuple[str | None, str]:
        return core.catalog.revisions

    before, now = with_core(settings_from(config, data=data), work)
    if as_json:
        print_json({"from": before, "to": now})
    elif before == now:
        print(f"the schema is at {now} already")
    else:
        print(f"the schema was brought from {before or 'nothing'} to {now}")
