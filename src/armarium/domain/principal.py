"""Who acts and what that allows: roles in a workspace, operations on an artifact, levels that bundle them."""

import enum
from collections.abc import Mapping
from urllib.parse import unquote

import msgspec

ANYONE = "*"
"""The grant key that means everybody, anonymous callers included; as a workspace, all of them."""
LOGGED_IN = "@"
"""The grant key that means anybody who is logged in."""


class Role(enum.IntEnum):
    """What someone is in a workspace; a higher role includes the lower ones."""

    READ = 1
    READ_WRITE = 2
    ADMIN = 3


ROLE_CODES: Mapping[str, Role] = {"r": Role.READ, "rw": Role.READ_WRITE, "a": Role.ADMIN}
ROLE_NAMES: Mapping[str, Role] = {"read": Role.READ, "read_write": Role.READ_WRITE, "admin": Role.ADMIN}


class Action(enum.StrEnum):
    """One operation on an artifact, as grants and error messages name it."""

    READ = "read"
    LIST = "list"
    GET_FILE = "get_file"
    LIST_FILES = "list_files"
    GET_VECTOR = "get_vector"
    LIST_VECTORS = "list_vectors"
    SEARCH_VECTORS = "search_vectors"
    GET_STATUS = "get_status"
    CREATE = "create"
    DRAFT = "draft"
    ATTACH = "attach"
    DETACH = "detach"
    MUTATE = "mutate"
    EDIT = "edit"
    COMMIT = "commit"
    DISCARD_CHANGES = "discard_changes"
    PUT_FILE = "put_file"
    REMOVE_FILE = "remove_file"
    ADD_VECTORS = "add_vectors"
    ADD_DOCUMENTS = "add_documents"
    REMOVE_VECTORS = "remove_vectors"
    SET_SECRET = "set_secret"  # noqa: S105 - a word of the permission table
    SET_DOWNLOAD_WEIGHT = "set_download_weight"
    GET_SECRET = "get_secret"  # noqa: S105
    RESET_STATS = "reset_stats"
    PUBLISH = "publish"
    DELETE = "delete"


_A = Action
_READ = (_A.READ, _A.GET_FILE, _A.LIST_FILES, _A.LIST, _A.SEARCH_VECTORS, _A.GET_VECTOR)
_READ_WRITE = (
    *_READ,
    _A.LIST_VECTORS, _A.EDIT, _A.COMMIT, _A.PUT_FILE, _A.ADD_VECTORS, _A.ADD_DOCUMENTS, _A.REMOVE_FILE,
    _A.REMOVE_VECTORS, _A.DISCARD_CHANGES, _A.DETACH, _A.MUTATE,
)  # fmt: skip
_READ_WRITE_CREATE = (*_READ_WRITE, _A.GET_STATUS, _A.DRAFT, _A.ATTACH)

LEVELS: Mapping[str, tuple[Action, ...]] = {
    "n": (),
    "l": (_A.LIST,),
    "l+": (_A.LIST, _A.DRAFT),
    "lv": (_A.LIST, _A.LIST_VECTORS),
    "lv+": (_A.LIST, _A.LIST_VECTORS, _A.DRAFT, _A.ATTACH, _A.ADD_VECTORS, _A.ADD_DOCUMENTS),
    "lf": (_A.LIST, _A.LIST_FILES),
    "lf+": (_A.LIST, _A.LIST_FILES, _A.DRAFT, _A.ATTACH, _A.PUT_FILE),
    "r": _READ,
    "r+": (*_READ, _A.PUT_FILE, _A.DRAFT, _A.ATTACH, _A.ADD_VECTORS, _A.ADD_DOCUMENTS),
    "rw": _READ_WRITE,
    "rd+": (
        *_READ,
        _A.GET_STATUS, _A.LIST_VECTORS, _A.EDIT, _A.PUT_FILE, _A.ADD_VECTORS, _A.ADD_DOCUMENTS, _A.REMOVE_FILE,
        _A.REMOVE_VECTORS, _A.DISCARD_CHANGES, _A.DRAFT,
    ),
    "rw+": _READ_WRITE_CREATE,
    "*": (*_READ_WRITE_CREATE, _A.CREATE, _A.RESET_STATS, _A.PUBLISH, _A.DELETE),
}  # fmt: skip
"""What each permission level allows. Unknown levels allow nothing."""

