"""The project's Markdown as data: headings, links and code blocks of a page."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

_PARSER = MarkdownIt("commonmark").enable("table")


class CodeBlock(NamedTuple):
    language: str
    text: str
    line: int


class Link(NamedTuple):
    page: Path
    target: str

    @property
    def is_local(self) -> bool:
        return not re.match(r"[a-z]+:", self.target)

    @property
    def file(self) -> Path:
        path = unquote(self.target.partition("#")[0])
        return (self.page.parent / path).resolve() if path else self.page

    @property
    def anchor(self) -> str:
        return self.target.partition("#")[2]


def code_blocks(page: Path) -> list[CodeBlock]:
    fences = (token for token in _PARSER.parse(page.read_text()) if token.type == "fence")
    return [CodeBlock(token.info.strip(), token.content, token.map[0] + 2 if token.map else 0) for token in fences]


def links(page: Path) -> Iterator[Link]:
    for token in _inline(page):
        target = token.attrGet("href") or token.attrGet("src")
        if target:
            yield Link(page, str(target))


def headings(page: Path) -> list[str]:
    tokens = _PARSER.parse(page.read_text())
    return [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]


def anchors(page: Path) -> set[str]:
    """Anchors of the headings, as both a forge and the rendered documentation make them."""
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings(page)}


def section(page: Path, heading: str) -> str:
    """The text under a heading, up to the next one of any level."""
    _, found, rest = page.read_text().partition(f"# {heading}\n")
    return re.split(r"^#+ ", rest, maxsplit=1, flags=re.MULTILINE)[0] if found else ""


def _inline(page: Path) -> Iterator[Token]:
    for token in _PARSER.parse(page.read_text()):
        yield from token.children or ()
