"""Answers to a Datalog question, over relations at hand: joined by hash, one row at a time, in bounded steps."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product
from operator import ge, gt, le, lt
from typing import Any

import msgspec

from armarium.domain.datalog import (
    EACH,
    Atom,
    Column,
    Comparison,
    Constant,
    Question,
    Term,
    Variable,
    gives_value,
    names_in,
)
from armarium.domain.errors import Invalid

MAX_STEPS = 200_000

Row = tuple[Any, ...]
Bindings = dict[str, Any]

_ORDERED: Mapping[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}


def answers(question: Question, relations: Sequence[Sequence[Row]], *, limit: int) -> list[Bindings]:
    """The first distinct answers; what each says of a variable is a JSON value.

    relations: the rows of each atom, at least those that match its constants. Raises Invalid when it takes too long.
    """
    distinct: dict[Any, Bindings] = {}
    found = ({name: each[name] for name in question.shown} for each in _bindings(question, relations))
    for answer in found:
        distinct.setdefault(tuple(map(key_of, answer.values())), answer)
        if len(distinct) == limit:
            break
    return list(distinct.values())


def rows_of(columns: Sequence[Column], entity: str, content: Any) -> Iterator[Row]:
    """The rows one aspect makes; none where a column leads to nothing, many where there are lists."""
    parts = [[(entity,)] if column.is_entity else list(_values(column, content)) for column in columns]
    for combination in product(*parts):
        yield tuple(value for part in combination for value in part)


def constants_of(question: Question, atom: Atom) -> dict[int, Any]:
    """The values terms of an atom must have, by position."""
    fixed = {
        side.name: other.value
        for comparison in question.comparisons
        if comparison.operator == "="
        for side, other in ((comparison.left, comparison.right), (comparison.right, comparison.left))
        if isinstance(side, Variable) and isinstance(other, Constant)
    }
    wanted = {}
    for position, term in enumerate(atom.terms):
        if isinstance(term, Constant):
            wanted[position] = term.value
        elif term.name in fixed and term.is_named:
            wanted[position] = fixed[term.name]
    return wanted


def key_of(value: Any) -> Any:
    """What is equal for equal values, and for no others: true is not 1, and 1 is 1.0."""
    if isinstance(value, bool):
        return value, None
    if isinstance(value, dict | list):
        return msgspec.json.encode(value, order="deterministic"), None
    return value


def _values(column: Column, content: Any) -> Iterator[Row]:
    found: Iterable[Any] = (content,)
    for step in column.steps:
        found = list(_stepped(step, found))
    for item in found:
        row = tuple(_member(item, field) for field in column.fields) if column.fields else (item,)
        if None not in row:
            yield row


def _stepped(step: str, items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        if step == EACH:
            yield from item if isinstance(item, list) else ()
        else:
            yield _member(item, step)


def _member(item: Any, name: str) -> Any:
    return item.get(name) if isinstance(item, dict) else None


class _Steps:
    def __init__(self) -> None:
        self._left = MAX_STEPS

    def count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Invalid("query", "The query takes too many steps; make it narrower.")


def _bindings(question: Question, relations: Sequence[Sequence[Row]]) -> Iterator[Bindings]:
    steps = _Steps()
    atoms = [
        (atom, _selected(atom, constants_of(question, atom), rows, steps))
        for atom, rows in zip(question.atoms, relations, strict=True)
    ]
    bound: set[str] = set()
    waiting = list(question.comparisons)
    found: Iterator[Bindings] = iter([{}])
    found = _compared_where_possible(found, waiting, bound)
    while atoms:
        atom, rows = atoms.pop(_next_of(atoms, bound))
        found = _joined(found, atom, rows, frozenset(bound), steps)
        bound.update(names_in(atom.terms))
        found = _compared_where_possible(found, waiting, bound)
    return found


def _next_of(atoms: Sequence[tuple[Atom, list[Row]]], bound: set[str]) -> int:
    """The atom to go on with: one that shares a variable, and of those the one with the fewest rows."""
    ranks = [(not bound.intersection(names_in(atom.terms)), len(rows)) for atom, rows in atoms]
    return ranks.index(min(ranks))


def _selected(atom: Atom, wanted: Mapping[int, Any], rows: Iterable[Row], steps: _Steps) -> list[Row]:
    """The rows that have an atom's constants, and one value where it names one variable twice."""
    first = {term: position for position, term in reversed(list(enumerate(atom.terms)))}
    same = [
        (position, first[term])
        for position, term in enumerate(atom.terms)
        if isinstance(term, Variable) and term.is_named and first[term] != position
    ]
    keys = [(position, key_of(value)) for position, value in wanted.items()]
    chosen = []
    for row in rows:
        steps.count()
        if all(key_of(row[at]) == key for at, key in keys) and all(key_of(row[a]) == key_of(row[b]) for a, b in same):
            chosen.append(row)
    return chosen


def _joined(
    bindings: Iterator[Bindings], atom: Atom, rows: list[Row], bound: frozenset[str], steps: _Steps
) -> Iterator[Bindings]:
    places = {term.name: at for at, term in enumerate(atom.terms) if isinstance(term, Variable) and term.is_named}
    shared = [(name, at) for name, at in places.items() if name in bound]
    new = [(name, at) for name, at in places.items() if name not in bound]
    index: dict[Row, list[Row]] = defaultdict(list)
    for row in rows:
        index[tuple(key_of(row[at]) for _, at in shared)].append(row)
    for known in bindings:
        steps.count()
        for row in index.get(tuple(key_of(known[name]) for name, _ in shared), ()):
            steps.count()
            yield known | {name: row[at] for name, at in new}


def _compared_where_possible(
    bindings: Iterator[Bindings], waiting: list[Comparison], bound: set[str]
) -> Iterator[Bindings]:
    """Apply the comparisons whose variables have values by now, and take them from those that wait."""
    possible = True
    while possible:
        possible = False
        for comparison in list(waiting):
            if comparison.names <= bound or gives_value(comparison, bound):
                bindings = _compared(bindings, comparison, frozenset(bound))
                bound |= comparison.names
                waiting.remove(comparison)
                possible = True
    return bindings


def _compared(bindings: Iterator[Bindings], comparison: Comparison, bound: frozenset[str]) -> Iterator[Bindings]:
    left, right = comparison.left, comparison.right
    if comparison.names <= bound:
        yield from (each for each in bindings if _holds(comparison.operator, _of(left, each), _of(right, each)))
        return
    new, known = (left, right) if isinstance(left, Variable) and left.name not in bound else (right, left)
    (name,) = names_in([new])
    for each in bindings:
        yield each | {name: _of(known, each)}


def _of(term: Term, bindings: Bindings) -> Any:
    return term.value if isinstance(term, Constant) else bindings[term.name]


def _holds(operator: str, left: Any, right: Any) -> bool:
    if operator in ("=", "!="):
        return bool(key_of(left) == key_of(right)) == (operator == "=")
    return _comparable(left, right) and bool(_ORDERED[operator](left, right))


def _comparable(left: Any, right: Any) -> bool:
    """Numbers can be put in order, and texts; nothing else can, and neither with the other."""
    if isinstance(left, str) or isinstance(right, str):
        return isinstance(left, str) and isinstance(right, str)
    return all(isinstance(one, int | float) and not isinstance(one, bool) for one in (left, right))
