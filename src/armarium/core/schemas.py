"""The JSON schema of a collection, which the manifests of its children follow."""

import functools
from typing import Any

import jsonschema_rs
import msgspec

from armarium.domain.errors import Invalid, SchemaViolation


def check_schema(schema: msgspec.Raw) -> None:
    """Refuse a `collection_schema` that is no valid JSON schema, before anything depends on it."""
    _validator(bytes(schema))


def check_manifest(manifest: msgspec.Raw, schema: msgspec.Raw) -> None:
    """Raise SchemaViolation, naming the first fault, unless the manifest follows the schema."""
    error = next(_validator(bytes(schema)).iter_errors(msgspec.json.decode(manifest)), None)
    if error is not None:
        raise SchemaViolation(_words(error))


@functools.lru_cache(maxsize=256)
def _validator(schema: bytes) -> Any:
    try:
        return jsonschema_rs.validator_for(msgspec.json.decode(schema), retriever=_refuse_to_fetch)
    except (ValueError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise Invalid("collection_schema", f"Invalid collection_schema: {reason}") from None


def _refuse_to_fetch(uri: str) -> Any:
    # A schema is data from a user: following its references would let them make the server send requests.
    raise ValueError(f"references to other documents are not followed ({uri})")


def _words(error: Any) -> str:
    """Say what is wrong the way Python's validators do, with names in single quotes."""
    missing = getattr(error.kind, "property", None)
    text = f"'{missing}' is a required property" if missing and error.kind.name == "required" else error.message
    where = ".".join(str(step) for step in error.instance_path)
    return f"{text} (at {where})" if where else text
