"""Where a listing goes on, as opaque text: a struct of the door, signed, so that nobody can make one up."""

from typing import Generic, TypeVar

import msgspec

from armarium.core.signing import Signer
from armarium.domain.errors import Invalid

T = TypeVar("T", bound=msgspec.Struct)


class Cursors(Generic[T]):
    """The cursors of one listing. kind: what they hold; `array_like` keeps them short."""

    def __init__(self, signer: Signer, purpose: str, kind: type[T]) -> None:
        self._signer = signer.for_purpose(purpose)
        self._decode = msgspec.msgpack.Decoder(kind).decode

    def issue(self, place: T) -> str:
        """Return URL-safe ASCII."""
        return self._signer.sign(msgspec.msgpack.encode(place))

    def read(self, text: str) -> T:
        """Return what a cursor holds. Raises Invalid for one that was not issued here for this listing."""
        payload = self._signer.read(text)
        if payload is None:
            raise Invalid("cursor", "The cursor is not valid: use one this listing returned.")
        return self._decode(payload)
