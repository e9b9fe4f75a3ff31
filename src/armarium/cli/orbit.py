"""`armarium orbit`: root collections, as DataForce clients know them."""

from typing import TYPE_CHECKING, Any

from cyclopts import App

from armarium.cli.connect import Config, Data, Json, settings_from, with_core
from armarium.cli.output import moment, show

if TYPE_CHECKING:
    from armarium.core import Core
    from armarium.domain.artifact import Artifact

app = App(name="orbit", help="Orbits, the root collections of a workspace: create, list.", help_format="plaintext")

_COLUMNS = ("id", "name", "workspace", "created_at")


@app.command
def create(workspace: str, name: str, /, *, data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """Add a root collection to a workspace."""

    async def work(core: "Core") -> "Artifact":
        from armarium.domain.identifiers import workspace_uuid  # noqa: PLC0415
        from armarium.domain.principal import ROOT  # noqa: PLC0415

        place = await core.tree.workspace(ROOT, workspace_uuid(workspace))
        return (await core.collections.create_root(ROOT, place, {"name": name})).artifact

    show([_row(with_core(settings_from(config, data=data), work))], _COLUMNS, as_json=as_json)


@app.command(name="list")
def list_(workspace: str, /, *, data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """List the root collections of a workspace, oldest first."""

    async def work(core: "Core") -> "list[Artifact]":
        from armarium.domain.principal import ROOT  # noqa: PLC0415

        return await core.collections.list_roots(ROOT, workspace)

    show([_row(orbit) for orbit in with_core(settings_from(config, data=data), work)], _COLUMNS, as_json=as_json)


def _row(orbit: "Artifact") -> dict[str, Any]:
    import msgspec  # noqa: PLC0415

    return {
        "id": orbit.id,
        "name": msgspec.json.decode(orbit.manifest).get("name", orbit.alias),
        "workspace": orbit.workspace,
        "created_at": moment(orbit.created_at),
    }
