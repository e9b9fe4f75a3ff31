"""Who there is: users, workspaces and the tokens that stand for them."""

import msgspec

from armarium.domain.principal import Role


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person or a program with a name. created_at: seconds since the epoch."""

    id: str
    email: str | None = None
    roles: tuple[str, ...] = ()
    created_at: float = 0.0


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """The owner and boundary of names, members and storage.

    owner: its creator, who is always an admin of it. persistent: whether artifacts may be kept in it.
    membership: the role of the user who asked, where one asked.
    """

    name: str
    title: str = ""
    description: str = ""
    owner: str | None = None
    persistent: bool = True
    created_at: float = 0.0
    membership: Role | None = None


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """An opaque token as it is kept: never the token itself, only its SHA-256 digest.

    workspace: None makes it good wherever the user's memberships reach, else it is bound to that workspace.
    role: at most this role, wherever it is good. scopes: non-empty limits it to these single operations.
    """

    id: str
    digest: bytes
    user_id: str
    label: str = ""
    workspace: str | None = None
    role: Role = Role.ADMIN
    scopes: tuple[str, ...] = ()
    created_at: float = 0.0
    expires_at: float | None = None
