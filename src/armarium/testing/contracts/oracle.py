"""What a search must answer, said in plain Python: slow, simple, and written without looking at any adapter."""

import re
from collections import Counter
from typing import Any

import msgspec

from armarium.domain.manifest import encode_json, scalars
from armarium.domain.query import (
    NUMBER_FIELDS,
    AllOf,
    AnyOf,
    Between,
    Condition,
    ContainsAll,
    ContainsAny,
    Equals,
    Field,
    Keyword,
    Lacks,
    Matches,
    MatchesRegex,
    Not,
    Order,
    Scalar,
    Stage,
)
from armarium.domain.sort_keys import sort_key


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """An artifact as a test wrote it."""

    id: str
    alias: str
    workspace: str
    parent_id: str | None
    type: str
    created_by: str
    created_at: int
    modified_at: int
    view_count: float
    download_count: float
    manifest: dict[str, Any]
    config: dict[str, Any]
    committed: bool
    drafted: bool


def values_at(holder: Any, path: str) -> list[Any]:
    """Everything that stands at a dotted path, whichever of the dots are part of a key."""
    if not isinstance(holder, dict):
        return []
    found = [holder[path]] if path in holder else []
    parts = path.split(".")
    for cut in range(1, len(parts)):
        found += values_at(holder.get(".".join(parts[:cut])), ".".join(parts[cut:]))
    return found


def _values(known: Known, field: Field) -> list[Any]:
    if field.source == "artifact":
        return [getattr(known, field.path)]
    return values_at(getattr(known, field.source), field.path)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def same(actual: Any, wanted: Scalar) -> bool:
    """Typed equality; text also equals what it spells."""
    if isinstance(wanted, str) and not isinstance(actual, str):
        if isinstance(actual, bool):
            return wanted == ("true" if actual else "false")
        try:
            return _is_number(actual) and wanted.strip() == wanted and float(actual) == float(wanted)
        except ValueError:
            return False
    if isinstance(actual, bool) or isinstance(wanted, bool):
        return actual is wanted
    return bool(actual == wanted) and isinstance(actual, str) == isinstance(wanted, str)


def _items(values: list[Any], elements: bool) -> list[Any]:
    """The values, with elements also the items of those that are arrays."""
    if not elements:
        return values
    return [item for value in values for item in (value if isinstance(value, list) else [value])]


def _contains(values: list[Any], wanted: Scalar) -> bool:
    return any(same(item, wanted) for item in _items(values, True))


def _scalars_of(value: Any) -> bool:
    """Whether there is anything a search can look at."""
    items = value if isinstance(value, list) else [value]
    return any(isinstance(item, str | int | float) for item in items)


def _matches(text: Any, pattern: str) -> bool:
    if not isinstance(text, str):
        return False
    expression = ".*".join(re.escape(piece) for piece in pattern.casefold().split("*"))
    return re.fullmatch(expression, text.casefold(), re.DOTALL) is not None


def _is_between(value: Any, low: float | None, high: float | None) -> bool:
    return _is_number(value) and (low is None or value >= low) and (high is None or value <= high)


def holds(condition: Condition, known: Known) -> bool:  # noqa: C901 - one line for each kind
    """Whether an artifact satisfies a condition."""
    match condition:
        case Equals(field, value):
            return any(same(actual, value) for actual in _values(known, field))
        case Matches(field, pattern, elements):
            return any(_matches(actual, pattern) for actual in _items(_values(known, field), elements))
        case MatchesRegex():
            raise NotImplementedError("of vectors alone")
        case ContainsAll(field, values):
            return all(_contains(_values(known, field), value) for value in values)
        case ContainsAny(field, values):
            return any(_contains(_values(known, field), value) for value in values)
        case Between(field, low, high):
            return any(_is_between(actual, low, high) for actual in _values(known, field))
        case Lacks(field):
            return not any(_scalars_of(value) for value in _values(known, field))
        case Keyword(text):
            return text.casefold() in bytes(encode_json("manifest", known.manifest)).decode().casefold()
        case Not(negated):
            return not holds(negated, known)
        case AllOf(conditions):
            return all(holds(part, known) for part in conditions)
        case AnyOf(conditions):
            return any(holds(part, known) for part in conditions)


def facet(field: Field, found: list[Known], most: int) -> list[tuple[str, int]]:
    """The keys of the most frequent values of a field, and how many artifacts have each."""
    numbers = Counter(
        key
        for known in found
        for key in {
            sort_key(item) for item in _items(_values(known, field), True) if isinstance(item, str | int | float)
        }
    )
    return sorted(numbers.items(), key=lambda pair: (-pair[1], pair[0]))[:most]


def is_listed(stage: Stage, known: Known) -> bool:
    return {Stage.COMMITTED: known.committed, Stage.DRAFTED: known.drafted, Stage.ANY: True}[stage]


def key_of(order: Field, known: Known) -> Any:
    """What an artifact is sorted by, None where it lacks the field."""
    if order.source == "artifact":
        value = getattr(known, order.path)
        return float(value) if order.path in NUMBER_FIELDS else value
    found = (item for item in scalars(getattr(known, order.source)) if item.path == order.path and not item.element)
    first = next(found, None)
    return None if first is None else sort_key(first.value)


def in_order(order: Order, found: list[Known]) -> list[Known]:
    """Sorted by key; ties by id, ascending; those without a key last."""
    if order.field == Field("artifact", "id"):
        return sorted(found, key=lambda known: known.id, reverse=order.descending)
    by_id = sorted(found, key=lambda known: known.id)
    having = [known for known in by_id if key_of(order.field, known) is not None]
    lacking = [known for known in by_id if key_of(order.field, known) is None]
    return sorted(having, key=lambda known: key_of(order.field, known), reverse=order.descending) + lacking
