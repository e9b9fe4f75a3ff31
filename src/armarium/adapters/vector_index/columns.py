"""The payloads of a collection by column, so that a condition looks at each different value once."""

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from armarium.domain import regexes
from armarium.domain.errors import Invalid
from armarium.domain.manifest import value_at
from armarium.domain.query import (
    AllOf,
    AnyOf,
    Between,
    Condition,
    ContainsAll,
    ContainsAny,
    Equals,
    Keyword,
    Matches,
    MatchesRegex,
    Not,
)

Rows = NDArray[np.bool_]
_MISSING = -1


class Column:
    """What one path of the payload holds, row by row: the number of its value, and the value where it is a number."""

    def __init__(self, capacity: int) -> None:
        self.codes = np.full(capacity, _MISSING, np.int32)
        self.numbers = np.full(capacity, np.nan, np.float64)
        self.values: list[Any] = []
        self._code_of: dict[str, int] = {}

    def grow(self, capacity: int) -> None:
        self.codes = _grown(self.codes, capacity, _MISSING)
        self.numbers = _grown(self.numbers, capacity, np.nan)

    def set(self, row: int, value: Any) -> None:
        if value is None:
            self.codes[row], self.numbers[row] = _MISSING, np.nan
            return
        text = text_of(value)
        code = self._code_of.get(text)
        if code is None:
            code = self._code_of[text] = len(self.values)
            self.values.append(value)
        self.codes[row] = code
        self.numbers[row] = value if isinstance(value, int | float) and not isinstance(value, bool) else np.nan

    def equal(self, value: Any, rows: int) -> Rows:
        """Where the value is written the same way, be it text or number."""
        code = self._code_of.get(text_of(value))
        return np.zeros(rows, np.bool_) if code is None else self.codes[:rows] == code

    def missing(self, rows: int) -> Rows:
        return np.asarray(self.codes[:rows] == _MISSING)

    def where(self, holds: Callable[[Any], bool], rows: int) -> Rows:
        verdicts = np.fromiter((holds(value) for value in self.values), np.bool_, len(self.values))
        return np.append(verdicts, False)[self.codes[:rows]]  # -1, for a missing value, is the last one


class Columns:
    """The columns somebody asked for, made when they are, kept up to date afterwards."""

    def __init__(self) -> None:
        self._payloads: list[bytes] = []
        self._columns: dict[str, Column] = {}
        self._capacity = 0

    def set(self, row: int, payload: bytes) -> None:
        """Replace the payload of a row, or append the next one."""
        if row == len(self._payloads):
            self._payloads.append(payload)
        else:
            self._payloads[row] = payload
        if self._columns:
            self._make_room()
            decoded = msgspec.json.decode(payload)
            for path, column in self._columns.items():
                column.set(row, value_at(decoded, path))

    def payload(self, row: int) -> bytes:
        return self._payloads[row]

    def of(self, path: str) -> Column:
        column = self._columns.get(path)
        if column is None:
            self._make_room()
            column = Column(self._capacity)
            for row, payload in enumerate(self._payloads):
                column.set(row, value_at(msgspec.json.decode(payload), path))
            self._columns[path] = column
        return column

    def matching(self, condition: Condition, rows: int) -> Rows:
        """Which of the first rows a condition holds for. Raises Invalid for one that has no meaning here."""
        match condition:
            case AllOf(parts):
                return _joined(np.logical_and, [self.matching(part, rows) for part in parts], rows, empty=True)
            case AnyOf(parts):
                return _joined(np.logical_or, [self.matching(part, rows) for part in parts], rows, empty=False)
            case Not(negated):
                return np.logical_not(self.matching(negated, rows))
            case Keyword():
                raise Invalid("filters", "Vectors cannot be searched by keyword.")
            case _:
                return _holding(self.of(condition.field.path), condition, rows)

    def _make_room(self) -> None:
        if self._capacity < len(self._payloads):
            self._capacity = max(1024, 2 * len(self._payloads))
            for column in self._columns.values():
                column.grow(self._capacity)


def _holding(column: Column, condition: Condition, rows: int) -> Rows:
    """Where the values of one column satisfy a condition."""
    match condition:
        case Equals(value=value):
            return column.equal(value, rows)
        case Between(low=low, high=high):
            numbers = column.numbers[:rows]
            return np.logical_and(
                numbers >= (-np.inf if low is None else low), numbers <= (np.inf if high is None else high)
            )
        case ContainsAny(values=values) | ContainsAll(values=values):
            wanted, every = {text_of(value) for value in values}, isinstance(condition, ContainsAll)
            return column.where(lambda value: _contains(value, wanted, every=every), rows)
        case Matches(pattern=pattern):
            return column.where(_matcher(pattern), rows)
        case MatchesRegex(pattern=pattern):
            return column.where(lambda value: _is_found(pattern, value), rows)
        case _:
            return column.missing(rows)


def _joined(join: Any, masks: list[Rows], rows: int, *, empty: bool) -> Rows:
    joined: Rows = join.reduce(masks) if masks else np.full(rows, empty)
    return joined


def text_of(value: Any) -> str:
    """How a value is compared: text as it is, anything else as its JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _contains(value: Any, wanted: set[str], *, every: bool) -> bool:
    held = {text_of(item) for item in value} if isinstance(value, list) else {text_of(value)}
    return wanted <= held if every else not wanted.isdisjoint(held)


def _matcher(pattern: str) -> Callable[[Any], bool]:
    first, *between = pattern.casefold().split("*")
    return lambda value: isinstance(value, str) and _follows(value.casefold(), first, between)


def _follows(text: str, first: str, between: list[str]) -> bool:
    """Whether a text is the first piece and then the others, with anything between two; in linear time."""
    if not between:
        return text == first
    *between, last = between
    end = len(text) - len(last)
    at = len(first)
    if not text.startswith(first) or not text.endswith(last):
        return False
    for piece in between:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return at <= end


def _is_found(pattern: str, value: Any) -> bool:
    return isinstance(value, str | int | float) and regexes.found(pattern, "", text_of(value))


def _grown(numbers: NDArray[Any], capacity: int, filler: float) -> NDArray[Any]:
    grown = np.full(capacity, filler, numbers.dtype)
    grown[: len(numbers)] = numbers
    return grown
