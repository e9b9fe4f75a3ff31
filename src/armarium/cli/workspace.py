"""`armarium workspace`: where artifacts live."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from armarium.cli.connect import Config, Data, Json, settings_from, with_core
from armarium.cli.output import moment, show

if TYPE_CHECKING:
    from armarium.core import Core
    from armarium.domain.account import Workspace

app = App(name="workspace", help="Workspaces: create, list, share, delete.", help_format="plaintext")

_COLUMNS = ("name", "title", "owner", "created_at")


@app.command
def create(
    name: str,
    /,
    *,
    owner: Annotated[str | None, Parameter(help="The user it belongs to; the operator when not given.")] = None,
    title: str = "",
    description: str = "",
    data: Data = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Add a workspace."""

    async def work(core: "Core") -> "Workspace":
        from armarium.domain.principal import ROOT  # noqa: PLC0415

        return await core.accounts.workspaces.create(ROOT, name, title=title, description=description, owner=owner)

    show([_row(with_core(settings_from(config, data=data), work))], _COLUMNS, as_json=as_json)


@app.command(name="list")
def list_(*, data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """List all workspaces."""

    async def work(core: "Core") -> "list[Workspace]":
        return await _all_workspaces(core)

    workspaces = with_core(settings_from(config, data=data), work)
    show([_row(workspace) for workspace in workspaces], _COLUMNS, as_json=as_json)


@app.command
def share(
    name: str,
    user: str,
    /,
    *,
    role: Annotated[
        Literal["read", "read_write", "admin", "none"], Parameter(help="What the user is in it; none ends it.")
    ] = "read_write",
    data: Data = None,
    config: Config = None,
) -> None:
    """Give a user a role in a workspace, or take it away."""

    async def work(core: "Core") -> None:
        from armarium.domain.principal import ROLE_NAMES, ROOT  # noqa: PLC0415

        await core.accounts.workspaces.set_member(ROOT, name, user, ROLE_NAMES.get(role))

    with_core(settings_from(config, data=data), work)


@app.command
def delete(name: str, /, *, data: Data = None, config: Config = None) -> None:
    """Remove an empty workspace."""

    async def work(core: "Core") -> None:
        from armarium.domain.principal import ROOT  # noqa: PLC0415

        await core.accounts.workspaces.delete(ROOT, name)

    with_core(settings_from(config, data=data), work)


async def _all_workspaces(core: "Core") -> "list[Workspace]":
    from armarium.domain.principal import ROOT  # noqa: PLC0415

    workspaces: list[Workspace] = []
    while page := await core.accounts.workspaces.list(ROOT, offset=len(workspaces)):
        workspaces += page
    return workspaces


def _row(workspace: "Workspace") -> dict[str, Any]:
    return {
        "name": workspace.name,
        "title": workspace.title,
        "description": workspace.description,
        "owner": workspace.owner,
        "persistent": workspace.persistent,
        "created_at": moment(workspace.created_at),
    }
