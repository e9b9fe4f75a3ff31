"""Manifests and configs: JSON objects made safe to store, and the scalars a search can look at."""

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from armarium.domain.errors import Invalid, TooLarge
from armarium.domain.query import Scalar

MAX_JSON_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 64

MAX_SCALARS = 10_000
"""Values of one manifest or config that a search can look at; each is a row of an index."""

_encoder = msgspec.json.Encoder()


def encode_json(what: str, value: Mapping[str, Any]) -> msgspec.Raw:
    """Encode a manifest or config: string keys, non-finite numbers spelled out as text.

    Raises Invalid for what JSON cannot hold, TooLarge beyond 4 MiB.
    """
    try:
        encoded = _encoder.encode(_normal(value, 0))
    except (TypeError, ValueError, UnicodeEncodeError) as error:
        raise Invalid(what, f"Invalid {what}: {error}") from None
    if len(encoded) > MAX_JSON_BYTES:
        raise TooLarge(f"The {what} is larger than {MAX_JSON_BYTES // 1024 // 1024} MiB.")
    return msgspec.Raw(encoded)


def _normal(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, Mapping):
        return {str(key): _normal(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_normal(item, depth + 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, str) and "\x00" in value:
        raise ValueError("it contains a NUL character")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a value of type {type(value).__name__} is not JSON")


class IndexedScalar(msgspec.Struct, frozen=True):
    """One indexed value of a manifest or config. element: it is an item of an array at that path."""

    path: str
    element: bool
    value: Scalar


def check_searchable(what: str, value: Mapping[str, Any]) -> None:
    """Refuse more values than are indexed, rather than index some of them. Raises TooLarge."""
    if next(itertools.islice(scalars(value), MAX_SCALARS, None), None) is not None:
        raise TooLarge(f"The {what} has more than {MAX_SCALARS} values: keep long tables in a file.")


def scalars(value: Mapping[str, Any], prefix: str = "") -> Iterator[IndexedScalar]:
    """Yield every scalar and every scalar array element, each under its dotted path; nulls are left out.

    What hangs below an array (objects in lists, lists in lists) has no path and is not searchable by field.
    """
    for key, item in value.items():
        path = f"{prefix}{key}"
        if isinstance(item, Mapping):
            yield from scalars(item, f"{path}.")
        elif isinstance(item, list):
            yield from (
                IndexedScalar(path, True, element) for element in item if isinstance(element, str | int | float)
            )
        elif item is not None:
            yield IndexedScalar(path, False, item)


_TEXT_FIELDS = ("name", "description", "version", "license", "documentation", "git_repo", "icon", "id")
_TEXT_LISTS = ("tags", "covers", "links")


def value_at(manifest: Mapping[str, Any], path: str) -> Any:
    """Follow a dotted path; a key that holds dots itself is found, too. None where there is nothing."""
    if path in manifest:
        return manifest[path]
    head, dot, rest = path.partition(".")
    inner = manifest.get(head) if dot else None
    return value_at(inner, rest) if isinstance(inner, Mapping) else None


def check_known_fields(manifest: Mapping[str, Any]) -> None:
    """Refuse a generic artifact's or collection's manifest whose well-known fields have the wrong type.

    Everything else in a manifest is the owner's business.
    """
    for field in _TEXT_FIELDS:
        if not isinstance(manifest.get(field), str | None):
            raise Invalid("manifest", f"Invalid manifest: '{field}' must be a string.")
    for field in _TEXT_LISTS:
        if not _is_list_of(manifest.get(field), str):
            raise Invalid("manifest", f"Invalid manifest: '{field}' must be a list of strings.")
    if not _is_list_of(manifest.get("authors"), Mapping):
        raise Invalid("manifest", "Invalid manifest: 'authors' must be a list of objects.")


def _is_list_of(value: Any, kind: type) -> bool:
    return value is None or (isinstance(value, list | tuple) and all(isinstance(item, kind) for item in value))
