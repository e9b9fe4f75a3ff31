"""How an opaque token is spelled: `arm_<43 characters><6 of checksum>`, base 62.

The checksum lets a mistyped or invented token be refused without asking anybody; it protects nothing.
Only the SHA-256 digest of the whole text is ever stored.
"""

import hashlib
import zlib

PREFIX = "arm_"
SECRET_BYTES = 32
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BODY_LENGTH = 43
_CHECK_LENGTH = 6


def spell(secret: bytes) -> str:
    """Write 256 random bits as a token."""
    body = _base62(int.from_bytes(secret, "big"), _BODY_LENGTH)
    return PREFIX + body + _check(body)


def is_token(text: str) -> bool:
    """Whether a text could be a token at all."""
    if len(text) != len(PREFIX) + _BODY_LENGTH + _CHECK_LENGTH or not text.startswith(PREFIX) or not text.isascii():
        return False
    return text.endswith(_check(text[len(PREFIX) : -_CHECK_LENGTH]))


def digest(text: str) -> bytes:
    """What is stored of a token. A token has 256 random bits, so no slow hash is needed."""
    return hashlib.sha256(text.encode()).digest()


def _check(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECK_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, rest = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[rest])
    return "".join(reversed(digits))
