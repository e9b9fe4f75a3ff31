"""Who is behind a connection, and what this face needs from the side that knows."""

from typing import Any, Protocol

import msgspec

from armarium.domain.principal import Principal, Role


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Someone at work in one workspace; every service function gets it first.

    client_id: the connection it came over; empty for a call over plain HTTP.
    """

    principal: Principal
    workspace: str
    client_id: str = ""

    @property
    def caller(self) -> Principal:
        """The principal, at home in the workspace of the session."""
        if self.principal.current_workspace == self.workspace:
            return self.principal
        return msgspec.structs.replace(self.principal, current_workspace=self.workspace)


class Identity(Protocol):
    """Credentials and workspaces, as the workspace manager speaks of them. All raise errors of `domain.errors`."""

    async def connect(
        self, token: str | None, reconnection_token: str | None, workspace: str | None, client_id: str
    ) -> Session:
        """Let someone in; no token means an anonymous visitor.

        A good token outweighs a bad reconnection token.
        Raises NotAuthenticated, Forbidden, NotFound (the workspace), Invalid.
        """
        ...

    async def reconnection_token(self, session: Session, client_id: str) -> tuple[str, float]:
        """Mint what lets this client come back, and say for how many seconds."""
        ...

    async def role(self, session: Session, workspace: str) -> Role | None:
        """The caller's role in a workspace; None if they have none there."""
        ...

    async def generate_token(self, session: Session, config: dict[str, Any]) -> str: ...

    async def parse_token(self, session: Session, token: str) -> dict[str, Any]: ...

    async def revoke_token(self, session: Session, token: str) -> None: ...

    async def create_workspace(self, session: Session, config: dict[str, Any], overwrite: bool) -> dict[str, Any]: ...

    async def delete_workspace(self, session: Session, workspace: str) -> None: ...

    async def list_workspaces(self, session: Session, offset: int, limit: int) -> list[dict[str, Any]]: ...

    async def workspace_info(self, session: Session, workspace: str) -> dict[str, Any]: ...


_ROLE_LETTERS = {Role.READ: "r", Role.READ_WRITE: "rw", Role.ADMIN: "a"}


def role_letter(role: Role | None) -> str | None:
    return None if role is None else _ROLE_LETTERS[role]


def user_info(session: Session) -> dict[str, Any]:
    """Describe the caller as clients and their services see them; nothing in it is secret."""
    principal = session.principal
    return {
        "id": principal.id,
        "roles": list(principal.roles),
        "is_anonymous": principal.is_anonymous,
        "email": principal.email,
        "parent": principal.parent,
        "expires_at": principal.expires_at,
        "current_workspace": principal.current_workspace,
        "scope": {
            "current_workspace": session.workspace,
            "workspaces": {name: role_letter(role) for name, role in principal.grants.items()},
            "client_id": session.client_id or None,
            "extra_scopes": list(principal.scopes),
        },
    }
