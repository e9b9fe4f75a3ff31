"""`armarium token`: what opens the doors."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from armarium.cli.connect import Config, Data, Json, settings_from, with_core
from armarium.cli.output import moment, print_json, show

if TYPE_CHECKING:
    from armarium.core import Core
    from armarium.core.accounts import IssuedToken
    from armarium.domain.account import Token

app = App(name="token", help="Tokens: create, list, revoke.", help_format="plaintext")

_COLUMNS = ("id", "label", "workspace", "role", "scopes", "expires_at")
RoleName = Literal["read", "read_write", "admin"]


@app.command
def create(
    *,
    user: Annotated[str, Parameter(help="Who it stands for.")],
    workspace: Annotated[str | None, Parameter(help="Where alone it is good.")] = None,
    role: Annotated[RoleName, Parameter(help="At most this, wherever it is good.")] = "admin",
    expires: Annotated[
        str | None, Parameter(help="How long it is good, such as 12h or 30d; for ever when not given.")
    ] = None,
    scope: Annotated[
        list[str] | None,
        Parameter(help="An operation it is good for: <operation>:<workspace>/<alias>:<path>; repeatable.", negative=""),
    ] = None,
    label: Annotated[str, Parameter(help="What it is for.")] = "",
    data: Data = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Make a token. It is printed once, alone on the last line, and cannot be shown again."""

    async def work(core: "Core") -> "IssuedToken":
        from armarium.domain.principal import ROLE_NAMES, ROOT  # noqa: PLC0415
        from armarium.domain.units import parse_duration  # noqa: PLC0415

        return await core.accounts.issue_token(
            ROOT,
            user,
            workspace=workspace,
            role=ROLE_NAMES[role],
            scopes=tuple(scope or ()),
            expires_in=parse_duration(expires) if expires else None,
            label=label,
        )

    issued = with_core(settings_from(config, data=data), work)
    if as_json:
        print_json({**_row(issued.token), "token": issued.text})
    else:
        show([_row(issued.token)], _COLUMNS, as_json=False)
        print(issued.text)


@app.command(name="list")
def list_(
    *,
    user: Annotated[str, Parameter(help="Whose.")],
    data: Data = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """List a user's tokens, newest first; not the tokens themselves, which nobody knows."""

    async def work(core: "Core") -> "list[Token]":
        from armarium.domain.principal import ROOT  # noqa: PLC0415

        return await core.accounts.list_tokens(ROOT, user)

    tokens = with_core(settings_from(config, data=data), work)
    show([_row(token) for token in tokens], _COLUMNS, as_json=as_json)


@app.command
def revoke(token_id: str, /, *, data: Data = None, config: Config = None) -> None:
    """End a token, and whatever was generated from it. Running servers notice within two seconds."""

    async def work(core: "Core") -> None:
        from armarium.domain.principal import ROOT  # noqa: PLC0415

        await core.accounts.revoke(ROOT, token_id)

    with_core(settings_from(config, data=data), work)


def _row(token: "Token") -> dict[str, Any]:
    return {
        "id": token.id,
        "user": token.user_id,
        "label": token.label,
        "workspace": token.workspace,
        "role": token.role.name.lower(),
        "scopes": list(token.scopes),
        "created_at": moment(token.created_at),
        "expires_at": moment(token.expires_at),
    }
