"""The `scope` claim: words that say where a token is good and for what.

ws:<workspace>#<r|rw|a>   a role in a workspace, `*` for all      wid:<workspace>   the current workspace
cid:<client id>           only for this client                    anything else     an extra scope
"""

from collections.abc import Mapping

import msgspec

from armarium.domain.errors import Invalid
from armarium.domain.principal import ROLE_CODES, Role

_CODES: Mapping[Role, str] = {role: code for code, role in ROLE_CODES.items()}


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """A scope claim, taken apart."""

    grants: dict[str, Role] = {}
    current_workspace: str | None = None
    client_id: str | None = None
    extra: tuple[str, ...] = ()


def parse_scope(text: str) -> Scope:
    """Read a scope claim; of two words about one thing the last counts, a role nobody knows gives nothing."""
    grants: dict[str, Role] = {}
    extra: list[str] = []
    current: str | None = None
    client: str | None = None
    for word in text.split():
        kind, _, rest = word.partition(":")
        if kind == "ws":
            workspace, _, code = rest.rpartition("#")
            if workspace and code in ROLE_CODES:
                grants[workspace] = ROLE_CODES[code]
        elif kind == "wid":
            current = rest or None
        elif kind == "cid":
            client = rest or None
        else:
            extra.append(word)
    return Scope(grants=grants, current_workspace=current, client_id=client, extra=tuple(extra))


def format_scope(scope: Scope) -> str:
    """Write a scope claim. Raises Invalid for a part that would be read as something else."""
    words = [f"ws:{workspace}#{_CODES[role]}" for workspace, role in scope.grants.items()]
    words += [f"wid:{scope.current_workspace}"] if scope.current_workspace else []
    words += [f"cid:{scope.client_id}"] if scope.client_id else []
    words += scope.extra
    text = " ".join(words)
    if parse_scope(text) != scope:
        raise Invalid("scope", "Workspace, client id and scopes of a token must be free of spaces and reserved words.")
    return text
