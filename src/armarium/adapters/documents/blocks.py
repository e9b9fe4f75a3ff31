"""A text as blocks: what every reader makes and every printer takes."""

import msgspec


class Span(msgspec.Struct, frozen=True):
    """A run of text in one style."""

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False


class Heading(msgspec.Struct, frozen=True, tag=True):
    """level: 1 to 6."""

    level: int
    spans: list[Span]


class Paragraph(msgspec.Struct, frozen=True, tag=True):
    """quote: said by somebody else."""

    spans: list[Span]
    quote: bool = False


class Item(msgspec.Struct, frozen=True, tag=True):
    """An item of a list. depth: 0 for the outermost list. number: None in a list of points."""

    spans: list[Span]
    depth: int
    number: int | None = None


class Code(msgspec.Struct, frozen=True, tag=True):
    """Text whose line breaks and spaces count."""

    text: str


class Table(msgspec.Struct, frozen=True, tag=True):
    """Rows of equally many cells. head: whether the first row names the columns."""

    rows: list[list[str]]
    head: bool = True


class Rule(msgspec.Struct, frozen=True, tag=True):
    """A line across the page."""


Block = Heading | Paragraph | Item | Code | Table | Rule


def plain(spans: list[Span]) -> str:
    return "".join(span.text for span in spans)


def squared(rows: list[list[str]]) -> list[list[str]]:
    """Rows filled up to the length of the longest."""
    width = max((len(row) for row in rows), default=0)
    return [row + [""] * (width - len(row)) for row in rows]
