"""What the permission table says of a caller, an artifact and what is asked of it.

Nothing here asks `core.permissions.allows`: only its tables are read, and the rules that go with them are told once
more, in the words of `docs/decisions/0006-rights.md`.
"""

from collections.abc import Mapping
from typing import NamedTuple

from armarium.core.permissions import IMPLIED_BY, SUFFICIENT_ROLE
from armarium.domain.principal import Action, Grants, Role, expand_grant

Roles = Mapping[Action, Role]


class Caller(NamedTuple):
    """Somebody at a door.

    role: in the workspace. keys: the grant keys that name them, most specific first. reads_only: whether the credential
    is for reading alone. only: what a credential is limited to, on the file of an artifact it names.
    """

    token: str | None
    role: Role | None = None
    keys: tuple[str, ...] = ()
    is_let_in: bool = True
    reads_only: bool = False
    only: Action | None = None


class Place(NamedTuple):
    """What is granted on an artifact and on its collection; without one it is a root artifact.

    is_named: whether limited credentials name it.
    """

    own: Grants
    parent: Grants | None = None
    is_named: bool = True


class Need(NamedTuple):
    """What must be allowed: on the artifact, on its file, on its collection; and in the workspace."""

    on: tuple[Action, ...] = ()
    on_file: tuple[Action, ...] = ()
    on_parent: tuple[Action, ...] = ()
    in_workspace: Role | None = None


def is_met(need: Need, caller: Caller, place: Place, roles: Roles = SUFFICIENT_ROLE) -> bool:
    """Whether somebody may do all that is needed. roles: the table to go by."""
    if not caller.is_let_in:
        return False
    if caller.only is not None:
        return place.is_named and need == Need(on_file=(caller.only,))
    above = Place(place.parent or {})
    return (
        all(_holds(action, caller, place, roles) for action in (*need.on, *need.on_file))
        and all(_holds(action, caller, above, roles) for action in need.on_parent)
        and (need.in_workspace is None or _has_role(caller, need.in_workspace))
    )


def _holds(action: Action, caller: Caller, place: Place, roles: Roles) -> bool:
    """By the role; else reading a child by its collection's grants, unless its own say `n`, and the rest by its own."""
    is_reading = roles[action] is Role.READ
    if caller.reads_only and not is_reading:
        return False
    if _has_role(caller, roles[action]):
        return True
    if is_reading and place.parent is not None:
        return _grant(caller, place.own) != "n" and _grants(_grant(caller, place.parent), action)
    return _grants(_grant(caller, place.own), action)


def _has_role(caller: Caller, role: Role) -> bool:
    return caller.role is not None and caller.role >= role


def _grant(caller: Caller, grants: Grants) -> object:
    return next((grants[key] for key in caller.keys if key in grants), None)


def _grants(grant: object, action: Action) -> bool:
    allowed = expand_grant(grant)
    return action in allowed or IMPLIED_BY.get(action) in allowed