Grant = str | list[str]
"""A level of `LEVELS`, or a list of operation names."""
Grants = dict[str, Grant]
"""Who (user id, e-mail, `workspace/<who>`, `@`, `*`) is granted what on one artifact."""


def expand_grant(grant: object) -> tuple[str, ...]:
    """List the operations a grant allows; anything that is no grant allows none."""
    if isinstance(grant, str):
        return LEVELS.get(grant, ())
    if isinstance(grant, list | tuple):
        return tuple(item for item in grant if isinstance(item, str))
    return ()


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Someone who acts, as their credential describes them.

    parent: the user on whose behalf a generated token acts.
    current_workspace: the workspace the credential is bound to; None where it is not bound.
    grants: workspace -> role; the key `*` stands for every workspace.
    uses_memberships: whether the user's memberships count besides `grants`. A restricted token has only its grants.
    scopes: extra words of the credential. One with a colon makes it a limited credential, good for exactly that.
    expires_at: seconds since the epoch.
    read_only: whether it may only read, whatever is granted to its user on single artifacts.
    confined_to: the one workspace in which grants to its user count; None for everywhere.
    may_outlive: whether tokens generated from it may live longer than it does.
    token_ids: the credential and those it was generated from; revoking any of them ends it.
    """

    id: str
    email: str | None = None
    roles: tuple[str, ...] = ()
    is_anonymous: bool = False
    parent: str | None = None
    expires_at: float | None = None
    current_workspace: str | None = None
    grants: dict[str, Role] = {}
    uses_memberships: bool = False
    scopes: tuple[str, ...] = ()
    client_id: str | None = None
    read_only: bool = False
    confined_to: str | None = None
    may_outlive: bool = False
    token_ids: tuple[str, ...] = ()

    @property
    def effective_id(self) -> str:
        """The user who answers for what is done: the parent of a generated token, else the user."""
        return self.parent or self.id

    @property
    def is_limited(self) -> bool:
        """Whether the credential is good for single operations only, such as one upload."""
        return any(":" in scope for scope in self.scopes)

    @property
    def is_site_admin(self) -> bool:
        """Whether the credential carries every right in every workspace."""
        return self.grants.get(ANYONE) is Role.ADMIN and not self.is_limited

    @property
    def workspace(self) -> str:
        """Where a bare alias is looked up: the current workspace, else the user's home."""
        return self.current_workspace or self.home_workspace

    @property
    def home_workspace(self) -> str:
        return home_workspace(self.effective_id)

    def role_in(self, workspace: str, membership: Role | None = None) -> Role | None:
        """The strongest role in a workspace; membership: the user's own, as the catalog has it."""
        strongest = membership if self.uses_memberships else None
        for name in (workspace, ANYONE):
            role = self.grants.get(name)
            if role is not None and (strongest is None or role > strongest):
                strongest = role
        return strongest

    def is_limited_to(self, action: Action, artifact_names: tuple[str, ...], path: str | None) -> bool:
        """Whether a limited credential covers one operation on one file of an artifact."""
        return any(_scope_covers(scope, action, artifact_names, path) for scope in self.scopes)


def _scope_covers(scope: str, action: Action, artifact_names: tuple[str, ...], path: str | None) -> bool:
    operation, _, rest = scope.partition(":")
    name, _, pattern = rest.rpartition(":")
    return operation == action and name in artifact_names and (pattern == "*" or unquote(pattern) == path)


def home_workspace(user_id: str) -> str:
    """The personal workspace of a user; it comes into being with the user."""
    return f"ws-user-{user_id}"


ROOT = Principal(id="root", roles=("admin",), grants={ANYONE: Role.ADMIN})
"""The operator: every right in every workspace."""
