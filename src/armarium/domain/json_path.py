"""SQL/JSON paths, the subset in which people ask whether a document matches: parsed here, evaluated in `json_match.py`.

    $.item ? (@ == "x")            $.images[*] ? (@.size > 10000 && exists(@.name))
    $."odd-key"[0 to 2]            $.name ? (@ like_regex "^my" flag "i")

Left out: arithmetic, variables, date and conversion methods. Source: ISO/IEC 9075-2, 9.39; PostgreSQL's reading of it.
"""

import re
from typing import Literal

import msgspec

from armarium.domain.errors import Invalid
from armarium.domain.tokens import END, Token, TokenReader

MAX_LENGTH = 4096
MAX_DEPTH = 32
MAX_REGEX = 512

Value = str | int | float | bool | None


class Key(msgspec.Struct, frozen=True):
    """A member of an object; None for every member."""

    name: str | None


class Descend(msgspec.Struct, frozen=True):
    """The item itself and everything below it."""


class Bound(msgspec.Struct, frozen=True):
    """An index of an array, counted from its beginning or back from its last item."""

    number: int
    from_last: bool = False


class Items(msgspec.Struct, frozen=True):
    """Items of an array by spans, both ends included; no spans for all of them."""

    spans: tuple[tuple[Bound, Bound], ...] = ()


class Method(msgspec.Struct, frozen=True):
    """What an item is like: how many items it has, or the name of its type."""

    name: Literal["size", "type"]


class Where(msgspec.Struct, frozen=True):
    """Only the items a predicate holds for."""

    predicate: "Predicate"


Step = Key | Descend | Items | Method | Where


class Path(msgspec.Struct, frozen=True):
    """Steps from the root of the document (`$`) or from the item a filter looks at (`@`)."""

    from_root: bool
    steps: tuple[Step, ...] = ()


class Literally(msgspec.Struct, frozen=True):
    value: Value


Operand = Path | Literally


class Compare(msgspec.Struct, frozen=True):
    left: Operand
    operator: Literal["==", "!=", "<", "<=", ">", ">="]
    right: Operand


class StartsWith(msgspec.Struct, frozen=True):
    subject: Operand
    text: str


class LikeRegex(msgspec.Struct, frozen=True):
    """flags: `i` ignores case, `s` lets dots match newlines, `m` looks at lines, `q` takes the pattern literally."""

    subject: Operand
    pattern: str
    flags: str = ""


class Exists(msgspec.Struct, frozen=True):
    path: Path


class Not(msgspec.Struct, frozen=True):
    predicate: "Predicate"


class AllOf(msgspec.Struct, frozen=True):
    predicates: tuple["Predicate", ...]


class AnyOf(msgspec.Struct, frozen=True):
    predicates: tuple["Predicate", ...]


Predicate = Compare | StartsWith | LikeRegex | Exists | Not | AllOf | AnyOf


class JsonPath(msgspec.Struct, frozen=True):
    """A path that yields items, or a predicate that holds. strict: what does not fit the document is no match."""

    root: Path | Predicate
    strict: bool = False


def parse_json_path(text: str) -> JsonPath:
    """Read a path. Raises Invalid."""
    if len(text) > MAX_LENGTH:
        raise Invalid("content-path", f"The path is longer than {MAX_LENGTH} characters.")
    parser = _Parser(_tokens(text))
    strict = parser.take("strict")
    if not strict:
        parser.take("lax")
    root = parser.either()
    parser.end()
    if isinstance(root, Literally):
        raise Invalid("content-path", "A path starts with '$'.")
    return JsonPath(root, strict)


def required_text(path: JsonPath) -> str | None:
    """A text without which no document can match, the longest there is: good for looking before reading."""
    texts = _required(path.root)
    return max(texts, key=len, default=None)


def regexes(part: Path | Predicate) -> list[LikeRegex]:
    """Every regular expression in a path or predicate."""
    match part:
        case LikeRegex():
            return [part]
        case Path(steps=steps):
            return [regex for step in steps if isinstance(step, Where) for regex in regexes(step.predicate)]
        case AllOf(parts) | AnyOf(parts):
            return [regex for one in parts for regex in regexes(one)]
        case Not(inner) | Exists(inner):
            return regexes(inner)
    return []


def _required(part: Path | Predicate) -> list[str]:
    match part:
        case Path(steps=steps):
            return [text for step in steps if isinstance(step, Where) for text in _required(step.predicate)]
        case AllOf(predicates):
            return [text for predicate in predicates for text in _required(predicate)]
        case Exists(path):
            return _required(path)
        case Compare(Path(), "==", Literally(str() as text)) | Compare(Literally(str() as text), "==", Path()):
            return [text]
    return []


