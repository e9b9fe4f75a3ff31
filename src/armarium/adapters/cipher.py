"""AES-256-GCM for secrets at rest:

    <key id: 1 byte> <nonce: 12 bytes> <ciphertext and tag>

The key id is a hint which key to try, taken from the key itself, so that rotating needs no bookkeeping.
"""

import hashlib
import os
from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from armarium.domain.errors import Unavailable

_NONCE_BYTES = 12


class AesGcmCipher:
    """Seals with one key, opens with that one and former ones. Keys are 32 bytes."""

    def __init__(self, key: bytes, former_keys: Iterable[bytes] = ()) -> None:
        self._keys = [(_key_id(each), AESGCM(each)) for each in (key, *former_keys)]

    def seal(self, text: str, *, context: str) -> bytes:
        key_id, aead = self._keys[0]
        nonce = os.urandom(_NONCE_BYTES)
        return bytes((key_id,)) + nonce + aead.encrypt(nonce, text.encode(), _associated(key_id, context))

    def open(self, sealed: bytes, *, context: str) -> str:
        nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        if len(nonce) == _NONCE_BYTES:
            for key_id, aead in self._keys:
                if key_id == sealed[0]:
                    try:
                        return aead.decrypt(nonce, ciphertext, _associated(key_id, context)).decode()
                    except InvalidTag:
                        continue
        raise Unavailable("This secret cannot be opened with the server's present key.")


def _key_id(key: bytes) -> int:
    return hashlib.sha256(b"armarium key id" + key).digest()[0]


def _associated(key_id: int, context: str) -> bytes:
    return bytes((key_id,)) + context.encode()
