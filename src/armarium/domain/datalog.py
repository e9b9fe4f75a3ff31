"""Questions in Datalog: the part of Mangle in which people ask for artifacts and what is stated about them.

    :load_aspect(/image, "urn:lab:schema:image.1", ["entity", ".camera", ".tags[*]", ".params[*].name|value"]).
    query(Id, Tag) :- ivcap_artifact(Id, Name, "image/jpeg"), image(Id, "front", Tag, Param, Value), Value > 3.

A body alone, `:- ivcap_artifact(Id, Name, Type), Type = "image/jpeg".`, asks for every variable it names.
Left out: rules beside the one that asks, and with them recursion; negation; functions and aggregation.
Source: protocols/ivcap.md, section 10; evaluated in `datalog_answers.py`.
"""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Literal, cast, get_args

import msgspec

from armarium.domain.errors import Invalid
from armarium.domain.tokens import END, Token, TokenReader

MAX_LENGTH = 16_384
MAX_PARTS = 16
"""Of a body, and `:load_aspect` lines."""
MAX_COLUMNS = 32

Value = str | int | float | bool
Operator = Literal["=", "!=", "<", "<=", ">", ">="]
EACH = "[*]"
"""The step of a column that goes to every item of a list."""

BUILT_IN: Mapping[str, int] = {
    "ivcap_artifact": 3,
    "ivcap_aspect": 3,
    "ivcap_job": 3,
    "ivcap_service": 2,
    "ivcap_artifact_produced_by": 2,
}
"""Predicates everybody has, and how many terms they take."""


class Variable(msgspec.Struct, frozen=True):
    """A variable; `_` is a different one wherever it stands."""

    name: str

    @property
    def is_named(self) -> bool:
        return self.name != "_"


class Constant(msgspec.Struct, frozen=True):
    value: Value


Term = Variable | Constant


class Atom(msgspec.Struct, frozen=True):
    """Holds for the rows of a relation."""

    predicate: str
    terms: tuple[Term, ...]


class Comparison(msgspec.Struct, frozen=True):
    """Holds where two values compare; `=` also gives a value to a variable that has none."""

    left: Term
    operator: Operator
    right: Term

    @property
    def names(self) -> set[str]:
        return {term.name for term in (self.left, self.right) if isinstance(term, Variable)}


class Column(msgspec.Struct, frozen=True):
    """What one string of `:load_aspect` takes from an aspect: its entity, or what steps into its content lead to.

    steps: names of members, and `EACH`. fields: members of what they lead to, each a term of its own; none: itself.
    """

    steps: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    is_entity: bool = False

    @property
    def width(self) -> int:
        return max(1, len(self.fields))


