"""Conditions of `domain/query.py` as SQL: first a shape without values, then an expression for the shape.

A shape is a nested tuple of words and parameter names, so equal searches share one compiled statement,
and nothing a user wrote is ever part of SQL.

    ("all", shapes)  ("any", shapes)                      every, at least one
    ("column_is", column, value)  ("column_in", column, values)  ("column_matches", column, pattern)
    ("column_between", column, low or None, high or None) a column of `artifact`
    ("field_is", elements, name, value)  ("field_in", elements, name, values)
    ("field_between", name, low, high)  ("field_matches", elements, name, pattern)
                                                          rows of the side table; elements: items of arrays count, too
    ("lacks", name)                                       no row of the side table
    ("keyword", needle, trigrams or None)                 the manifest's text
    ("not", shape)                                        the shape does not hold
"""

import math
from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Float,
    FromClause,
    Select,
    and_,
    bindparam,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
)

from armarium.adapters.catalog import tables as t
from armarium.adapters.catalog.constructs import InList, ManifestContains, MatchesPattern
from armarium.adapters.catalog.fields import DOUBLE, ELEMENT, SCALAR, field_name
from armarium.adapters.catalog.rows import json_list
from armarium.adapters.catalog.text_search import fold, match_expression
from armarium.domain.errors import Invalid
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
    Scalar,
)
from armarium.domain.sort_keys import equal_keys, sort_key

Shape = tuple[Any, ...]
Holding = Callable[[Select[Any]], ColumnElement[bool]]

ALWAYS: Shape = ("all", ())
NEVER: Shape = ("any", ())

MAX_CONDITIONS = 256
_TEXTS = ("s", "t")
_NUMBERS = ("n", "o")
"""What the sort keys of a kind begin with, and the least key behind them all."""


class Filter(msgspec.Struct, frozen=True):
    """A condition, read. conjuncts: shapes that must all hold; values: of the parameters they name."""

    conjuncts: tuple[Shape, ...]
    values: dict[str, Any]


def read_condition(condition: Condition) -> Filter:
    """Turn a condition into shapes and values. Raises Invalid when it has too many parts."""
    translation = _Translation()
    shape = translation.shape(condition)
    conjuncts = shape[1] if shape[0] == "all" else (shape,)
    return Filter(conjuncts, translation.values)


class _Translation:
    """Names the values it meets `p0`, `p1` and so on."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self._conditions = 0

    def _name(self, value: Any) -> str:
        name = f"p{len(self.values)}"
        self.values[name] = value
        return name

    def shape(self, condition: Condition) -> Shape:
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            raise Invalid("filters", f"A search can have at most {MAX_CONDITIONS} conditions.")
        match condition:
            case AllOf(conditions):
                return _joined("all", [self.shape(part) for part in conditions])
            case AnyOf(conditions):
                return _joined("any", [self.shape(part) for part in conditions])
            case Not(negated):
                return ("not", self.shape(negated))
            case ContainsAll(field, values):
                return _joined("all", [self._contains(field, (value,)) for value in values])
            case ContainsAny(field, values):
                return self._contains(field, values)
            case MatchesRegex():
                raise Invalid("filters", "Artifacts cannot be searched by regular expression.")
            case _:
                return self._single(condition)

    def _single(self, condition: Equals | Matches | Between | Lacks | Keyword) -> Shape:
        match condition:
            case Keyword(text):
                return self._keyword(fold(text))
            case Lacks(field):
                return ("lacks", self._field_name(field))
            case Equals(field, value):
                return self._equals(field, value)
            case Matches(field, pattern, elements):
                return self._matches(field, pattern, elements)
            case Between(field, low, high):
                return self._between(field, low, high)

    def _equals(self, field: Field, value: Scalar) -> Shape:
        if field.source == "artifact":
            return self._one_of(field.path, _column_values(field.path, value))
        return self._field(False, field, equal_keys(value))

    def _contains(self, field: Field, values: tuple[Scalar, ...]) -> Shape:
        if field.source == "artifact":
            return self._one_of(field.path, [item for value in values for item in _column_values(field.path, value)])
        return self._field(True, field, tuple(key for value in values for key in equal_keys(value)))

    def _one_of(self, column: str, values: list[Any]) -> Shape:
        if column in NUMBER_FIELDS:
            return _joined("any", [("column_is", column, self._name(value)) for value in values])
        if len(values) == 1:
            return ("column_is", column, self._name(values[0]))
        return ("column_in", column, self._name(json_list(values))) if values else NEVER

    def _field(self, elements: bool, field: Field, keys: tuple[str, ...]) -> Shape:
        keys = tuple(key for key in keys if _may_be_stored(key))
        if not keys:
            return NEVER
        name = self._field_name(field)
        if len(keys) == 1:
            return ("field_is", elements, name, self._name(keys[0]))
        return ("field_in", elements, name, self._name(json_list(keys)))

    def _field_name(self, field: Field) -> str:
        return self._name(field_name(field.source, field.path))

    def _matches(self, field: Field, pattern: str, elements: bool) -> Shape:
        if not _may_be_stored(pattern):
            return NEVER
        if field.source != "artifact":
            name = self._field_name(field)
            return ("field_matches", elements, name, self._name(pattern))
        return NEVER if field.path in NUMBER_FIELDS else ("column_matches", field.path, self._name(pattern))

    def _between(self, field: Field, low: float | None, high: float | None) -> Shape:
        if any(bound is not None and math.isnan(bound) for bound in (low, high)):
            return NEVER
        if field.source != "artifact":
            first = _NUMBERS[0] if low is None else sort_key(low)
            last = _NUMBERS[1] if high is None else sort_key(high)
            return ("field_between", self._field_name(field), self._name(first), self._name(last))
        if field.path not in NUMBER_FIELDS:
            return NEVER
        names = [None if bound is None else self._name(bound) for bound in (low, high)]
        return ("column_between", field.path, *names)

    def _keyword(self, needle: str) -> Shape:
        if not _may_be_stored(needle):
            return NEVER
        trigrams = match_expression(needle)
        return ("keyword", self._name(needle), None if trigrams is None else self._name(trigrams))


def _joined(word: str, shapes: list[Shape]) -> Shape:
    """Join shapes; what is joined by the same word already becomes part of the same level."""
    flat = [part for shape in shapes for part in (shape[1] if shape[0] == word else (shape,))]
    decisive = NEVER if word == "all" else ALWAYS
    if decisive in flat:
        return decisive
    return flat[0] if len(flat) == 1 else (word, tuple(flat))


def _may_be_stored(text: str) -> bool:
    """Whether any text of the catalog can have this in it: U+0000 is refused."""
    return "\x00" not in text


def _column_values(column: str, value: Scalar) -> list[Any]:
    """What a built-in column must hold to equal a value; nothing where the kinds differ."""
    if column not in NUMBER_FIELDS:
        return [value] if isinstance(value, str) and _may_be_stored(value) else []
    if isinstance(value, bool):
        return []
    try:
        return [float(value)]
    except (ValueError, OverflowError):
        return []


def needs_artifact(shape: Shape) -> bool:
    """Whether a shape looks at the artifact's own row, and not at the side table alone."""
    if shape[0] in ("all", "any"):
        return any(needs_artifact(part) for part in shape[1])
    if shape[0] == "not":
        return needs_artifact(shape[1])
    return not shape[0].startswith("field")


