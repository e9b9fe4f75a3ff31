"""Policies: names that say who may read a thing that carries them.

urn:ivcap:policy:ivcap.open.artifact     everybody who is logged in       (also `public`, and any `*.open.*`)
urn:ivcap:policy:ivcap.base.artifact     who may read the thing itself    (any `*.base.*`)
urn:ivcap:policy:private                 the owning workspace alone
"""

import enum

from armarium.domain.errors import Invalid

PREFIX = "urn:ivcap:policy:"
BASE_ARTIFACT = PREFIX + "ivcap.base.artifact"
OPEN_ARTIFACT = PREFIX + "ivcap.open.artifact"
BASE_METADATA = PREFIX + "ivcap.base.metadata"
OPEN_METADATA = PREFIX + "ivcap.open.metadata"
PRIVATE = PREFIX + "private"

_KNOWN = frozenset(
    {
        "ivcap.open.artifact", "ivcap.base.artifact", "ivcap.open.metadata", "ivcap.base.metadata",
        "ivcap.open.service", "ivcap.base.service", "public", "private",
    }
)  # fmt: skip


class Reach(enum.IntEnum):
    """How far what is said can be heard; further includes nearer."""

    PRIVATE = 0
    BASE = 1
    OPEN = 2


def reach_of(policy: str) -> Reach:
    """What a policy means. Raises Invalid for one nobody knows."""
    name = policy.removeprefix(PREFIX)
    if name == policy or name not in _KNOWN:
        raise Invalid("policy", f"Unknown policy '{policy[:100]}'.")
    if name == "private":
        return Reach.PRIVATE
    return Reach.OPEN if name == "public" or ".open." in name else Reach.BASE
