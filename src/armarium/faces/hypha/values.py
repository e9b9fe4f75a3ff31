"""Values on the Hypha wire: plain msgpack, and maps marked by `_rtype` for what msgpack has no word for."""

import math
import struct
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from armarium.domain.errors import Invalid, Unsupported

_DTYPES = {
    "bool": "?", "int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I",
    "int64": "q", "uint64": "Q", "float16": "e", "float32": "f", "float64": "d",
}  # fmt: skip
_BYTES = (bytes, bytearray, memoryview)
_MARK = b"_rtype"
_DEPTH = 200
_MAX_ITEMS = 16 * 1024 * 1024


class RemoteValue:
    """A marked map that goes back to the wire as it came, such as the description of a client's function."""

    __slots__ = ("fields",)

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields


def _encode_unknown(value: Any) -> Any:
    if isinstance(value, RemoteValue):
        return value.fields
    if isinstance(value, Mapping):
        return dict(value)
    raise Invalid("result", f"A {type(value).__name__} cannot be sent to a client.")


def to_wire(value: Any) -> Any:
    """Make a result safe for every client: string keys, lists for tuples and sets, text for times; bytes stay bytes."""
    try:
        return msgspec.to_builtins(value, builtin_types=_BYTES, str_keys=True, enc_hook=_encode_unknown)
    except TypeError:
        return msgspec.to_builtins(_with_text_keys(value, 0), builtin_types=_BYTES, enc_hook=_encode_unknown)


def from_wire(value: Any, encoded: bytes | memoryview, callback: Callable[[dict[str, Any]], Any]) -> Any:
    """Turn decoded arguments into Python values.

    encoded: the bytes the value came from; without a mark in them nothing needs a closer look.
    callback: makes something callable from the description of a client's function.
    Raises Invalid, Unsupported.
    """
    try:
        plain = to_wire(value)
        return _revive(plain, callback) if _MARK in bytes(encoded) else plain
    except RecursionError as exc:
        raise Invalid("value", "The value is nested too deeply.") from exc


def without_huge_numbers(value: Any) -> Any:
    """Turn whole numbers that msgpack cannot hold into floats."""
    if isinstance(value, dict):
        return {key: without_huge_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_huge_numbers(item) for item in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return float(value) if abs(value) < 2**1023 else math.copysign(math.inf, value)
    return value


def _with_text_keys(value: Any, depth: int) -> Any:
    if depth > _DEPTH:
        raise Invalid("value", "The value is nested too deeply.")
    if isinstance(value, dict):
        return {_key(key): _with_text_keys(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_with_text_keys(item, depth + 1) for item in value]
    if isinstance(value, msgspec.msgpack.Ext):
        raise Invalid("value", "Extension types of msgpack are not understood.")
    return value


def _key(key: object) -> str:
    if isinstance(key, bytes):
        return key.decode("utf-8", "replace")
    return {None: "null", True: "true", False: "false"}.get(key, str(key)) if isinstance(key, bool | None) else str(key)


def _revive(value: Any, callback: Callable[[dict[str, Any]], Any]) -> Any:
    if isinstance(value, list):
        return [_revive(item, callback) for item in value]
    if not isinstance(value, dict):
        return value
    reader = _READERS.get(value["_rtype"]) if isinstance(value.get("_rtype"), str) else None
    if reader is not None:
        return reader(value, callback)
    return {key: _revive(item, callback) for key, item in value.items()}


def _read_method(value: dict[str, Any], callback: Callable[[dict[str, Any]], Any]) -> Any:
    return callback(value)


def _read_remote(value: dict[str, Any], _: Callable[[dict[str, Any]], Any]) -> Any:
    return RemoteValue(value)


def _read_set(value: dict[str, Any], callback: Callable[[dict[str, Any]], Any]) -> Any:
    return _revive(_field(value, list), callback)


def _read_bytes(value: dict[str, Any], _: Callable[[dict[str, Any]], Any]) -> Any:
    return _field(value, bytes)


def _read_ordered_map(value: dict[str, Any], callback: Callable[[dict[str, Any]], Any]) -> Any:
    pairs = _field(value, list)
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise Invalid("value", "An ordered map is a list of pairs.")
    return {_key(key): _revive(item, callback) for key, item in pairs}


def _read_array(value: dict[str, Any], _: Callable[[dict[str, Any]], Any]) -> Any:
    data, shape, code = _field(value, bytes), value.get("_rshape"), _DTYPES.get(str(value.get("_rdtype")))
    if code is None:
        raise Unsupported(f"Arrays of type '{str(value.get('_rdtype'))[:40]}' are not supported.")
    if not isinstance(shape, list) or not all(isinstance(size, int) and size >= 0 for size in shape):
        raise Invalid("value", "The shape of an array is a list of sizes.")
    if len(shape) > 32 or math.prod(size or 1 for size in shape) > _MAX_ITEMS:
        raise Invalid("value", "The array is too large.")
    if math.prod(shape) * struct.calcsize(code) != len(data):
        raise Invalid("value", "The shape of an array does not match its bytes.")
    return _nest(struct.unpack(f"<{math.prod(shape)}{code}", data), shape)


def _nest(flat: tuple[Any, ...], shape: list[int]) -> Any:
    if not shape:
        return flat[0]
    if len(shape) == 1:
        return list(flat)
    step = math.prod(shape[1:])
    return [_nest(flat[row * step : (row + 1) * step], shape[1:]) for row in range(shape[0])]


def _unsupported(value: dict[str, Any], _: Callable[[dict[str, Any]], Any]) -> Any:
    raise Unsupported(f"Values of type '{value['_rtype']}' are not supported here.")


def _field(value: dict[str, Any], kind: type[Any]) -> Any:
    content = value.get("_rvalue")
    if not isinstance(content, kind):
        raise Invalid("value", f"A value marked '{value['_rtype']}' has the wrong content.")
    return content


_READERS: dict[str, Callable[[dict[str, Any], Callable[[dict[str, Any]], Any]], Any]] = {
    "method": _read_method,
    "error": _read_remote,
    "ndarray": _read_array,
    "set": _read_set,
    "memoryview": _read_bytes,
    "bytes": _read_bytes,
    "orderedmap": _read_ordered_map,
    "generator": _unsupported,
    "iostream": _unsupported,
}


def error_value(text: str) -> dict[str, Any]:
    """The form in which a failure reaches the client's caller."""
    return {"_rtype": "error", "_rvalue": text, "_rtrace": ""}