class Load(msgspec.Struct, frozen=True):
    """A predicate made of the aspects of a schema."""

    schema: str
    columns: tuple[Column, ...]

    @property
    def width(self) -> int:
        return sum(column.width for column in self.columns)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked: values of the variables `shown` for which all atoms and comparisons hold."""

    loads: Mapping[str, Load]
    atoms: tuple[Atom, ...]
    comparisons: tuple[Comparison, ...]
    shown: tuple[str, ...]


def parse_question(text: str) -> Question:
    """Read a question. Raises Invalid."""
    if len(text) > MAX_LENGTH:
        raise Invalid("query", f"The query is longer than {MAX_LENGTH} characters.")
    if "\0" in text:
        raise Invalid("query", "The query holds a character that stands for nothing.")
    return _checked(_Parser(_tokens(text)).question())


# what must hold beyond the grammar


def _checked(question: Question) -> Question:
    widths = {**BUILT_IN, **{name: load.width for name, load in question.loads.items()}}
    for atom in question.atoms:
        if atom.predicate not in widths:
            raise Invalid("query", f"There is no predicate '{atom.predicate[:40]}'; ':load_aspect' would make one.")
        if len(atom.terms) != widths[atom.predicate]:
            raise Invalid("query", f"The predicate '{atom.predicate}' takes {widths[atom.predicate]} terms.")
    bound = _bound(question)
    used = {name for comparison in question.comparisons for name in comparison.names}
    unbound = sorted(used.union(question.shown) - bound)
    if unbound:
        raise Invalid("query", f"No predicate gives the variable '{unbound[0][:40]}' a value.")
    return question


def _bound(question: Question) -> set[str]:
    """The variables that atoms give a value, and those that are equal to one that has a value."""
    bound = set(names_in(term for atom in question.atoms for term in atom.terms))
    for _ in question.comparisons:
        for comparison in question.comparisons:
            if gives_value(comparison, bound):
                bound |= comparison.names
    return bound


def gives_value(comparison: Comparison, bound: set[str]) -> bool:
    """Whether a comparison gives its one variable without a value that of its other side."""
    sides = (comparison.left, comparison.right)
    waiting = [side for side in sides if isinstance(side, Variable) and side.name not in bound]
    return comparison.operator == "=" and len(waiting) == 1 and waiting[0].is_named


def names_in(terms: Iterable[Term]) -> list[str]:
    """The named variables among terms, each once."""
    return list(dict.fromkeys(term.name for term in terms if isinstance(term, Variable) and term.is_named))


# text to tokens

_TOKEN = re.compile(
    r"""
      (?P<skip>\s+|\#[^\n]*)
    | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<name>/[^\W\d]\w*)
    | (?P<word>[^\W\d]\w*)
    | (?P<sign>:-|!=|<=|>=|\|>|[()\[\],.=<>:!])
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t"}
_COLUMN = re.compile(r"(?:\.[\w$-]+(?:\[\*\])?)*?\.[\w$-]+(?:\[\*\]|(?:\|[\w$-]+)+)?")
_STEP = re.compile(r"[\w$-]+|\[\*\]")
_LONGEST_NUMBER = 40
_WITHOUT: Mapping[str, str] = {"!": "Negation", "|>": "Aggregation"}


def _tokens(text: str) -> list[Token]:
    found = (Token(match.lastgroup or "other", match[0]) for match in _TOKEN.finditer(text))
    return [token for token in found if token.kind != "skip"]


