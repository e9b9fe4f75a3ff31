"""Texts to blocks, by their format. Raises ValueError, with words for whoever sent the text."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

from armarium.adapters.documents.blocks import Block, Code, Heading, Paragraph, Span, Table, squared
from armarium.adapters.documents.html_reader import read_html

_MOST_CELLS = 100_000
_LONGEST_CELL = 100_000


def read(text: str, text_format: str) -> list[Block]:
    """Return the blocks of a text."""
    return _READERS[text_format](text)


def _read_markdown(text: str) -> list[Block]:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - part of an extra

    return read_html(MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).render(text))


def _read_text(text: str) -> list[Block]:
    paragraphs = text.replace("\r\n", "\n").replace("\f", "\n\n").split("\n\n")
    return [Paragraph([Span(paragraph.strip("\n"))]) for paragraph in paragraphs if paragraph.strip()]


def _read_csv(text: str) -> list[Block]:
    csv.field_size_limit(_LONGEST_CELL)
    first_line = text[:10_000].partition("\n")[0]
    delimiter = max(",;\t|", key=first_line.count)
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
    except csv.Error as error:
        raise ValueError(f"The CSV cannot be read: {error}.") from None
    return [_table(rows)] if rows else []


def _table(rows: list[list[str]]) -> Table:
    rows = squared(rows)
    if sum(map(len, rows)) > _MOST_CELLS:
        raise ValueError(f"The table has more than {_MOST_CELLS} cells.")
    return Table(rows)


def _read_json(text: str) -> list[Block]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ValueError(f"The JSON cannot be read: {error}.") from None
    except RecursionError:
        raise ValueError("The JSON is nested too deeply.") from None
    return _blocks_of(value, 2)


def _blocks_of(value: Any, level: int) -> list[Block]:
    """Objects of objects become sections, lists of flat objects tables, and the rest what it is."""
    if isinstance(value, list) and value and all(_is_flat(item) for item in value):
        names = list(dict.fromkeys(name for item in value for name in item))
        return [_table([names, *([_cell(item.get(name)) for name in names] for item in value)])]
    if isinstance(value, dict) and _is_flat(value):
        return [_table([["name", "value"], *([str(name), _cell(item)] for name, item in value.items())])]
    if isinstance(value, dict) and level <= 6:
        sections: list[Block] = []
        for name, item in value.items():
            sections += [Heading(level, [Span(str(name))]), *_blocks_of(item, level + 1)]
        return sections
    if isinstance(value, str | int | float | None):
        return [Paragraph([Span(_cell(value))])]
    return [Code(json.dumps(value, ensure_ascii=False, indent=2))]


def _is_flat(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and not any(isinstance(item, dict | list) for item in value.values())


def _cell(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


_READERS: Mapping[str, Callable[[str], list[Block]]] = {
    "markdown": _read_markdown,
    "html": read_html,
    "csv": _read_csv,
    "json": _read_json,
    "text": _read_text,
}
