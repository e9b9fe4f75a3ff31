"""Arguments as Hypha clients send them, read into what the core takes. Every function raises Invalid, in words."""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from armarium.domain.errors import Invalid
from armarium.domain.version import Intent

DEFAULT_READ_BYTES = 65536
MAX_READ_BYTES = 10 * 1024 * 1024
LONGEST_CHARACTER = 4
SHORTEST_URL_LIFE = 1
LONGEST_URL_LIFE = 7 * 24 * 3600


def object_of(field: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not value:
        raise Invalid(field, f"{field.capitalize()} must be provided as a non-empty object.")
    return value


def object_or_none(field: str, value: object) -> Mapping[str, Any] | None:
    if value is not None and not isinstance(value, Mapping):
        raise Invalid(field, f"{field.capitalize()} must be an object.")
    return value


def text_of(field: str, value: object) -> str:
    if not isinstance(value, str):
        raise Invalid(field, f"{field} must be a string.")
    return value


def paths_of(value: object) -> list[str]:
    paths = [value] if isinstance(value, str) else value
    if not isinstance(paths, list) or not paths or not all(isinstance(path, str) for path in paths):
        raise Invalid("file_path", "file_path must be a string or a non-empty list of strings.")
    return paths


def secrets_of(value: object, *, optional: bool = False) -> dict[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise Invalid("secrets", "Secrets must be an object.")
    for key, secret in value.items():
        if not (isinstance(secret, str) or (optional and secret is None)):
            raise Invalid("secrets", f"The secret '{key}' must be a string.")
    return dict(value)


def intent_of(version: object) -> Intent | None:
    """What `version` means for a draft; None keeps the draft's intent."""
    if version is None:
        return None
    if version not in ("new", "stage"):
        raise Invalid("version", f"Invalid version '{version}': a draft takes None, 'new' or 'stage'.")
    return Intent.NEW_VERSION if version == "new" else Intent.EDIT_VERSION


def lifetime_of(seconds: object) -> timedelta:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds != seconds:  # noqa: PLR0124
        raise Invalid("expires_in", "expires_in must be a number of seconds.")
    return timedelta(seconds=min(max(seconds, SHORTEST_URL_LIFE), LONGEST_URL_LIFE))


def offset_of(field: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Invalid(field, f"Invalid {field}: it must be a non-negative whole number.")
    return value


def read_limit(limit: object) -> int:
    if limit is None:
        return DEFAULT_READ_BYTES
    if isinstance(limit, bool) or not isinstance(limit, int) or limit <= 0:
        raise Invalid("limit", "Limit must be a positive integer.")
    if limit > MAX_READ_BYTES:
        raise Invalid("limit", "Limit cannot exceed 10MB.")
    return limit


def format_of(name: object) -> str:
    kind = name.lower() if isinstance(name, str) else ""
    if kind not in ("text", "binary", "base64", "json"):
        raise Invalid("format", f"Invalid format '{name}': use text, binary, base64 or json.")
    return kind


def decoded(content: bytes, kind: str, encoding: str, *, is_cut: bool = False) -> Any:
    """Bytes in a format; is_cut: they may end within a character, which is then left out."""
    if kind == "binary":
        return content
    if kind == "base64":
        return base64.b64encode(content).decode()
    try:
        return msgspec.json.decode(content) if kind == "json" else _text(content, encoding, is_cut=is_cut)
    except (ValueError, LookupError) as error:
        raise Invalid("format", f"The file is not valid {kind}: {error}") from None


def _text(content: bytes, encoding: str, *, is_cut: bool) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        if not (is_cut and error.end == len(content) and error.start > len(content) - LONGEST_CHARACTER):
            raise
        return content[: error.start].decode(encoding)


def encoded(content: Any, kind: str, encoding: str) -> bytes:
    try:
        if kind == "json":
            text = content if isinstance(content, str) else json.dumps(content, indent=2, ensure_ascii=False)
            return text.encode(encoding)
        if kind == "binary":
            return bytes(memoryview(content))
        if not isinstance(content, str):
            raise Invalid("content", f"Content must be a string for the format {kind}.")
        return base64.b64decode(content, validate=True) if kind == "base64" else content.encode(encoding)
    except (TypeError, ValueError, LookupError, binascii.Error) as error:
        raise Invalid("content", f"The content is not valid {kind}: {error}") from None


def part_etags(parts: object) -> dict[int, str]:
    """Read `[{"part_number": 1, "etag": "..."}]` into number -> etag."""
    if not isinstance(parts, list) or not all(isinstance(part, Mapping) for part in parts):
        raise Invalid("parts", "Parts must be a list of objects with part_number and etag.")
    etags: dict[int, str] = {}
    for part in parts:
        number, etag = part.get("part_number"), part.get("etag")
        if isinstance(number, bool) or not isinstance(number, int) or not isinstance(etag, str):
            raise Invalid("parts", "Each part needs a part_number (a whole number) and an etag (a string).")
        etags[number] = etag
    return etags