def expression(
    shape: Shape, artifact: FromClause, artifact_id: ColumnElement[Any], holds: Holding = Select.exists
) -> ColumnElement[bool]:
    """The SQL condition of a shape for the artifact with an id; `artifact` holds its row where one is needed.

    holds: how a question is asked of other tables, as a part of the statement or `Holds`.
    """
    word, *rest = shape
    if word in ("all", "any"):
        parts = [expression(part, artifact, artifact_id, holds) for part in rest[0]]
        return and_(true(), *parts) if word == "all" else or_(false(), *parts)
    if word == "not":
        return not_(expression(rest[0], artifact, artifact_id, holds))
    if word == "keyword":
        return ManifestContains(artifact_id, artifact.c.manifest, rest[0])
    if word.startswith("column"):
        return _column_expression(word, artifact.c[rest[0]], rest[1:])
    mine = t.field.alias()
    rows = select(mine.c.artifact_id).where(mine.c.artifact_id == artifact_id)
    if word == "lacks":
        return not_(holds(rows.where(mine.c.name == bindparam(rest[0]))))
    return holds(rows.where(*field_conditions(shape, mine)))


def _column_expression(word: str, column: ColumnElement[Any], names: list[Any]) -> ColumnElement[bool]:
    if word == "column_is":
        return column == _parameter(column, names[0])
    if word == "column_in":
        return InList(column, names[0])
    if word == "column_matches":
        return MatchesPattern(column, names[0])
    low, high = names
    bounds = [column >= _parameter(column, low)] if low else []
    return and_(*bounds, *([column <= _parameter(column, high)] if high else []), column.is_not(None))


def _parameter(column: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    """A value for a column; numbers are compared as floats, also with a column of integers."""
    return bindparam(name, type_=Float()) if column.key in NUMBER_FIELDS else bindparam(name)


def field_conditions(shape: Shape, f: FromClause) -> list[ColumnElement[bool]]:
    """What rows of the side table a shape of the field kind looks for."""
    word, *rest = shape
    if word in ("field_is", "field_in"):
        elements, name, value = rest
        places = (SCALAR, ELEMENT, DOUBLE) if elements else (SCALAR, DOUBLE)
        matching = f.c.value == bindparam(value) if word == "field_is" else InList(f.c.value, value)
        return [f.c.name == bindparam(name), f.c.element.in_(_constants(places)), matching]
    if word == "field_between":
        name, low, high = rest
        scalars = [f.c.name == bindparam(name), f.c.element.in_(_constants((SCALAR, DOUBLE)))]
        return [*scalars, f.c.value >= bindparam(low), f.c.value <= bindparam(high)]
    elements, name, pattern = rest
    places = (SCALAR, ELEMENT, DOUBLE) if elements else (SCALAR, DOUBLE)
    first, behind = _TEXTS
    text = func.coalesce(f.c.text, func.substr(f.c.value, 2))
    texts = [f.c.element.in_(_constants(places)), f.c.value >= first, f.c.value < behind]
    return [f.c.name == bindparam(name), *texts, MatchesPattern(text, pattern)]


def _constants(numbers: tuple[int, ...]) -> list[Any]:
    return [literal_column(str(number)) for number in numbers]
