"""Secrets at rest: text in, ciphertext out, and only back where it came from."""

from typing import Protocol


class Cipher(Protocol):
    """context: what the text belongs to, such as `<artifact id>/<key>`; text sealed for one opens for no other."""

    def seal(self, text: str, *, context: str) -> bytes: ...

    def open(self, sealed: bytes, *, context: str) -> str:
        """Raises Unavailable when it was sealed for another context or with a key nobody holds any more."""
        ...
