"""The only gate: who may do what to an artifact.

Deny by default. An artifact's grants live in `config.permissions`. The most specific grant that names
the caller decides alone: the user (id, the user a token acts for, e-mail), then the caller's current
workspace (`<workspace>/<user>`, `<workspace>/@`, `<workspace>/*`), then `@`, then `*`.

    writing                  the artifact's grants, or the caller's role in the workspace
    reading, root artifact   the artifact's grants, or the role
    reading, child           the parent's grants, or the role; the child's own grants can only take away (`n`)

A limited credential does what its scopes name and nothing else; whoever made it had to be an admin there.
A read-only one reads, whatever the artifact grants to its user.
"""

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from armarium.domain.artifact import Access, Artifact, Found, Rules
from armarium.domain.errors import Forbidden, Invalid
from armarium.domain.principal import ANYONE, LOGGED_IN, Action, Grant, Grants, Principal, Role, expand_grant

READING = frozenset(
    {
        Action.READ,
        Action.LIST,
        Action.GET_FILE,
        Action.LIST_FILES,
        Action.GET_VECTOR,
        Action.LIST_VECTORS,
        Action.SEARCH_VECTORS,
    }
)

_ADMIN_ONLY = (
    Action.DELETE, Action.RESET_STATS, Action.PUBLISH, Action.GET_SECRET, Action.DETACH, Action.MUTATE,
)  # fmt: skip
SUFFICIENT_ROLE: Mapping[Action, Role] = (
    dict.fromkeys(Action, Role.READ_WRITE) | dict.fromkeys(READING, Role.READ) | dict.fromkeys(_ADMIN_ONLY, Role.ADMIN)
)
"""The workspace role that allows an operation on every artifact of the workspace."""

IMPLIED_BY: Mapping[Action, Action] = {
    Action.GET_SECRET: Action.DELETE,
    Action.SET_SECRET: Action.COMMIT,
    Action.SET_DOWNLOAD_WEIGHT: Action.COMMIT,
    Action.GET_STATUS: Action.GET_FILE,
}
"""Operations no level names: a grant that allows the one on the right allows them too."""

_rules = msgspec.json.Decoder(Rules)


def rules_of(config: msgspec.Raw | None) -> Rules:
    """Read the parts of a config that core obeys; a config with odd types in them grants nothing."""
    if config is None:
        return Rules()
    try:
        return _rules.decode(config)
    except msgspec.ValidationError:
        return Rules()


def strict_rules(config: msgspec.Raw) -> Rules:
    """The same for a config about to be stored: odd types are refused, with the field's name."""
    try:
        return _rules.decode(config)
    except msgspec.ValidationError as error:
        raise Invalid("config", f"Invalid config: {error}") from None


def access_of(found: Found) -> Access:
    artifact = found.artifact
    return Access(
        artifact_id=artifact.id,
        workspace=artifact.workspace,
        alias=artifact.alias,
        grants=rules_of(artifact.config).permissions,
        parent_grants=rules_of(found.parent_config).permissions if found.parent_config is not None else None,
        membership=found.membership,
    )


def allows(principal: Principal, action: Action, access: Access, *, path: str | None = None) -> bool:
    """Say whether a caller may do something; path: the file it is done to, which limited credentials need."""
    if principal.is_limited:
        return principal.is_limited_to(action, (access.artifact_id, f"{access.workspace}/{access.alias}"), path)
    if principal.read_only and action not in READING:
        return False
    if has_role(principal, SUFFICIENT_ROLE[action], access.workspace, access.membership):
        return True
    if principal.confined_to not in (None, access.workspace):
        principal = _stranger(principal)
    own = grant_for(principal, access.grants)
    if action in READING and access.parent_grants is not None:
        return own != "n" and _grants(grant_for(principal, access.parent_grants), action)
    return _grants(own, action)


def require(principal: Principal, action: Action, access: Access, *, path: str | None = None) -> None:
    """Raise Forbidden unless the caller may."""
    if not allows(principal, action, access, path=path):
        raise Forbidden(action)


