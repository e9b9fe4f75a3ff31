"""Filters on the manifests of vectors as Hypha clients write them, parsed before anything looks at them."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from armarium.domain import regexes
from armarium.domain.errors import Invalid
from armarium.domain.query import (
    AllOf,
    Between,
    Condition,
    ContainsAll,
    ContainsAny,
    Equals,
    Field,
    Lacks,
    Matches,
    MatchesRegex,
    Not,
)

MAX_CONDITIONS = 100
MAX_NESTING = 8


def parse_vector_filters(filters: Mapping[str, Any]) -> Condition:
    """Read `{"field": value, "field": {"$operator": value}}`; all of it must hold. Raises Invalid."""
    return AllOf(tuple(_conditions(filters, "", 0)))


def _conditions(filters: Mapping[str, Any], prefix: str, depth: int) -> list[Condition]:
    if depth > MAX_NESTING or len(filters) > MAX_CONDITIONS:
        raise Invalid("filters", "Invalid filters: there are too many.")
    return [_condition(f"{prefix}{key}", value, depth) for key, value in filters.items()]


def _condition(path: str, value: Any, depth: int) -> Condition:
    field = Field("payload", path)
    if isinstance(value, Mapping):
        if not any(str(name).startswith("$") for name in value):
            return AllOf(tuple(_conditions(value, f"{path}.", depth + 1)))
        return AllOf(tuple(_operator(field, name, operand) for name, operand in value.items()))
    if isinstance(value, list):
        return _range_or_list(field, value)
    if value is None:
        return Lacks(field)
    if isinstance(value, str) and "%" in value:
        return Matches(field, value.replace("%", "*"))
    return Equals(field, _scalar(path, value))


def _range_or_list(field: Field, value: list[Any]) -> Condition:
    """Two numbers are a range, both ends included; any other list must be contained."""
    if len(value) == 2 and all(bound is None or _is_number(bound) for bound in value):
        return Between(field, *value)
    return ContainsAll(field, tuple(_scalar(field.path, item) for item in value))


def _operator(field: Field, name: str, operand: Any) -> Condition:
    read = _OPERATORS.get(name)
    if read is None:
        known = ", ".join(_OPERATORS)
        raise Invalid("filters", f"Invalid filter operator '{name}' for '{field.path}': use one of {known}.")
    return read(field, operand)


def _like(field: Field, operand: Any) -> Condition:
    if not isinstance(operand, str):
        raise Invalid("filters", f"Invalid filter: '$like' for '{field.path}' takes a string.")
    return Matches(field, operand.replace("%", "*"))


def _regex(field: Field, operand: Any) -> Condition:
    if not isinstance(operand, str):
        raise Invalid("filters", f"Invalid filter: '$regex' for '{field.path}' takes a string.")
    try:
        regexes.check("filters", operand)
    except Invalid as error:
        raise Invalid("filters", f"Invalid filter: '$regex' for '{field.path}': {error.reason}") from None
    return MatchesRegex(field, operand)


def _contains(kind: type[ContainsAny] | type[ContainsAll]) -> Callable[[Field, Any], Condition]:
    def read(field: Field, operand: Any) -> Condition:
        if not isinstance(operand, list):
            raise Invalid("filters", f"Invalid filter for '{field.path}': it takes a list.")
        return kind(field, tuple(_scalar(field.path, item) for item in operand))

    return read


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _number(field: Field, operand: Any) -> float:
    if not _is_number(operand):
        raise Invalid("filters", f"Invalid filter for '{field.path}': it takes a number.")
    return float(operand)


def _scalar(path: str, value: Any) -> Any:
    if not isinstance(value, str | int | float | bool):
        raise Invalid("filters", f"Invalid filter for '{path}': it takes a string, a number or a boolean.")
    return value


_OPERATORS: Mapping[str, Callable[[Field, Any], Condition]] = {
    "$eq": lambda field, operand: Equals(field, _scalar(field.path, operand)),
    "$ne": lambda field, operand: Not(Equals(field, _scalar(field.path, operand))),
    "$gt": lambda field, operand: Between(field, math.nextafter(_number(field, operand), math.inf), None),
    "$gte": lambda field, operand: Between(field, _number(field, operand), None),
    "$lt": lambda field, operand: Between(field, None, math.nextafter(_number(field, operand), -math.inf)),
    "$lte": lambda field, operand: Between(field, None, _number(field, operand)),
    "$in": _contains(ContainsAny),
    "$nin": lambda field, operand: Not(_contains(ContainsAny)(field, operand)),
    "$all": _contains(ContainsAll),
    "$like": _like,
    "$regex": _regex,
    "$exists": lambda field, operand: Not(Lacks(field)) if operand else Lacks(field),
}
