"""One text per JSON scalar that sorts and compares the same way in every database.

    b0, b1                false, true
    n<16 hex digits>      a number: its IEEE 754 bits, arranged so that text order is numeric order
    s<text>               a string of at most 200 characters
    s<200 characters>~<sha256>   a longer one: equality stays exact, order looks at the beginning

Compared as plain code points, booleans come before numbers before text.
"""

import hashlib
import struct

from armarium.domain.query import Scalar

_LONGEST = 200
_LARGEST_EXACT = 2**53


def sort_key(value: Scalar) -> str:
    """Return the key of a scalar; integers beyond 2**53 compare as the float nearest to them."""
    if isinstance(value, bool):
        return "b1" if value else "b0"
    if isinstance(value, int | float):
        return "n" + _number_key(value)
    if len(value) > _LONGEST:
        digest = hashlib.sha256(value.encode(errors="surrogatepass")).hexdigest()
        return f"s{value[:_LONGEST]}~{digest}"
    return "s" + value


def value_of(key: str, text: str | None = None) -> Scalar:
    """The scalar a key is of. text: the whole of a string whose key holds only its beginning."""
    kind, rest = key[0], key[1:]
    if kind == "b":
        return rest == "1"
    if kind == "s":
        return rest if text is None else text
    return _number_of(rest)


def _number_of(key: str) -> int | float:
    """A whole number where it is one exactly."""
    bits = int(key, 16)
    bits ^= 1 << 63 if bits >> 63 else 0xFFFF_FFFF_FFFF_FFFF
    number: float = struct.unpack(">d", bits.to_bytes(8, "big"))[0]
    return int(number) if number.is_integer() and abs(number) <= _LARGEST_EXACT else number


def _number_key(value: float) -> str:
    try:
        number = float(value)
    except OverflowError:
        number = float("inf") if value > 0 else float("-inf")
    bits = int.from_bytes(struct.pack(">d", number + 0.0), "big")  # + 0.0 folds -0.0 into 0.0
    flipped = bits ^ (0xFFFF_FFFF_FFFF_FFFF if bits >> 63 else 1 << 63)
    return f"{flipped:016x}"


def equal_keys(value: Scalar) -> tuple[str, ...]:
    """Return the keys a filter value equals: its own, and for text that of the number or boolean it spells."""
    keys = [sort_key(value)]
    if isinstance(value, str):
        spelled = _spelled(value)
        if spelled is not None:
            keys.append(sort_key(spelled))
    return tuple(keys)


def _spelled(text: str) -> Scalar | None:
    if text in ("true", "false"):
        return text == "true"
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number == number and text.strip() == text else None  # noqa: PLR0124 - NaN differs from itself
