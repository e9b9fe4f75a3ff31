"""Where a ranked search goes on, as opaque text that is good for the same question alone."""

import hashlib

import msgspec

from armarium.core.signing import Signer
from armarium.domain.errors import Invalid
from armarium.domain.ranking import Place
from armarium.faces.http.cursors import Cursors

_DIGEST_BYTES = 8


class _Held(msgspec.Struct, frozen=True, array_like=True):
    question: bytes
    place: Place


class RankedCursors:
    """Issues cursors and reads them back. question: whatever decides the order, as values JSON knows, or bytes."""

    def __init__(self, signer: Signer) -> None:
        self._cursors = Cursors(signer, "ranked search", _Held)

    def issue(self, place: Place | None, question: object) -> str | None:
        return None if place is None else self._cursors.issue(_Held(_digest(question), place))

    def read(self, cursor: object, question: object) -> Place | None:
        """Raises Invalid for a cursor of another question."""
        if cursor is None:
            return None
        if not isinstance(cursor, str):
            raise Invalid("cursor", "Invalid cursor: it must be a string.")
        held = self._cursors.read(cursor)
        if held.question != _digest(question):
            raise Invalid("cursor", "The cursor is of another search: ask the same question again.")
        return held.place


def _digest(question: object) -> bytes:
    encoded = msgspec.json.encode(question, order="deterministic", enc_hook=str)
    return hashlib.sha256(encoded).digest()[:_DIGEST_BYTES]
