"""Signed text: what we hand out and later believe, such as the tickets in URLs and the cursors of listings.

The text is `<payload><signature>` in URL-safe base64, the signature the first half of an HMAC-SHA256 over a purpose and
the payload's text. Since the text itself is signed, no other spelling of it is accepted.
"""

import base64
import binascii
import hmac

_SIGNATURE_BYTES = 16
_SIGNATURE_LENGTH = 22
_LONGEST = 8192


class Signer:
    """Signs and reads under one key, for one purpose: what was signed for another is not believed."""

    def __init__(self, key: bytes, purpose: bytes = b"") -> None:
        self._key = key
        self._purpose = purpose

    def for_purpose(self, purpose: str) -> "Signer":
        return Signer(self._key, purpose.encode() + b"\0")

    def sign(self, payload: bytes) -> str:
        """Return URL-safe ASCII without padding."""
        text = _to_base64(payload)
        return (text + self._signature(text)).decode()

    def read(self, text: str) -> bytes | None:
        """Return what was signed, None for a text that is not ours."""
        if len(text) > _LONGEST or not text.isascii():
            return None
        payload, signature = text[:-_SIGNATURE_LENGTH].encode(), text[-_SIGNATURE_LENGTH:].encode()
        return _from_base64(payload) if hmac.compare_digest(signature, self._signature(payload)) else None

    def _signature(self, payload: bytes) -> bytes:
        return _to_base64(hmac.digest(self._key, self._purpose + payload, "sha256")[:_SIGNATURE_BYTES])


def _to_base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _from_base64(text: bytes) -> bytes:
    return binascii.a2b_base64(text.translate(_STANDARD) + b"==")


_STANDARD = bytes.maketrans(b"-_", b"+/")
