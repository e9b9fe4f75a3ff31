"""Filters, keywords and orderings as Hypha clients write them, parsed into a query before anything looks at them."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from armarium.domain.errors import Invalid
from armarium.domain.query import (
    NUMBER_FIELDS,
    TEXT_FIELDS,
    AllOf,
    AnyOf,
    Between,
    Condition,
    ContainsAll,
    ContainsAny,
    Equals,
    Field,
    Keyword,
    Matches,
    Order,
    Query,
    Scalar,
    Stage,
)

MAX_CONDITIONS = 200
MAX_NESTING = 16

_BUILT_IN = {"last_modified": "modified_at"}
_ORDER_PATH = re.compile(r"[A-Za-z0-9_.\-]+")
_STAGES = {"stage": Stage.DRAFTED, "latest": Stage.COMMITTED, "committed": Stage.COMMITTED, "*": Stage.ANY}


def parse_query(
    *,
    keywords: object = None,
    filters: object = None,
    mode: object = "AND",
    offset: object = 0,
    limit: object = 100,
    order_by: object = None,
    stage: object = False,
    roots_only: bool = False,
) -> Query:
    """Read what a client asks for. Raises Invalid, naming the part at fault."""
    if not isinstance(filters, Mapping | None):
        raise Invalid("filters", "Invalid filters: they must be an object.")
    given = dict(filters or {})
    stage_of_filter = given.pop("version", None), given.pop("stage", None)
    if "parent_id" in given:
        if given.pop("parent_id") is not None:
            raise Invalid("filters", "Invalid filter 'parent_id': it must be the name of one collection, or None.")
        roots_only = True
    conditions = [*map(Keyword, words_of(keywords)), *_Filters().conditions(given)]
    together = AnyOf(tuple(conditions)) if mode == "OR" and conditions else AllOf(tuple(conditions))
    return Query(
        where=together,
        stage=_stage(stage, *stage_of_filter),
        order=parse_order(order_by),
        offset=_whole("offset", offset),
        limit=_whole("limit", limit),
        roots_only=roots_only,
        wants_next=False,
    )


def _whole(field: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Invalid(field, f"Invalid {field}: it must be a non-negative whole number.")
    return value


def words_of(keywords: object) -> list[str]:
    """Read a list of words, or one. Raises Invalid."""
    if keywords is None:
        return []
    if isinstance(keywords, str):
        keywords = [keywords]
    if not isinstance(keywords, Sequence) or not all(isinstance(word, str) for word in keywords):
        raise Invalid("keywords", "Invalid keywords: they must be a list of strings.")
    return [word for word in keywords if word]


def _stage(stage: object, version: object, in_filters: object) -> Stage:
    wanted = _plain_stage(stage)
    if in_filters is not None:
        wanted = _plain_stage(in_filters)
    if version is None:
        return wanted
    if not isinstance(version, str) or version not in _STAGES:
        raise Invalid("filters", "Invalid filter 'version': it must be 'stage', 'latest', 'committed' or '*'.")
    if stage is True and _STAGES[version] is Stage.COMMITTED:
        raise Invalid("filters", f"The filter version '{version}' contradicts stage=True.")
    return _STAGES[version]


def _plain_stage(stage: object) -> Stage:
    if stage is None or stage == "all":
        return Stage.ANY
    return Stage.DRAFTED if stage else Stage.COMMITTED


def parse_order(order_by: object) -> Order:
    """Read `field`, `field<` (ascending) or `field>`; an unknown plain field orders by id, the order of creation."""
    if order_by in (None, ""):
        return Order()
    if not isinstance(order_by, str):
        raise Invalid("order_by", "Invalid order_by: it must be a string.")
    descending = order_by.endswith(">")
    name = order_by.rstrip("<>") if order_by[-1] in "<>" else order_by
    source, dot, path = name.partition(".")
    if dot and source in ("manifest", "config"):
        if not _ORDER_PATH.fullmatch(path):
            raise Invalid("order_by", f"Invalid order_by field: '{name}'.")
        return Order(Field(source, path), descending)
    if not _ORDER_PATH.fullmatch(name):
        raise Invalid("order_by", f"Invalid order_by field: '{name}'.")
    built_in = _BUILT_IN.get(name, name)
    return Order(Field("artifact", built_in if built_in in NUMBER_FIELDS | TEXT_FIELDS else "id"), descending)


def parse_facets(facets: object) -> tuple[Field, ...]:
    """Read paths in the manifest, with or without `manifest.` before them. Raises Invalid."""
    if facets is None:
        return ()
    if isinstance(facets, str) or not isinstance(facets, Sequence) or not all(isinstance(path, str) for path in facets):
        raise Invalid("facets", "Invalid facets: they must be a list of strings.")
    return tuple(dict.fromkeys(Field("manifest", path.removeprefix("manifest.")) for path in facets if path))


class _Filters:
    """Turns the filter object into conditions, counting them: one request cannot ask for without end."""

    def __init__(self) -> None:
        self._count = 0

    def conditions(self, filters: Mapping[str, Any]) -> list[Condition]:
        return [self._top(key, value) for key, value in filters.items()]

    def _top(self, key: str, value: object) -> Condition:
        self._spend()
        if key == "manifest" and isinstance(value, Mapping):
            return self._manifest(value, 0)
        if key == "config" and isinstance(value, Mapping):
            return self._config(value)
        if key.startswith("permissions/") and isinstance(value, str):
            return Equals(Field("config", f"permissions.{key.removeprefix('permissions/')}"), value)
        name = _BUILT_IN.get(key, key)
        if name in TEXT_FIELDS:
            return self._text(name, value)
        if name in NUMBER_FIELDS:
            return _between(key, Field("artifact", name), value)
        raise Invalid("filters", f"Invalid filter key: {key}")

    def _text(self, name: str, value: object) -> Condition:
        field = Field("artifact", name)
        if isinstance(value, list):
            return AnyOf(tuple(Equals(field, _scalar(name, item)) for item in value))
        return Equals(field, _scalar(name, value))

    def _config(self, config: Mapping[str, Any], prefix: str = "") -> Condition:
        """Compare scalars at any depth; lists must all be contained."""
        found: list[Condition] = []
        for key, value in config.items():
            self._spend()
            field = Field("config", f"{prefix}{key}")
            if isinstance(value, Mapping):
                found.append(self._config(value, f"{prefix}{key}."))
            elif isinstance(value, list):
                found.append(ContainsAll(field, _scalars(key, value)))
            else:
                found.append(_equals(field, key, value))
        return AllOf(tuple(found))

    def _manifest(self, manifest: Mapping[str, Any], depth: int) -> Condition:
        if depth > MAX_NESTING:
            raise Invalid("filters", "Invalid filters: they are nested too deeply.")
        return AllOf(tuple(self._manifest_key(key, value, depth) for key, value in manifest.items()))

    def _manifest_key(self, key: str, value: object, depth: int) -> Condition:
        self._spend()
        if key in ("$and", "$or"):
            if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
                raise Invalid("filters", f"Invalid filter: '{key}' takes a list of objects.")
            branches = tuple(self._manifest(item, depth + 1) for item in value)
            return AllOf(branches) if key == "$and" else AnyOf(branches)
        field = Field("manifest", key)
        if isinstance(value, Mapping):
            return self._operators(field, key, value, depth)
        if isinstance(value, list):
            return ContainsAll(field, _scalars(key, value))
        return _equals(field, key, value)

    def _operators(self, field: Field, key: str, value: Mapping[str, Any], depth: int) -> Condition:
        if not any(name.startswith("$") for name in value):
            return self._manifest({f"{key}.{name}": item for name, item in value.items()}, depth + 1)
        found: list[Condition] = []
        for name, operand in value.items():
            self._spend()
            operator = _OPERATORS.get(name)
            if operator is None:
                known = ", ".join(_OPERATORS)
                raise Invalid("filters", f"Invalid filter operator '{name}' for '{key}': use one of {known}.")
            found.append(operator(field, key, operand))
        return AllOf(tuple(found))

    def _spend(self) -> None:
        self._count += 1
        if self._count > MAX_CONDITIONS:
            raise Invalid("filters", f"Invalid filters: they have more than {MAX_CONDITIONS} conditions.")


def _equals(field: Field, key: str, value: object) -> Condition:
    if value is None:
        return AnyOf(())
    if isinstance(value, str) and "*" in value and field.source == "manifest":
        return Matches(field, value)
    return Equals(field, _scalar(key, value))


def _like(field: Field, key: str, operand: object) -> Condition:
    if not isinstance(operand, str):
        raise Invalid("filters", f"Invalid filter: '$like' for '{key}' takes a string.")
    return Matches(field, operand)


def _between(key: str, field: Field, value: object) -> Condition:
    bounds = value if isinstance(value, list) else [value, None]
    if len(bounds) != 2:
        raise Invalid("filters", f"Invalid filter '{key}': it takes a number or a list of two, lowest first.")
    low, high = (None if bound is None else _number(key, bound) for bound in bounds)
    return Between(field, low, high)


def _at_least(field: Field, key: str, operand: object) -> Condition:
    return Between(field, _number(key, operand), None)


def _at_most(field: Field, key: str, operand: object) -> Condition:
    return Between(field, None, _number(key, operand))


def _above(field: Field, key: str, operand: object) -> Condition:
    return Between(field, math.nextafter(_number(key, operand), math.inf), None)


def _below(field: Field, key: str, operand: object) -> Condition:
    return Between(field, None, math.nextafter(_number(key, operand), -math.inf))


_OPERATORS: Mapping[str, Callable[[Field, str, object], Condition]] = {
    "$like": _like,
    "$in": lambda field, key, operand: ContainsAny(field, _scalars(key, operand)),
    "$all": lambda field, key, operand: ContainsAll(field, _scalars(key, operand)),
    "$eq": lambda field, key, operand: Equals(field, _scalar(key, operand)),
    "$gte": _at_least,
    "$lte": _at_most,
    "$gt": _above,
    "$lt": _below,
}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _number(key: str, value: object) -> float:
    if not isinstance(value, int | float) or not _is_number(value):
        raise Invalid("filters", f"Invalid filter for '{key}': it takes a number.")
    return value


def _scalar(key: str, value: object) -> Scalar:
    if not isinstance(value, str | int | float | bool):
        raise Invalid("filters", f"Invalid filter for '{key}': it takes a string, a number or a boolean.")
    return value


def _scalars(key: str, value: object) -> tuple[Scalar, ...]:
    if not isinstance(value, list | tuple):
        raise Invalid("filters", f"Invalid filter for '{key}': it takes a list.")
    return tuple(_scalar(key, item) for item in value)
