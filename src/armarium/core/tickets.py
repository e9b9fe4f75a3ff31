"""Tickets: what is written into a URL so that whoever holds it may move the bytes of one object for a while.

A ticket is `<payload><signature>` in URL-safe base64: the payload is a MessagePack array, the signature the first
half of an HMAC-SHA256 over the payload's text. Since the text itself is signed, no other spelling of it is accepted.
"""

import base64
import binascii
import hmac
from typing import TypeVar

import msgspec

from armarium.domain.errors import Forbidden, NotAuthenticated
from armarium.domain.file import BlobId

_SIGNATURE_BYTES = 16
_SIGNATURE_LENGTH = 22
_LONGEST = 8192


class Download(msgspec.Struct, frozen=True, array_like=True, tag="d"):
    """Read one blob. expires_at: seconds since the epoch. modified_at: likewise. inline: show it, do not save it."""

    blob_id: BlobId
    size_bytes: int
    content_type: str
    filename: str
    expires_at: int
    modified_at: float = 0.0
    inline: bool = False


class Upload(msgspec.Struct, frozen=True, array_like=True, tag="u"):
    """Put the bytes of one staged path; dies with its slot. sha256 (hex), size_bytes: what must arrive, where known."""

    slot: str
    expires_at: int
    size_bytes: int | None = None
    sha256: str | None = None


class PartUpload(msgspec.Struct, frozen=True, array_like=True, tag="p"):
    """Put one part of an upload."""

    upload_id: str
    part_number: int
    expires_at: int


Ticket = Download | Upload | PartUpload
T = TypeVar("T", Download, Upload, PartUpload)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Ticket).decode


class Tickets:
    """Issues and redeems tickets under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def issue(self, ticket: Ticket) -> str:
        """Return URL-safe ASCII without padding."""
        payload = _to_base64(_encode(ticket))
        return (payload + self._signature(payload)).decode()

    def redeem(self, text: str, kind: type[T], now: float) -> T:
        """Return the ticket behind a text.

        Raises NotAuthenticated for one that is not ours or has expired, Forbidden for one of another kind.
        """
        ticket = self._read(text)
        if not isinstance(ticket, kind):
            raise Forbidden(kind.__name__.lower(), "This link is good for something else.")
        if ticket.expires_at <= now:
            raise NotAuthenticated("This link has expired: ask for a new one.")
        return ticket

    def _read(self, text: str) -> Ticket:
        if len(text) <= _LONGEST and text.isascii():
            payload, signature = text[:-_SIGNATURE_LENGTH].encode(), text[-_SIGNATURE_LENGTH:].encode()
            if hmac.compare_digest(signature, self._signature(payload)):
                ticket: Ticket = _decode(_from_base64(payload))
                return ticket
        raise NotAuthenticated("This link is not valid.")

    def _signature(self, payload: bytes) -> bytes:
        return _to_base64(hmac.digest(self._key, payload, "sha256")[:_SIGNATURE_BYTES])


def _to_base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _from_base64(text: bytes) -> bytes:
    return binascii.a2b_base64(text.translate(_STANDARD) + b"==")


_STANDARD = bytes.maketrans(b"-_", b"+/")
