"""`armarium user`: who there is."""

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from armarium.cli.connect import Config, Data, Json, settings_from, with_core
from armarium.cli.output import moment, show

if TYPE_CHECKING:
    from armarium.core import Core
    from armarium.domain.account import User

app = App(name="user", help="Users: create, list, disable.", help_format="plaintext")

_COLUMNS = ("id", "email", "roles", "created_at")


@app.command
def create(
    name: str,
    /,
    *,
    email: str | None = None,
    admin: Annotated[bool, Parameter(negative="", help="With every right in every workspace.")] = False,
    data: Data = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Add a user, who gets a workspace of their own."""

    async def work(core: "Core") -> "User":
        from armarium.domain.principal import ROOT  # noqa: PLC0415

        return await core.accounts.create_user(ROOT, name, email=email, admin=admin)

    show([_row(with_core(settings_from(config, data=data), work))], _COLUMNS, as_json=as_json)


@app.command(name="list")
def list_(*, data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """List all users."""

    async def work(core: "Core") -> "list[User]":
        return await _all_users(core)

    users = with_core(settings_from(config, data=data), work)
    show([_row(user) for user in users], _COLUMNS, as_json=as_json)


@app.command
def disable(name: str, /, *, data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """Make every credential of a user worthless."""
    _set_disabled(name, True, data, config, as_json)


@app.command
def enable(name: str, /, *, data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """Make a disabled user's credentials good again."""
    _set_disabled(name, False, data, config, as_json)


def _set_disabled(name: str, disabled: bool, data: Data, config: Config, as_json: bool) -> None:
    async def work(core: "Core") -> "User":
        from armarium.domain.principal import ROOT  # noqa: PLC0415

        return await core.accounts.disable_user(ROOT, name, disabled=disabled)

    show([_row(with_core(settings_from(config, data=data), work))], _COLUMNS, as_json=as_json)


async def _all_users(core: "Core") -> "list[User]":
    from armarium.domain.principal import ROOT  # noqa: PLC0415

    users: list[User] = []
    while page := await core.accounts.list_users(ROOT, offset=len(users)):
        users += page
    return users


def _row(user: "User") -> dict[str, Any]:
    return {"id": user.id, "email": user.email, "roles": list(user.roles), "created_at": moment(user.created_at)}