class _Parser(TokenReader):
    """Recursive descent, of a fixed depth."""

    def __init__(self, tokens: list[Token]) -> None:
        super().__init__(tokens)
        self._loads: dict[str, Load] = {}

    def question(self) -> Question:
        asked: Question | None = None
        while self.peek() is not END:
            if self.take(":"):
                self._directive()
            elif asked is not None:
                raise Invalid("query", "A query is one rule; further rules are not supported.")
            else:
                asked = self._rule()
        if asked is None:
            raise Invalid("query", "The query asks for nothing: it needs a rule 'query(..) :- ..' or ':- ..'.")
        return msgspec.structs.replace(asked, loads=self._loads)

    def _directive(self) -> None:
        if not self.take("load_aspect"):
            raise self.unexpected("the only directive is ':load_aspect'")
        self.expect("(")
        name = self._kind("name", "a predicate such as '/image'")[1:]
        self.expect(",")
        schema = _unquoted(self._kind("text", "a schema"))
        self.expect(",")
        columns = self._columns()
        self.expect(")")
        self.expect(".")
        if name in BUILT_IN or name in self._loads:
            raise Invalid("query", f"There is a predicate '{name[:40]}' already.")
        if len(self._loads) == MAX_PARTS:
            raise Invalid("query", f"A query loads at most {MAX_PARTS} kinds of aspects.")
        self._loads[name] = Load(schema, columns)

    def _columns(self) -> tuple[Column, ...]:
        self.expect("[")
        columns = [_column(_unquoted(self._kind("text", "a column such as '.name'")))]
        while self.take(","):
            columns.append(_column(_unquoted(self._kind("text", "a column such as '.name'"))))
        self.expect("]")
        if sum(column.width for column in columns) > MAX_COLUMNS:
            raise Invalid("query", f"A predicate has at most {MAX_COLUMNS} columns.")
        return tuple(columns)

    def _rule(self) -> Question:
        shown: tuple[str, ...] | None = None
        if self.peek().kind == "word":
            head = self._atom(self.next().text)
            shown = tuple(names_in(head.terms))
            if head.predicate != "query" or not all(_is_named(term) for term in head.terms):
                raise Invalid("query", "The rule that asks is 'query' of variables: 'query(X, Y) :- ..'.")
        self.expect(":-")
        parts = [self._part()]
        while self.take(","):
            parts.append(self._part())
        self.expect(".")
        if len(parts) > MAX_PARTS:
            raise Invalid("query", f"A query has at most {MAX_PARTS} conditions.")
        atoms = tuple(part for part in parts if isinstance(part, Atom))
        comparisons = tuple(part for part in parts if isinstance(part, Comparison))
        if shown is None:
            compared = [term for part in comparisons for term in (part.left, part.right)]
            shown = tuple(names_in([*(term for atom in atoms for term in atom.terms), *compared]))
        return Question(loads={}, atoms=atoms, comparisons=comparisons, shown=shown)

    def _part(self) -> Atom | Comparison:
        token = self.peek()
        if token.text in _WITHOUT:
            raise Invalid("query", f"{_WITHOUT[token.text]} is not supported.")
        if token.kind == "word" and self.peek(1).text == "(":
            return self._atom(self.next().text)
        left = self._term()
        operator = self.next().text
        if operator not in get_args(Operator):
            self.back()
            raise self.unexpected("a comparison was expected")
        return Comparison(left, cast("Operator", operator), self._term())

    def _atom(self, predicate: str) -> Atom:
        self.expect("(")
        terms = [self._term()]
        while self.take(","):
            terms.append(self._term())
        self.expect(")")
        return Atom(predicate, tuple(terms))

    def _term(self) -> Term:
        token = self.next()
        if token.kind == "text":
            return Constant(_unquoted(token.text))
        if token.kind == "number":
            return Constant(_number(token.text))
        if token.text in ("/true", "/false"):
            return Constant(token.text == "/true")
        if token.kind == "word" and (token.text[0].isupper() or token.text == "_"):
            return Variable(token.text)
        self.back()
        raise self.unexpected("a variable, which begins with a capital letter, a text or a number was expected")

    # tokens

    def _kind(self, kind: str, what: str) -> str:
        if self.peek().kind != kind:
            raise self.unexpected(f"{what} was expected")
        return self.next().text

    def unexpected(self, what: str) -> Invalid:
        found = self.peek()
        if found.text in _WITHOUT:
            return Invalid("query", f"{_WITHOUT[found.text]} is not supported.")
        return Invalid("query", f"The query cannot be read: {what} at '{found.text[:20] or 'its end'}'.")


def _is_named(term: Term) -> bool:
    return isinstance(term, Variable) and term.is_named


def _unquoted(text: str) -> str:
    return _ESCAPED.sub(lambda match: _ESCAPES.get(match[1], match[1]), text[1:-1])


def _number(text: str) -> int | float:
    if len(text) <= _LONGEST_NUMBER:
        number = float(text) if set(text) & set(".eE") else int(text)
        if math.isfinite(number):
            return number
    raise Invalid("query", f"The number '{text[:20]}' is too large.")


def _column(text: str) -> Column:
    if text == "entity":
        return Column(is_entity=True)
    if not _COLUMN.fullmatch(text):
        raise Invalid("query", f"The column '{text[:40]}' is neither 'entity' nor a path such as '.a[*].b|c'.")
    path, *siblings = text.split("|")
    steps = _STEP.findall(path)
    return Column(tuple(steps[:-1]), (steps[-1], *siblings)) if siblings else Column(tuple(steps))
