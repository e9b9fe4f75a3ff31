"""Listings over HTTP that may be repeated for a moment: one per caller and question, a bounded number of bytes."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from armarium.domain.principal import Principal
from armarium.ports.clock import Clock

MAX_BYTES = 32 * 1024 * 1024
MAX_ANSWER_BYTES = 1024 * 1024

_NOT_PART_OF_THE_QUESTION = frozenset({"no_cache", "token"})


class _Answer(NamedTuple):
    body: bytes
    expires_at: float


class ListingCache:
    """Encoded answers by who asked what; with a life of 0 seconds it keeps nothing.

    Whoever asks is part of the key with all their rights, so that nobody is told what another may see. A right
    taken away, like anything else that changes, shows when the answer has expired.
    """

    def __init__(self, clock: Clock, life_seconds: float) -> None:
        self._clock = clock
        self._life_seconds = life_seconds
        self._answers: OrderedDict[bytes, _Answer] = OrderedDict()
        self._bytes = 0

    def find(self, key: bytes) -> bytes | None:
        """Return an answer that is young enough."""
        kept = self._answers.get(key)
        return kept.body if kept is not None and kept.expires_at > self._clock.now() else None

    def keep(self, key: bytes, body: bytes) -> None:
        """Remember an answer in place of the one before; the oldest make room."""
        self._drop(key)
        if self._life_seconds <= 0 or len(body) > MAX_ANSWER_BYTES:
            return
        self._answers[key] = _Answer(body, self._clock.now() + self._life_seconds)
        self._bytes += len(key) + len(body)
        while self._bytes > MAX_BYTES:
            self._drop(next(iter(self._answers)))

    def _drop(self, key: bytes) -> None:
        dropped = self._answers.pop(key, None)
        if dropped is not None:
            self._bytes -= len(key) + len(dropped.body)


def key_of(who: Principal, path: str, query: Mapping[str, str]) -> bytes:
    """Who asks, with every right they have, and what they ask."""
    asked = sorted((name, value) for name, value in query.items() if name not in _NOT_PART_OF_THE_QUESTION)
    return msgspec.json.encode((who, path, asked), order="deterministic")
