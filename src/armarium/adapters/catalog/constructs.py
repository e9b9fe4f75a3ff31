"""What SQL dialects spell differently: JSON lists as parameters, rows as JSON, text without case.

The functions named `armarium_*` are registered on every SQLite connection by `sqlite_connection.py`.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BindParameter, Column, ColumnElement, Integer, Text, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import NullType

SqlText = ColumnElement[Any]

TRUTH: Any = NullType()
"""Not SQLAlchemy's Boolean: on SQLite that becomes `... = 1`, which no index helps with."""


class InList(ColumnElement[bool]):
    """Whether a column is one of a list; the list arrives as one parameter, a JSON array of texts."""

    inherit_cache = False
    type = TRUTH

    def __init__(self, column: SqlText, parameter: str) -> None:
        self.column = column
        self.values: BindParameter[str] = bindparam(parameter, type_=Text())


@compiles(InList)  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
def _in_list(element: InList, compiler: SQLCompiler, **kw: Any) -> str:
    values = compiler.process(element.values, **kw)
    return f"{compiler.process(element.column, **kw)} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - compiled parts


@compiles(InList, "postgresql")  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
def _in_list_postgres(element: InList, compiler: SQLCompiler, **kw: Any) -> str:
    values = compiler.process(element.values, **kw)
    return f"{compiler.process(element.column, **kw)} IN (SELECT jsonb_array_elements_text(CAST({values} AS jsonb)))"


class ByteLength(ColumnElement[int]):
    """How many bytes a text takes in UTF-8."""

    inherit_cache = False
    type = Integer()

    def __init__(self, text: SqlText) -> None:
        self.text = text


@compiles(ByteLength)  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
def _byte_length(element: ByteLength, compiler: SQLCompiler, **kw: Any) -> str:
    return f"length(CAST({compiler.process(element.text, **kw)} AS BLOB))"


@compiles(ByteLength, "postgresql")  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
def _byte_length_postgres(element: ByteLength, compiler: SQLCompiler, **kw: Any) -> str:
    return f"octet_length({compiler.process(element.text, **kw)})"


class JsonRows(ColumnElement[str]):
    """The rows of a table that belong to an owner, as one JSON array of arrays, in an order."""

    inherit_cache = False
    type = Text()

    def __init__(
        self, columns: Sequence[Column[Any]], *, where: tuple[Column[Any], SqlText], order: Column[Any]
    ) -> None:
        self.columns = columns
        self.inner, self.outer = where
        self.order = order

    def source(self, compiler: SQLCompiler, **kw: Any) -> str:
        """The ordered rows; plain names inside, since the table stands there under its own name."""
        quote = compiler.preparer.quote
        names = ", ".join(quote(column.name) for column in self.columns)
        outer = compiler.process(self.outer, **kw)
        table, inner, order = (quote(item.name) for item in (self.inner.table, self.inner, self.order))
        return f"SELECT {names} FROM {table} WHERE {table}.{inner} = {outer} ORDER BY {order}"  # noqa: S608

    def names(self, compiler: SQLCompiler) -> str:
        return ", ".join("r." + compiler.preparer.quote(column.name) for column in self.columns)


@compiles(JsonRows)  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
def _json_rows(element: JsonRows, compiler: SQLCompiler, **kw: Any) -> str:
    rows = f"json_group_array(json_array({element.names(compiler)}))"
    return f"(SELECT {rows} FROM ({element.source(compiler, **kw)}) r)"  # noqa: S608


@compiles(JsonRows, "postgresql")  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
def _json_rows_postgres(element: JsonRows, compiler: SQLCompiler, **kw: Any) -> str:
    rows = f"coalesce(json_agg(json_build_array({element.names(compiler)})), '[]')"
    return f"(SELECT {rows}::text FROM ({element.source(compiler, **kw)}) r)"  # noqa: S608


class Contains(ColumnElement[bool]):
    """Whether a text contains another, which is already folded, ignoring case."""

    inherit_cache = False
    type = TRUTH

    def __init__(self, haystack: SqlText, parameter: str) -> None:
        self.haystack = haystack
        self.needle: BindParameter[str] = bindparam(parameter, type_=Text())


