"""Does a document match a path? Evaluation of `json_path.py`, in three-valued logic and a bounded number of steps."""

from collections.abc import Callable, Iterable, Iterator
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from armarium.domain import json_path as jp
from armarium.domain.errors import Invalid
from armarium.domain.json_path import JsonPath

MAX_STEPS = 200_000

Regex = Callable[[str, str, str], bool]
"""(pattern, flags, text) -> whether the pattern is found in the text, in time linear in the text."""

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}


class _Misfit(Exception):  # noqa: N818 - an outcome of strict paths, not a failure
    """A strict path does not fit the document."""


def matches(path: JsonPath, document: Any, regex: Regex) -> bool:
    """Say whether a path yields something, or a predicate holds. Raises Invalid when that takes too long."""
    evaluation = _Evaluation(document, regex, strict=path.strict)
    try:
        if isinstance(path.root, jp.Path):
            return next(evaluation.items(path.root, document), evaluation) is not evaluation
        return evaluation.holds(path.root, document) is True
    except _Misfit:
        return False


class _Evaluation:
    def __init__(self, document: Any, regex: Regex, *, strict: bool) -> None:
        self._document = document
        self._regex = regex
        self._strict = strict
        self._left = MAX_STEPS

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Invalid("content-path", "The path takes too many steps on one of the documents.")

    # paths

    def items(self, path: jp.Operand, current: Any) -> Iterator[Any]:
        if isinstance(path, jp.Literally):
            yield path.value
            return
        found: Iterable[Any] = (self._document if path.from_root else current,)
        for step in path.steps:
            found = self._stepped(step, found)
        yield from found

    def _stepped(self, step: jp.Step, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self._count()
            match step:
                case jp.Key(name):
                    yield from self._members(name, item)
                case jp.Descend():
                    yield from self._below(item)
                case jp.Items(spans):
                    yield from self._indexed(spans, item)
                case jp.Method(name):
                    yield self._measured(name, item)
                case jp.Where(predicate):
                    yield from (one for one in self._unwrapped(item) if self.holds(predicate, one))

    def _unwrapped(self, item: Any) -> Iterable[Any]:
        """In lax paths an array stands for its items."""
        return item if isinstance(item, list) and not self._strict else (item,)

    def _members(self, name: str | None, item: Any) -> Iterator[Any]:
        for one in self._unwrapped(item):
            self._count()
            if isinstance(one, dict) and (name is None or name in one):
                yield from one.values() if name is None else (one[name],)
            elif self._strict:
                raise _Misfit

    def _below(self, item: Any) -> Iterator[Any]:
        waiting = [item]
        while waiting:
            self._count()
            one = waiting.pop()
            yield one
            below = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
            waiting += reversed(list(below))

    def _indexed(self, spans: tuple[tuple[jp.Bound, jp.Bound], ...], item: Any) -> Iterator[Any]:
        if not isinstance(item, list):
            if self._strict:
                raise _Misfit
            item = [item]
        if not spans:
            yield from item
        for first, last in spans:
            low, high = (bound.number + (len(item) - 1 if bound.from_last else 0) for bound in (first, last))
            if self._strict and not 0 <= low <= high < len(item):
                raise _Misfit
            yield from item[max(low, 0) : max(high + 1, 0)]

    def _measured(self, name: str, item: Any) -> Any:
        if name == "type":
            return _type_of(item)
        if not isinstance(item, list) and self._strict:
            raise _Misfit
        return len(item) if isinstance(item, list) else 1

    # predicates: True, False, or None for what cannot be said

    def holds(self, predicate: jp.Predicate, current: Any) -> bool | None:
        match predicate:
            case jp.AllOf(predicates):
                return _every(self.holds(part, current) for part in predicates)
            case jp.AnyOf(predicates):
                return _negated(_every(_negated(self.holds(part, current)) for part in predicates))
            case jp.Not(inner):
                return _negated(self.holds(inner, current))
            case jp.Exists(path):
                return self._exists(path, current)
            case _:
                return self._tested(predicate, current)

    def _tested(self, predicate: jp.Compare | jp.StartsWith | jp.LikeRegex, current: Any) -> bool | None:
        match predicate:
            case jp.Compare(left, operator, right):
                return self._some(left, current, lambda one: self._compared_to(one, operator, right, current))
            case jp.StartsWith(subject, text):
                return self._some(subject, current, lambda one: one.startswith(text) if isinstance(one, str) else None)
            case jp.LikeRegex(subject, pattern, flags):
                return self._some(
                    subject, current, lambda one: self._regex(pattern, flags, one) if isinstance(one, str) else None
                )

    def _exists(self, path: jp.Path, current: Any) -> bool | None:
        try:
            return next(self.items(path, current), self) is not self
        except _Misfit:
            return None

    def _compared_to(self, one: Any, operator: str, right: jp.Operand, current: Any) -> bool | None:
        return self._some(right, current, lambda other: _compared(one, operator, other))

    def _some(self, operand: jp.Operand, current: Any, test: Callable[[Any], bool | None]) -> bool | None:
        """Whether a test holds for some item; a strict path must be able to say for all of them."""
        outcomes: set[bool | None] = set()
        try:
            for item in self.items(operand, current):
                for one in self._unwrapped(item):
                    self._count()
                    outcome = test(one)
                    if (outcome is True and not self._strict) or (outcome is None and self._strict):
                        return outcome
                    outcomes.add(outcome)
        except _Misfit:
            return None
        return True if True in outcomes else None if None in outcomes else False


def _every(outcomes: Iterable[bool | None]) -> bool | None:
    result: bool | None = True
    for outcome in outcomes:
        if outcome is False:
            return False
        result = None if outcome is None else result
    return result


def _negated(outcome: bool | None) -> bool | None:
    return None if outcome is None else not outcome


def _compared(left: Any, operator: str, right: Any) -> bool | None:
    """Compare two scalars; different types cannot be compared, and null just is not what is not null."""
    if left is None or right is None:
        return _COMPARE[operator](0, 0) if left is right else operator == "!="
    kind = _type_of(left)
    if kind != _type_of(right) or kind in ("object", "array"):
        return None
    return _COMPARE[operator](left, right)


def _type_of(item: Any) -> str:
    if item is None:
        return "null"
    if isinstance(item, bool):
        return "boolean"
    if isinstance(item, int | float):
        return "number"
    if isinstance(item, str):
        return "string"
    return "array" if isinstance(item, list) else "object"