_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>"(?:[^"\\]|\\.)*")
    | (?P<number>-?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)
    | (?P<word>[^\W\d]\w*)
    | (?P<sign>\*\*|&&|\|\||==|!=|<>|<=|>=|[$@.,*?!<>()\[\]])
    )""",
    re.VERBOSE,
)


def _tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise Invalid("content-path", f"The path cannot be read at '{text[at:].strip()[:20]}'.")
        tokens.append(Token(match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return tokens


_COMPARISONS = ("==", "!=", "<>", "<", "<=", ">", ">=")
_LITERALS: dict[str, Value] = {"true": True, "false": False, "null": None}


class _Parser(TokenReader):
    """Recursive descent; every production that may hold another of its kind counts its depth."""

    def __init__(self, tokens: list[Token]) -> None:
        super().__init__(tokens)
        self._depth = 0

    # tokens

    def unexpected(self, what: str) -> Invalid:
        found = self.peek()
        return Invalid("content-path", f"The path cannot be read: {what} at '{found.text[:20] or 'its end'}'.")

    def end(self) -> None:
        if self.peek() is not END:
            raise self.unexpected("its end was expected")

    # predicates

    def either(self) -> Operand | Predicate:
        """Predicates joined by `||`, or what stands alone."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Invalid("content-path", f"The path is nested more than {MAX_DEPTH} levels deep.")
        parts = [self._both()]
        while self.take("||"):
            parts.append(self._both())
        self._depth -= 1
        return parts[0] if len(parts) == 1 else AnyOf(tuple(self._predicate(part) for part in parts))

    def _both(self) -> Operand | Predicate:
        parts = [self._single()]
        while self.take("&&"):
            parts.append(self._single())
        return parts[0] if len(parts) == 1 else AllOf(tuple(self._predicate(part) for part in parts))

    def _predicate(self, part: Operand | Predicate) -> Predicate:
        if isinstance(part, Path | Literally):
            raise self.unexpected("a condition was expected")
        return part

    def _single(self) -> Operand | Predicate:
        if self.take("!"):
            self.expect("(")
            return Not(self._closed())
        if self.peek().text == "exists" and self.peek(1).text == "(":
            self.next()
            self.next()
            path = self._operand()
            if not isinstance(path, Path):
                raise self.unexpected("a path was expected")
            self.expect(")")
            return Exists(path)
        if self.take("("):
            return self._closed()
        return self._comparison()

    def _closed(self) -> Predicate:
        inside = self._predicate(self.either())
        self.expect(")")
        return inside

    def _comparison(self) -> Operand | Predicate:
        left = self._operand()
        token = self.peek()
        if token.kind == "sign" and token.text in _COMPARISONS:
            self.next()
            operator = "!=" if token.text == "<>" else token.text
            return Compare(left, operator, self._operand())  # type: ignore[arg-type]
        if self.take("starts"):
            self.expect("with")
            return StartsWith(left, self._text())
        if self.take("like_regex"):
            return self._regex(left)
        return left

    def _regex(self, subject: Operand) -> LikeRegex:
        pattern = self._text()
        flags = self._text() if self.take("flag") else ""
        if len(pattern) > MAX_REGEX:
            raise Invalid("content-path", f"The regular expression is longer than {MAX_REGEX} characters.")
        if set(flags) - set("ismq"):
            raise Invalid("content-path", "The flags of a regular expression are i, s, m and q.")
        return LikeRegex(subject, pattern, flags)

    # operands

    def _operand(self) -> Operand:
        token = self.next()
        if token.kind == "sign" and token.text in ("$", "@"):
            return Path(token.text == "$", self._steps())
        if token.kind == "text":
            return Literally(self._unquoted(token.text))
        if token.kind == "number":
            return Literally(self._number(token.text))
        if token.kind == "word" and token.text in _LITERALS:
            return Literally(_LITERALS[token.text])
        self.back()
        raise self.unexpected("a path or a value was expected")

    def _text(self) -> str:
        token = self.next()
        if token.kind != "text":
            self.back()
            raise self.unexpected("a quoted text was expected")
        return self._unquoted(token.text)

    def _unquoted(self, text: str) -> str:
        try:
            return msgspec.json.decode(text, type=str)
        except (msgspec.DecodeError, UnicodeEncodeError):
            raise Invalid("content-path", f"The text {text[:40]} is not quoted as JSON does it.") from None

    def _number(self, text: str) -> int | float:
        return int(text) if text.lstrip("-").isdigit() and len(text) < 20 else float(text)

    def _steps(self) -> tuple[Step, ...]:
        steps: list[Step] = []
        while True:
            if self.take("."):
                steps.append(self._member())
            elif self.take("["):
                steps.append(self._items())
            elif self.take("?"):
                self.expect("(")
                steps.append(Where(self._closed()))
            else:
                return tuple(steps)

    def _member(self) -> Step:
        token = self.next()
        if token.kind == "text":
            return Key(self._unquoted(token.text))
        if token.text == "*":
            return Key(None)
        if token.text == "**":
            return Descend()
        if token.kind != "word":
            self.back()
            raise self.unexpected("a key was expected")
        if not self.take("("):
            return Key(token.text)
        self.expect(")")
        if token.text == "size":
            return Method("size")
        if token.text == "type":
            return Method("type")
        raise Invalid("content-path", f"The method '{token.text}()' is not supported.")

    def _items(self) -> Items:
        if self.take("*"):
            self.expect("]")
            return Items()
        spans = [self._span()]
        while self.take(","):
            spans.append(self._span())
        self.expect("]")
        return Items(tuple(spans))

    def _span(self) -> tuple[Bound, Bound]:
        first = self._bound()
        return (first, self._bound()) if self.take("to") else (first, first)

    def _bound(self) -> Bound:
        if self.take("last"):
            back = self.peek()
            if back.kind == "number" and back.text.startswith("-") and back.text[1:].isdigit():  # `last-1`
                self.next()
                return Bound(int(back.text[:19]), from_last=True)
            return Bound(0, from_last=True)
        token = self.next()
        if token.kind != "number" or not token.text.isdigit():
            self.back()
            raise self.unexpected("an index was expected")
        return Bound(int(token.text[:18]))
