"""Who there is: users, workspaces and the tokens that stand for them, and which names they may have."""

import re

import msgspec

from armarium.domain.errors import Invalid
from armarium.domain.identifiers import checked_workspace
from armarium.domain.principal import Role, home_workspace

ADMIN_ROLE = "admin"
"""The user role that means every right in every workspace."""
ANONYMOUS_ROLE = "anonymous"
DISABLED_ROLE = "disabled"
"""The user role that makes every credential of its user worthless."""

PUBLIC_WORKSPACE = "public"
ANONYMOUS_WORKSPACE = "ws-anonymous"
ANONYMOUS_PREFIX = "anonymouz-"
HOME_PREFIX = home_workspace("")

RESERVED_WORKSPACES = frozenset(
    {
        PUBLIC_WORKSPACE, ANONYMOUS_WORKSPACE, HOME_PREFIX, "-", "~", "*", "ws", "rpc", "health", "ready", "metrics",
        "v1", "1", "api", "docs", "openapi", "assets", "static", "login", "logout", "files", "s3", "services",
        "artifacts", "gallery", "hypha", "dataforce", "ivcap", "aimable", "spaces", "organizations", "users",
        "bucket-secrets",
        "root", "admin",
    }
)  # fmt: skip
"""First path segments that routes own, and names that belong to the server itself."""

_NEW_WORKSPACE = re.compile(r"[a-z0-9][a-z0-9|-]{0,127}")
_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._|@-]{0,99}")


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person or a program with a name. created_at: seconds since the epoch."""

    id: str
    email: str | None = None
    roles: tuple[str, ...] = ()
    created_at: float = 0.0

    @property
    def is_admin(self) -> bool:
        return ADMIN_ROLE in self.roles and not self.is_disabled

    @property
    def is_disabled(self) -> bool:
        return DISABLED_ROLE in self.roles


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


def checked_user_id(user_id: str) -> str:
    """Return an id that may belong to a user: letters, digits and `- _ . | @`, at most 100 characters."""
    if not _USER.fullmatch(user_id):
        raise Invalid("user", f"Invalid user name {user_id[:100]!r}: use letters, digits and - _ . | @")
    if user_id.startswith(ANONYMOUS_PREFIX):
        raise Invalid("user", f"User names beginning with '{ANONYMOUS_PREFIX}' belong to anonymous visitors.")
    return user_id


def checked_new_workspace(name: str, *, hyphen: bool = True) -> str:
    """Return a name that may be given to a new workspace: lower case letters, digits, hyphens and `|`.

    hyphen: whether at least one is needed, which keeps users' names clear of those an operator gives.
    """
    if (hyphen and "-" not in name) or not _NEW_WORKSPACE.fullmatch(name):
        raise Invalid(
            "workspace",
            f"Invalid workspace name {name[:128]!r}: use lower case letters, digits and "
            f"{'at least one hyphen' if hyphen else 'hyphens'}.",
        )
    if name in RESERVED_WORKSPACES or name.startswith(HOME_PREFIX):
        raise Invalid("workspace", f"Workspace name '{name}' is reserved.")
    return checked_workspace(name)
