"""Who comes in through the Hypha door, to which workspace, and what they may do with tokens and workspaces."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypeVar

import msgspec

from armarium.auth import jwt
from armarium.auth.identify import Identify
from armarium.auth.names import anonymous_id
from armarium.auth.tokens import TokenMaker, TokenRequest
from armarium.core.accounts import Accounts
from armarium.domain import token_text
from armarium.domain.account import ANONYMOUS_ROLE, PUBLIC_WORKSPACE, Workspace
from armarium.domain.errors import Forbidden, Invalid, NotAuthenticated
from armarium.domain.principal import ANYONE, ROLE_CODES, ROLE_NAMES, Principal, Role, home_workspace
from armarium.faces.hypha.identity import Session, user_info
from armarium.faces.hypha.schemas import TokenConfig, WorkspaceConfig
from armarium.ports.clock import Clock

T = TypeVar("T")

VISIT = timedelta(minutes=10)
"""How long an anonymous visitor is known by one name."""


class Credentials:
    """Identity, as the RPC side of this face needs it."""

    def __init__(self, accounts: Accounts, identify: Identify, clock: Clock, *, jwt_key: bytes) -> None:
        self._accounts = accounts
        self._workspaces = accounts.workspaces
        self._identify = identify
        self._tokens = TokenMaker(accounts, clock, jwt_key=jwt_key)
        self._clock = clock

    # coming in
    async def connect(
        self, token: str | None, reconnection_token: str | None, workspace: str | None, client_id: str
    ) -> Session:
        """Let someone in: by the reconnection token, else the token, else as an anonymous visitor.

        Raises NotAuthenticated, Forbidden, NotFound (the workspace).
        """
        principal = await self._who(token, reconnection_token, client_id)
        if principal.is_limited:
            raise Forbidden("connect", "A token with specialised scopes cannot be used for general workspace access.")
        if principal.client_id not in (None, client_id):
            raise Forbidden("connect", "This token belongs to another client.")
        chosen = await self._workspace_for(principal, workspace or None)
        return Session(principal=principal, workspace=chosen, client_id=client_id)

    async def _who(self, token: str | None, reconnection_token: str | None, client_id: str) -> Principal:
        if reconnection_token:
            try:
                return await self._returning(reconnection_token, client_id)
            except (NotAuthenticated, Forbidden):
                if not token:
                    raise
        return await self._identify(token) if token else self._visitor()

    async def _returning(self, reconnection_token: str, client_id: str) -> Principal:
        """Who a reconnection token stands for; once in, tokens they generate are not bound to this client."""
        principal = await self._identify(reconnection_token)
        if principal.client_id != client_id:
            raise Forbidden("connect", "This reconnection token belongs to another client.")
        return msgspec.structs.replace(principal, client_id=None)

    def _visitor(self) -> Principal:
        if not self._identify.lets_strangers_in:
            raise NotAuthenticated("A token is needed: this server takes no anonymous visitors.")
        visitor = anonymous_id()
        home = home_workspace(visitor)
        return Principal(
            id=visitor,
            roles=(ANONYMOUS_ROLE,),
            is_anonymous=True,
            expires_at=self._clock.now() + VISIT.total_seconds(),
            current_workspace=home,
            grants={home: Role.ADMIN},
        )

    async def _workspace_for(self, principal: Principal, wanted: str | None) -> str:
        if principal.is_anonymous:
            return _visited(principal, wanted)
        if wanted == PUBLIC_WORKSPACE and not principal.is_site_admin:
            wanted = None
        bound = principal.current_workspace
        if wanted and bound and wanted != bound and not principal.uses_memberships:
            raise Forbidden("connect", f"The token's workspace does not match: no permission for '{wanted}'.")
        chosen = wanted or bound or _own(principal)
        await self._workspaces.require(principal, chosen, Role.READ, "connect")
        return chosen

    async def reconnection_token(self, session: Session, client_id: str) -> tuple[str, float]:
        return self._tokens.reconnection(session.principal, session.workspace, client_id)

    async def role(self, session: Session, workspace: str) -> Role | None:
        principal = session.principal
        if principal.is_anonymous:
            return principal.role_in(workspace)
        return await self._workspaces.role(principal, workspace)

    # tokens
    async def generate_token(self, session: Session, config: dict[str, Any]) -> str:
        return await self._tokens.generate(session.principal, session.workspace, _token_request(config))

    async def parse_token(self, session: Session, token: str) -> dict[str, Any]:
        """Describe whoever a token stands for. Raises NotAuthenticated."""
        principal = await self._identify(_text("token", token))
        workspace = principal.current_workspace or _own(principal)
        return user_info(Session(principal=principal, workspace=workspace, client_id=principal.client_id or ""))

    async def revoke_token(self, session: Session, token: str) -> None:
        """End a token, given as its holder has it. Raises NotAuthenticated, NotFound, Forbidden."""
        text = _text("token", token)
        if token_text.is_token(text):
            await self._accounts.revoke_text(session.principal, text)
        elif jwt.looks_signed(text):
            await self._revoke_signed(session.principal, self._identify.read_signed(text))
        else:
            raise NotAuthenticated("The token is not valid.")

    async def _revoke_signed(self, principal: Principal, claims: jwt.Claims) -> None:
        await self._accounts.revoke_credential(
            principal,
            claims.token_id,
            owner=claims.parent or claims.subject,
            workspace=claims.scope.current_workspace,
            expires_at=claims.expires_at,
        )

    # workspaces
    async def create_workspace(self, session: Session, config: dict[str, Any], overwrite: bool) -> dict[str, Any]:
        wanted = _convert("config", config, WorkspaceConfig)
        name = wanted.id or wanted.name
        if not name:
            raise Invalid("id", "A workspace needs an 'id'.")
        workspace = await self._workspaces.create(
            session.principal,
            name,
            title=wanted.name or name,
            description=wanted.description or "",
            persistent=wanted.persistent is not False,
            members={owner: Role.ADMIN for owner in wanted.owners or [] if owner != session.principal.effective_id},
            overwrite=overwrite,
        )
        return await self._info(session.principal, workspace)

    async def delete_workspace(self, session: Session, workspace: str) -> None:
        await self._workspaces.delete(session.principal, _text("workspace", workspace))

    async def list_workspaces(self, session: Session, offset: int, limit: int) -> list[dict[str, Any]]:
        found = await self._workspaces.list(session.principal, offset=offset, limit=limit)
        return [_summary(workspace) for workspace in found]

    async def workspace_info(self, session: Session, workspace: str) -> dict[str, Any]:
        principal = session.principal
        if principal.is_anonymous and principal.role_in(workspace) is not None:
            return _describe(Workspace(name=workspace, title=workspace, owner=principal.id, persistent=False), {})
        return await self._info(principal, await self._workspaces.get(principal, workspace))

    async def _info(self, principal: Principal, workspace: Workspace) -> dict[str, Any]:
        return _describe(workspace, await self._workspaces.members(principal, workspace.name))


def _visited(principal: Principal, wanted: str | None) -> str:
    """The workspace of an anonymous visitor: their own and no other."""
    own = principal.current_workspace or home_workspace(principal.id)
    if wanted not in (None, own):
        raise Forbidden("connect", f"An anonymous user has no permission for workspace '{wanted}'.")
    return own


def _own(principal: Principal) -> str:
    """Where a credential that names no workspace leads: home, unless it is good for one other workspace alone."""
    home = principal.home_workspace
    elsewhere = [name for name in principal.grants if name not in (home, ANYONE)]
    if principal.role_in(home) is None and not principal.uses_memberships and len(elsewhere) == 1:
        return elsewhere[0]
    return home


def _token_request(config: Mapping[str, Any]) -> TokenRequest:
    wanted = _convert("config", config, TokenConfig)
    roles = {**ROLE_CODES, **ROLE_NAMES}
    permission = wanted.permission or "read_write"
    if permission not in roles:
        raise Invalid("permission", f"Invalid permission {permission!r}: use read, read_write or admin.")
    return TokenRequest(
        workspace=wanted.workspace,
        role=roles[permission],
        expires_in=_life(wanted.expires_in),
        client_id=wanted.client_id,
        extra_scopes=tuple(wanted.extra_scopes or ()),
        email=wanted.email,
    )


def _life(seconds: float | None) -> timedelta:
    try:
        return timedelta(seconds=3600.0 if seconds is None else seconds)
    except (OverflowError, ValueError):
        raise Invalid("expires_in", "A token lives more than no time and at most ten years.") from None


def _convert(what: str, value: object, kind: type[T]) -> T:
    try:
        return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as error:
        raise Invalid(what, f"Invalid {what}: {error}") from None


def _text(what: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise Invalid(what, f"'{what}' must be a non-empty string.")
    return value


def _summary(workspace: Workspace) -> dict[str, Any]:
    return {
        "id": workspace.name,
        "name": workspace.title or workspace.name,
        "description": workspace.description,
        "read_only": False,
        "persistent": workspace.persistent,
        "owners": [workspace.owner] if workspace.owner else [],
    }


def _describe(workspace: Workspace, members: Mapping[str, Role]) -> dict[str, Any]:
    owners = [user_id for user_id, role in members.items() if role is Role.ADMIN and user_id != workspace.owner]
    summary = _summary(workspace)
    return {
        "type": "workspace",
        **summary,
        "owners": summary["owners"] + owners,
        "icon": None,
        "covers": [],
        "docs": None,
        "service_types": {},
        "config": {},
        "status": {"ready": True, "errors": None},
    }
