"""Rows of the side table `field`: the scalars of manifests and configs that a search can look at.

scope     the parent's id, or `/<workspace>` for a root artifact: what a listing is about
name      `manifest.<path>` or `config.<path>`, shortened when very long
element   how the value stands at its path, see below
value     its sort key
text      the whole text where the sort key holds only its beginning
"""

import hashlib
from collections.abc import Iterable

from armarium.domain.manifest import IndexedScalar
from armarium.domain.sort_keys import sort_key

SCALAR = 0
"""The value at its path; a listing can be ordered by it."""
ELEMENT = 1
"""An item of the array at its path."""
DOUBLE = 2
"""A second value at the same path, which `{"a": {"b": 1}, "a.b": 2}` has; found, but never ordered by."""

_NO_FIELD = ""
"""Stands for what no manifest can have: U+0000 is refused, and PostgreSQL would not even take the question."""
_LONGEST_NAME = 200
_LONGEST_WHOLE_KEY = 201

FieldRow = tuple[str, int, str, str | None]
"""name, element, value, text."""


def scope_of(workspace: str, parent_id: str | None) -> str:
    return parent_id or root_scope(workspace)


def root_scope(workspace: str) -> str:
    """The scope of a workspace's root artifacts; no id begins with a slash."""
    return "/" + workspace


def field_name(source: str, path: str) -> str:
    """The name of a field in the table; a very long one ends in its hash, so that any index can hold it."""
    if "\x00" in path:
        return _NO_FIELD
    name = f"{source}.{path}"
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[:_LONGEST_NAME]}~{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()}"


def field_rows(fields: Iterable[tuple[str, IndexedScalar]]) -> set[FieldRow]:
    """Turn (`manifest` or `config`, scalar) pairs into rows without doubles."""
    rows: set[FieldRow] = set()
    first: dict[str, str] = {}
    for source, scalar in fields:
        name, key = field_name(source, scalar.path), sort_key(scalar.value)
        element = ELEMENT
        if not scalar.element:
            element = SCALAR if first.setdefault(name, key) == key else DOUBLE
        text = scalar.value if isinstance(scalar.value, str) and len(key) > _LONGEST_WHOLE_KEY else None
        rows.add((name, element, key, text))
    return rows
