"""Secrets at rest: text to ciphertext and back."""

from typing import Protocol


class Cipher(Protocol):
    """Authenticated encryption. context: what the text belongs to; only the same context opens it again."""

    def seal(self, text: str, *, context: str) -> bytes:
        """Encrypt a text; the same text never looks the same twice."""
        ...

    def open(self, sealed: bytes, *, context: str) -> str:
        """Raises Unavailable when the key does not fit or the bytes were changed."""
        ...
