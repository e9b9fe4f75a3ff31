"""Users, workspaces and tokens: what the catalog keeps of them. What is not there is answered by None."""

from typing import Protocol

from armarium.domain.account import Token, User, Workspace
from armarium.domain.principal import Role


class AccountReader(Protocol):
    """Questions about who there is, a part of `catalog.Reader`."""

    async def find_user(self, user_id: str) -> User | None: ...

    async def list_users(self, *, offset: int = 0, limit: int = 256) -> list[User]:
        """By id."""
        ...

    async def find_workspace(self, name: str, *, viewer: str | None = None, shared: bool = False) -> Workspace | None:
        """viewer: the user whose own role is reported in `Workspace.membership`; shared: see `Transaction`."""
        ...

    async def find_workspace_by_uuid(self, uuid: str, *, viewer: str | None = None) -> Workspace | None:
        """uuid: as `workspace_uuid` makes it of the name."""
        ...

    async def list_workspaces(self, *, member: str | None, offset: int = 0, limit: int = 256) -> list[Workspace]:
        """Workspaces a user is a member of, or all of them for None; by name."""
        ...

    async def memberships(self, user_id: str) -> dict[str, Role]:
        """Workspace -> role, of one user."""
        ...

    async def list_members(self, workspace: str) -> dict[str, Role]:
        """User id -> role, by user id."""
        ...

    async def find_token(self, digest: bytes) -> Token | None:
        """The token with this SHA-256."""
        ...

    async def find_token_by_id(self, token_id: str) -> Token | None: ...

    async def list_tokens(self, user_id: str) -> list[Token]:
        """A user's tokens that are not revoked, expired ones included, newest first."""
        ...

    async def is_revoked(self, token_id: str) -> bool: ...


class AccountWriter(Protocol):
    """Changes to who there is, a part of `catalog.Transaction`."""

    async def insert_user(self, user: User) -> bool:
        """False when the user exists."""
        ...

    async def update_user(self, user: User) -> bool:
        """Replace e-mail and roles; False when there is no such user."""
        ...

    async def insert_workspace(self, workspace: Workspace) -> bool:
        """False when the workspace exists; its owner becomes a member as admin."""
        ...

    async def update_workspace(self, workspace: Workspace) -> bool:
        """Replace title, description and persistence; False when there is no such workspace."""
        ...

    async def delete_workspace(self, name: str) -> None:
        """Remove it with its artifacts, memberships and the tokens bound to it."""
        ...

    async def put_member(self, workspace: str, user_id: str, role: Role | None) -> None:
        """Set or, with None, end a membership."""
        ...

    async def insert_token(self, token: Token) -> None: ...

    async def revoke_token(self, token_id: str, *, expires_at: float | None) -> None:
        """Refuse a token from now on; expires_at: when this can be forgotten."""
        ...
