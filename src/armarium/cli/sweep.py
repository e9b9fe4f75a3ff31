"""`armarium sweep`."""

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from armarium.cli.connect import Config, Data, settings_from, with_core
from armarium.cli.output import print_json

if TYPE_CHECKING:
    from armarium.core import Core


def sweep(
    *,
    dry_run: Annotated[bool, Parameter(negative="", help="Only say what would go.")] = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Remove bytes nothing refers to any more, once their grace period is over."""

    async def work(core: "Core") -> Any:
        return await core.sweeper.sweep(dry_run=dry_run)

    print_json(with_core(settings_from(config, data=data), work))
