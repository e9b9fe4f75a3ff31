"""What SQL dialects spell differently: JSON lists as parameters, rows as JSON, text without case.

The functions named `armarium_*` are registered on every SQLite connection by `sqlite_connection.py`, and made in
every PostgreSQL database by `postgres_functions.py`.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Integer,
    Select,
    TableClause,
    Text,
    bindparam,
    column,
    literal_column,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import NullType

SqlText = ColumnElement[Any]

_SHORT = 6
"""Signs of a text of which every trigram is looked up."""

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
    # An array and no subquery to join with: the index is asked for each of them, however many PostgreSQL expects.
    items = f"ARRAY(SELECT jsonb_array_elements_text(CAST({values} AS jsonb)))"
    return f"{compiler.process(element.column, **kw)} = ANY({items})"


class Holds(ColumnElement[bool]):
    """Whether a question about the row at hand finds something, asked row by row as the database comes to them.

    PostgreSQL makes joins of plain EXISTS, and may then begin at their end and look at everything, though the order has
    an index and a page is soon full.
    """

    inherit_cache = False
    type = TRUTH

    def __init__(self, question: Select[Any]) -> None:
        self.question = question


@compiles(Holds)  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
def _holds(element: Holds, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.question.exists(), **kw)


@compiles(Holds, "postgresql")  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
def _holds_postgres(element: Holds, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.question.offset(literal_column("0")).exists(), **kw)


class Listed(TableClause):
    """The items of a list as a table of one column `item`; the list arrives as one parameter, a JSON array of texts."""

    inherit_cache = False

    def __init__(self, parameter: str) -> None:
        super().__init__("listed", column("item", Text()))
        self.items: BindParameter[str] = bindparam(parameter, type_=Text())


@compiles(Listed)  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
def _listed(element: Listed, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(SELECT value AS item FROM json_each({compiler.process(element.items)})) AS listed"  # noqa: S608


@compiles(Listed, "postgresql")  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
def _listed_postgres(element: Listed, compiler: SQLCompiler, **kw: Any) -> str:
    return f"jsonb_array_elements_text(CAST({compiler.process(element.items)} AS jsonb)) AS listed(item)"


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


class ManifestContains(ColumnElement[bool]):
    """Whether an artifact's manifest contains a text, which is already folded, ignoring case."""

    inherit_cache = False
    type = TRUTH

    def __init__(self, artifact_id: SqlText, manifest: SqlText, parameter: str) -> None:
        self.artifact_id = artifact_id
        self.manifest = manifest
        self.needle: BindParameter[str] = bindparam(parameter, type_=Text())


@compiles(ManifestContains)  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
def _contains(element: ManifestContains, compiler: SQLCompiler, **kw: Any) -> str:
    return f"armarium_contains({compiler.process(element.manifest, **kw)}, {compiler.process(element.needle, **kw)})"


@compiles(ManifestContains, "postgresql")  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
def _contains_postgres(element: ManifestContains, compiler: SQLCompiler, **kw: Any) -> str:
    needle = compiler.process(element.needle, **kw)
    own = f"artifact_id = {compiler.process(element.artifact_id, **kw)}"
    return f"strpos((SELECT body FROM text_body WHERE {own}), {needle}) > 0"  # noqa: S608


class TextHits(TableClause):
    """What the trigram index finds, as a table of one column `artifact_id`: at least all that contain a text.

    On SQLite that is also everything the index does not know yet.

    needle: the parameter with the folded text; trigrams: the one with FTS5's query for it.
    """

    inherit_cache = False

    def __init__(self, needle: str, trigrams: str) -> None:
        super().__init__("hits", column("artifact_id"))
        self.needle: BindParameter[str] = bindparam(needle, type_=Text())
        self.trigrams: BindParameter[str] = bindparam(trigrams, type_=Text())


@compiles(TextHits)  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
def _text_hits(element: TextHits, compiler: SQLCompiler, **kw: Any) -> str:
    query = compiler.process(element.trigrams)
    source = "text_index JOIN text_doc ON text_doc.id = text_index.rowid"
    found = f"SELECT text_doc.artifact_id FROM {source} WHERE text_index MATCH {query}"  # noqa: S608
    return f"({found} UNION ALL SELECT artifact_id FROM text_pending) AS hits"  # noqa: S608


@compiles(TextHits, "postgresql")  # type: ignore[no-untyped-call, untyped-decorator, unused-ignore]
def _text_hits_postgres(element: TextHits, compiler: SQLCompiler, **kw: Any) -> str:
    # Every second one covers all signs of a long text; looking up a trigram costs more than comparing a few texts more.
    runs = f"unnest(armarium_trigrams({compiler.process(element.needle)})) WITH ORDINALITY AS run(signs, number)"
    short = f"length({compiler.process(element.needle)}) <= {_SHORT}"
    trigrams = f"ARRAY(SELECT signs FROM {runs} WHERE number % 2 = 1 OR {short})"  # noqa: S608 - compiled parts
    return f"(SELECT artifact_id FROM text_body WHERE armarium_trigrams(body) @> {trigrams}) AS hits"  # noqa: S608


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
    pattern = f"armarium_fold({compiler.process(element.pattern, **kw)})"
    for plain, escaped in (("\\", "\\\\"), ("%", "\\%"), ("_", "\\_"), ("*", "%")):
        pattern = f"replace({pattern}, '{plain}', '{escaped}')"
    return f"armarium_fold({compiler.process(element.subject, **kw)}) LIKE {pattern}"


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