def require_on_parent(principal: Principal, action: Action, parent: Access) -> None:
    """Raise Forbidden, in the words for collections, unless the caller may do this to the parent."""
    if not allows(principal, action, parent):
        raise Forbidden(action, f"User does not have permission '{action}' on the parent collection.")


def parent_access(found: Found) -> Access | None:
    """What deciding about the parent takes; only its own grants count, so its own parent is left out."""
    artifact = found.artifact
    if artifact.parent_id is None:
        return None
    return Access(
        artifact_id=artifact.parent_id,
        workspace=artifact.workspace,
        alias=artifact.parent_alias or "",
        grants=rules_of(found.parent_config).permissions,
        parent_grants=None,
        membership=found.membership,
    )


def require_commit(principal: Principal, found: Found) -> None:
    """Raise Forbidden unless the caller may commit; the first time that also adds something to the collection."""
    require(principal, Action.COMMIT, access_of(found))
    parent = parent_access(found)
    if parent is not None and not found.artifact.versions:
        require_on_parent(principal, Action.ATTACH, parent)


def child_access(parent: Found, child: Artifact) -> Access:
    """What deciding about a child takes, where its parent was found and it was only listed."""
    return Access(
        artifact_id=child.id,
        workspace=child.workspace,
        alias=child.alias,
        grants=rules_of(child.config).permissions,
        parent_grants=rules_of(parent.artifact.config).permissions,
        membership=parent.membership,
    )


def is_addressee(principal: Principal, found: Found) -> bool:
    """Whether an artifact is addressed to the caller, in a collection that lets addressees delete."""
    rules = rules_of(found.parent_config)
    if not (rules.private_children and rules.recipient_can_delete and isinstance(rules.recipient_field, str)):
        return False
    if not principal.email or principal.is_limited or principal.read_only:
        return False
    if principal.confined_to not in (None, found.artifact.workspace):
        return False
    addressee = msgspec.json.decode(found.artifact.manifest).get(rules.recipient_field)
    return bool(addressee == principal.email)


def has_role(principal: Principal, role: Role, workspace: str, membership: Role | None) -> bool:
    """Say whether a caller is at least this in a workspace. Limited credentials are nothing anywhere."""
    if principal.is_limited:
        return False
    held = principal.role_in(workspace, membership)
    return held is not None and held >= role


def require_role(principal: Principal, role: Role, workspace: str, membership: Role | None, *, to: str) -> None:
    """Raise Forbidden unless the caller has the role; to: what for, as in `permission to <to>`."""
    if not has_role(principal, role, workspace, membership):
        raise Forbidden(to, f"User does not have permission to {to} in workspace '{workspace}'.")


def grant_for(principal: Principal, grants: Grants) -> Grant | None:
    """The one grant that decides for a caller: that of the most specific key naming them."""
    if not grants:
        return None
    return next((grants[key] for key in keys_of(principal) if key in grants), None)


def keys_of(principal: Principal) -> tuple[str, ...]:
    """The grant keys that name a caller, most specific first."""
    identities = (principal.id, principal.effective_id, *([principal.email] if principal.email else []))
    return _keys(identities, principal.workspace, principal.is_anonymous)


@lru_cache(maxsize=4096)  # every request asks, and the same few callers ask again and again
def _keys(identities: tuple[str, ...], workspace: str, is_anonymous: bool) -> tuple[str, ...]:
    logged_in = () if is_anonymous else (LOGGED_IN,)
    here = [f"{workspace}/{who}" for who in (*identities, *logged_in, ANYONE)]
    return tuple(dict.fromkeys((*identities, *here, *logged_in, ANYONE)))


def _stranger(principal: Principal) -> Principal:
    """What a credential is outside of the workspace it is confined to: somebody logged in."""
    return Principal(id="", current_workspace=principal.current_workspace)


def _grants(grant: Grant | None, action: Action) -> bool:
    if grant is None:
        return False
    allowed = expand_grant(grant)
    return action in allowed or IMPLIED_BY.get(action) in allowed
