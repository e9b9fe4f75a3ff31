"""Names for those who have none: readable, and random enough not to meet twice."""

import secrets

from armarium.core.aliases import readable_words
from armarium.domain.account import ANONYMOUS_PREFIX


def readable_id() -> str:
    """Such as `amber-acorn-83120947`."""
    return f"{readable_words(2)}-{secrets.randbelow(10**8):08d}"


def anonymous_id() -> str:
    """The id of a visitor nobody knows."""
    return ANONYMOUS_PREFIX + readable_id()
