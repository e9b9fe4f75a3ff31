"""Names for those who have none: readable, and random enough not to meet twice."""

import secrets

from armarium.domain.account import ANONYMOUS_PREFIX

_FIRST = (
    "amber", "brass", "cedar", "chalk", "cobalt", "copper", "coral", "flint", "granite", "hazel", "indigo", "ivory",
    "jade", "linen", "maple", "marble", "olive", "onyx", "paper", "pearl", "quartz", "russet", "sable", "silver",
    "slate", "teal", "umber", "vellum", "walnut", "willow",
)  # fmt: skip
_SECOND = (
    "atlas", "binder", "bookcase", "cabinet", "codex", "desk", "drawer", "folio", "gallery", "index", "ladder",
    "lamp", "ledger", "lectern", "letter", "map", "margin", "page", "parchment", "pencil", "quill", "reader",
    "scroll", "seal", "shelf", "spine", "tablet", "thread", "tome", "volume",
)  # fmt: skip


def readable_id() -> str:
    """Such as `amber-folio-83120947`."""
    return f"{secrets.choice(_FIRST)}-{secrets.choice(_SECOND)}-{secrets.randbelow(10**8):08d}"


def anonymous_id() -> str:
    """The id of a visitor nobody knows."""
    return ANONYMOUS_PREFIX + readable_id()