@compiles(Contains)  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
def _contains(element: Contains, compiler: SQLCompiler, **kw: Any) -> str:
    return f"armarium_contains({compiler.process(element.haystack, **kw)}, {compiler.process(element.needle, **kw)})"


@compiles(Contains, "postgresql")  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
def _contains_postgres(element: Contains, compiler: SQLCompiler, **kw: Any) -> str:
    return f"strpos(lower({compiler.process(element.haystack, **kw)}), {compiler.process(element.needle, **kw)}) > 0"


class MatchesPattern(ColumnElement[bool]):
    """Whether a whole text matches a pattern, ignoring case; `*` is any run and everything else literal."""

    inherit_cache = False
    type = TRUTH

    def __init__(self, subject: SqlText, parameter: str) -> None:
        self.subject = subject
        self.pattern: BindParameter[str] = bindparam(parameter, type_=Text())


@compiles(MatchesPattern)  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
def _matches(element: MatchesPattern, compiler: SQLCompiler, **kw: Any) -> str:
    return f"armarium_matches({compiler.process(element.subject, **kw)}, {compiler.process(element.pattern, **kw)})"


@compiles(MatchesPattern, "postgresql")  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
def _matches_postgres(element: MatchesPattern, compiler: SQLCompiler, **kw: Any) -> str:
    pattern = f"lower({compiler.process(element.pattern, **kw)})"
    for plain, escaped in (("\\", "\\\\"), ("%", "\\%"), ("_", "\\_"), ("*", "%")):
        pattern = f"replace({pattern}, '{plain}', '{escaped}')"
    return f"lower({compiler.process(element.subject, **kw)}) LIKE {pattern}"


class LikeWildcard(ColumnElement[bool]):
    """Whether a whole text matches a pattern in which `%` is any run and everything else literal; case counts."""

    inherit_cache = False
    type = TRUTH

    def __init__(self, subject: SqlText, parameter: str) -> None:
        self.subject = subject
        self.pattern: BindParameter[str] = bindparam(parameter, type_=Text())


@compiles(LikeWildcard)  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
def _like_wildcard(element: LikeWildcard, compiler: SQLCompiler, **kw: Any) -> str:
    # SQLite's LIKE folds case, its GLOB does not: brackets make GLOB's own wildcards literal.
    pattern = compiler.process(element.pattern, **kw)
    for plain, escaped in (("[", "[[]"), ("*", "[*]"), ("?", "[?]"), ("%", "*")):
        pattern = f"replace({pattern}, '{plain}', '{escaped}')"
    return f"{compiler.process(element.subject, **kw)} GLOB {pattern}"


@compiles(LikeWildcard, "postgresql")  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
def _like_wildcard_postgres(element: LikeWildcard, compiler: SQLCompiler, **kw: Any) -> str:
    pattern = compiler.process(element.pattern, **kw)
    for plain, escaped in (("\\", "\\\\"), ("_", "\\_")):
        pattern = f"replace({pattern}, '{plain}', '{escaped}')"
    return f"{compiler.process(element.subject, **kw)} LIKE {pattern}"


class PositionOf(ColumnElement[int]):
    """Where a text first occurs in another, counted from 1; 0 where it does not."""

    inherit_cache = False
    type = Integer()

    def __init__(self, needle: SqlText, haystack: SqlText) -> None:
        self.needle = needle
        self.haystack = haystack


@compiles(PositionOf)  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
def _position(element: PositionOf, compiler: SQLCompiler, **kw: Any) -> str:
    return f"instr({compiler.process(element.haystack, **kw)}, {compiler.process(element.needle, **kw)})"


@compiles(PositionOf, "postgresql")  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
def _position_postgres(element: PositionOf, compiler: SQLCompiler, **kw: Any) -> str:
    return f"strpos({compiler.process(element.haystack, **kw)}, {compiler.process(element.needle, **kw)})"
