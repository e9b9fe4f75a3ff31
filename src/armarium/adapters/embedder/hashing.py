"""`hashing:` - words hashed into numbers. It needs no model, knows no meaning, and finds texts that share words."""

import hashlib
import math
import re
from array import array
from collections.abc import Sequence

_WORD = re.compile(r"\w+")


class HashingEmbedder:
    """Each word adds one or takes one away at a place of its own; the same text always gives the same vector."""

    async def embed(self, texts: Sequence[str], dimension: int) -> list[bytes]:
        return [_embedded(text, dimension) for text in texts]


def _embedded(text: str, dimension: int) -> bytes:
    numbers = array("f", bytes(4 * dimension))
    for word in _WORD.findall(text.casefold()):
        digest = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest())
        numbers[(digest >> 1) % dimension] += 1.0 if digest & 1 else -1.0
    length = math.sqrt(sum(number * number for number in numbers)) or 1.0
    return array("f", [number / length for number in numbers]).tobytes()
