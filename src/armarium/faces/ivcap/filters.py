"""The filter language: `name ~= 'Abc%' and (size > 1000 or mime-type = "text/csv")`.

operators   = eq   != ne   < lt   <= le   > gt   >= ge   ~= (like, case counts: `%` is any run; without one, any part)
values      in single or double quotes, a quote inside doubled, or bare words
joining     and, or, parentheses
"""

import re
from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt, ne
from typing import Any

import msgspec

from armarium.domain.errors import Invalid
from armarium.faces.ivcap.mapping import moment_of

MAX_LENGTH = 4096
MAX_DEPTH = 32
TIMES = frozenset({"created-at", "last-modified-at", "valid-from", "valid-to"})

Fields = Mapping[str, Any]
"""Values by name; moments in microseconds since the epoch."""

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {"=": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
_WORDS = {"eq": "=", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*")
    | (?P<sign>~=|!=|<=|>=|=|<|>|\(|\))
    | (?P<word>[^\s'"()<>=!~]+)
    )""",
    re.VERBOSE,
)


class Comparison(msgspec.Struct, frozen=True):
    field: str
    operator: str
    value: str


class Joined(msgspec.Struct, frozen=True):
    """Conditions that must all hold, or one of which must."""

    word: str
    parts: tuple["Filter", ...]


Filter = Comparison | Joined


def parse_filter(text: str, fields: frozenset[str] | None = None) -> Filter | None:
    """Read a filter, None for an empty one. fields: those there are; None for any. Raises Invalid."""
    if len(text) > MAX_LENGTH:
        raise Invalid("filter", f"The filter is longer than {MAX_LENGTH} characters.")
    parser = _Parser(_tokens(text), fields)
    if not parser.tokens:
        return None
    parsed = parser.joined("or", 0)
    if parser.tokens:
        raise _unreadable(parser.tokens[0][1])
    return parsed


def holds(condition: Filter | None, fields: Fields) -> bool:
    """Whether a condition holds of some fields; nothing can be said of one that is missing."""
    if condition is None:
        return True
    if isinstance(condition, Joined):
        return (all if condition.word == "and" else any)(holds(part, fields) for part in condition.parts)
    return _compared(fields.get(condition.field), condition)


def required(condition: Filter | None, field: str, operator: str) -> str | None:
    """The value a field must be compared to for anything to match, None where it need not."""
    if isinstance(condition, Comparison):
        return condition.value if (condition.field, condition.operator) == (field, operator) else None
    if condition is None or condition.word == "or":
        return None
    return next((value for part in condition.parts if (value := required(part, field, operator)) is not None), None)


def _compared(held: Any, condition: Comparison) -> bool:
    if held is None or isinstance(held, Mapping | list):
        return False
    if condition.operator == "~=":
        return _pattern(condition.value).search(_text(held)) is not None
    compare = _OPERATORS[condition.operator]
    if isinstance(held, int | float) and not isinstance(held, bool):
        number = _number(condition.value)
        return compare(held, number) if number is not None else condition.operator == "!="
    return compare(_text(held), condition.value)


def _text(held: Any) -> str:
    return str(held).lower() if isinstance(held, bool) else str(held)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _pattern(like: str) -> re.Pattern[str]:
    """`%` as any run of characters; every run is matched as short as can be, so no pattern takes long."""
    parts = [re.escape(part) for part in re.split("%+", like)]
    if len(parts) == 1:
        return re.compile(parts[0], re.DOTALL)
    # Atomic groups keep what matched first, which for literal parts is as good as any.
    middle = "".join(f"(?>.*?{part})" for part in parts[1:-1])
    return re.compile(rf"\A{parts[0]}{middle}.*{parts[-1]}\Z", re.DOTALL)


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]], fields: frozenset[str] | None) -> None:
        self.tokens = tokens
        self._fields = fields

    def _next(self) -> tuple[str, str]:
        if not self.tokens:
            raise Invalid("filter", "The filter ends too early.")
        return self.tokens.pop(0)

    def _takes(self, word: str) -> bool:
        if self.tokens and self.tokens[0][0] != "quoted" and self.tokens[0][1].lower() == word:
            self.tokens.pop(0)
            return True
        return False

    def joined(self, word: str, depth: int) -> Filter:
        if depth > MAX_DEPTH:
            raise Invalid("filter", f"The filter is nested more than {MAX_DEPTH} levels deep.")
        parts = [self._part(word, depth)]
        while self._takes(word):
            parts.append(self._part(word, depth))
        return parts[0] if len(parts) == 1 else Joined(word, tuple(parts))

    def _part(self, word: str, depth: int) -> Filter:
        return self.joined("and", depth) if word == "or" else self._single(depth)

    def _single(self, depth: int) -> Filter:
        if self._takes("("):
            inside = self.joined("or", depth + 1)
            if not self._takes(")"):
                raise Invalid("filter", "A parenthesis of the filter is not closed.")
            return inside
        return self._comparison()

    def _comparison(self) -> Comparison:
        kind, field = self._next()
        if kind == "sign":
            raise _unreadable(field)
        if self._fields is not None and field.replace("_", "-") in self._fields:
            field = field.replace("_", "-")
        elif self._fields is not None:
            raise Invalid(
                "filter", f"There is no field '{field[:40]}'; the fields are {', '.join(sorted(self._fields))}."
            )
        _, sign = self._next()
        operator = _WORDS.get(sign.lower(), sign)
        if operator not in _OPERATORS and operator != "~=":
            raise _unreadable(sign)
        kind, value = self._next()
        if kind == "sign":
            raise _unreadable(value)
        return Comparison(field, operator, _time(value) if field in TIMES and operator != "~=" else value)


def _time(text: str) -> str:
    """A moment as the fields hold them: in microseconds since the epoch."""
    return str(moment_of("filter", text) or 0)


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise _unreadable(text[at:].strip())
        token = match[match.lastgroup]
        if match.lastgroup == "quoted":
            token = token[1:-1].replace(token[0] * 2, token[0])
        tokens.append((match.lastgroup, token))
        at = match.end()
    return tokens


def _unreadable(text: str) -> Invalid:
    return Invalid("filter", f"The filter cannot be read at '{text[:20]}'.")
