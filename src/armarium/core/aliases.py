"""Aliases nobody had to think of: readable words, and patterns such as `{colors}-{animals}`."""

import random
import re
import secrets
from collections.abc import Mapping
from typing import Any

from armarium.domain.principal import Principal
from armarium.ports.clock import Clock

ATTEMPTS = 100
"""How many candidates a pattern gets before it counts as exhausted."""

DEPOSIT_PLACEHOLDERS = frozenset({"zenodo_id", "zenodo_conceptrecid"})

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_random = random.SystemRandom()

_FIRST = (
    "amber", "ancient", "bold", "brave", "bright", "calm", "clear", "clever", "coral", "crisp", "dawn", "deep",
    "early", "fair", "fine", "fresh", "gentle", "golden", "green", "honest", "ivory", "keen", "kind", "light",
    "little", "lively", "lucky", "mellow", "merry", "mild", "noble", "olive", "patient", "plain", "proud", "quick",
    "quiet", "rapid", "red", "rich", "round", "scarlet", "sharp", "silent", "silver", "simple", "slow", "smooth",
    "soft", "steady", "still", "strong", "sunny", "swift", "tall", "tender", "tidy", "true", "violet", "warm",
    "white", "wide", "wild", "wise",
)  # fmt: skip
_SECOND = (
    "acorn", "alder", "anchor", "apple", "arrow", "badger", "beacon", "birch", "bridge", "brook", "cedar", "cliff",
    "cloud", "clover", "comet", "crane", "delta", "dune", "eagle", "ember", "falcon", "fern", "field", "finch",
    "fjord", "forest", "garden", "glacier", "harbor", "hazel", "heron", "hill", "island", "jasper", "lake",
    "lantern", "larch", "lark", "lynx", "maple", "meadow", "moss", "oak", "otter", "owl", "pebble", "pine", "plum",
    "quartz", "raven", "reed", "ridge", "river", "robin", "sage", "shore", "sparrow", "spruce", "stone", "summit",
    "thistle", "tide", "valley", "willow",
)  # fmt: skip


def readable_words(count: int = 4) -> str:
    """Join random words with `-`: four of them make 16 million names."""
    return "-".join(_random.choice(_FIRST if n % 2 == 0 else _SECOND) for n in range(count))


def is_pattern(alias: str) -> bool:
    return _PLACEHOLDER.search(alias) is not None


def wants_deposit(alias: str) -> bool:
    """Whether a pattern names the number of a deposit at Zenodo."""
    return not DEPOSIT_PLACEHOLDERS.isdisjoint(_PLACEHOLDER.findall(alias))


def fill_pattern(pattern: str, *, principal: Principal, clock: Clock, id_parts: Mapping[str, Any] | None) -> str:
    """Replace `{uuid}`, `{timestamp}` (milliseconds), `{user_id}` and the keys of the parent's `id_parts`.

    A list among the id parts gives one of its items at random; a placeholder nobody knows becomes a UUID.
    """

    def replacement(match: re.Match[str]) -> str:
        name = match[1]
        if name == "timestamp":
            return str(int(clock.now() * 1000))
        if name == "user_id":
            return principal.effective_id
        if id_parts and name in id_parts:
            part = id_parts[name]
            return str(_random.choice(part)) if isinstance(part, list) and part else str(part)
        return _random_uuid()

    return _PLACEHOLDER.sub(replacement, pattern)


def _random_uuid() -> str:
    digits = secrets.token_hex(16)
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
