"""HTML to blocks: what can be read of a page, and nothing that acts or points elsewhere.

Nothing is fetched: images, styles, frames and scripts are left out, links keep their words.
"""

import re
from html.parser import HTMLParser

from armarium.adapters.documents.blocks import Block, Code, Heading, Item, Paragraph, Rule, Span, Table, squared

_SKIPPED = frozenset({"script", "style", "template", "noscript", "head", "svg", "math", "iframe", "object", "title"})
_ENDS_BLOCK = frozenset(
    {
        "p", "div", "section", "article", "header", "footer", "main", "aside", "nav", "address", "figure", "figcaption",
        "dl", "dt", "dd", "form", "fieldset", "body", "html", "details", "summary", "center", "hgroup",
    }
)  # fmt: skip
_STYLES = {"b": "bold", "strong": "bold", "i": "italic", "em": "italic", "code": "code", "kbd": "code", "tt": "code"}
_SPACE = re.compile(r"[ \t\r\n\f]+")
_DEEPEST = 20


def read_html(text: str) -> list[Block]:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.finished()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._blocks: list[Block] = []
        self._spans: list[Span] = []
        self._styles: dict[str, int] = {"bold": 0, "italic": 0, "code": 0}
        self._skipped: str | None = None
        self._heading = 0
        self._quotes = 0
        self._lists: list[int | None] = []
        self._in_item = False
        self._pre = 0
        self._rows: list[list[str]] | None = None
        self._has_head = False

    def finished(self) -> list[Block]:
        self._end_table()
        self._end_block()
        return self._blocks

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._skipped is not None:
            return
        if tag in _SKIPPED:
            self._skipped = tag
        elif tag in _STYLES:
            self._styles[_STYLES[tag]] += 1
        elif tag == "br":
            self._spans.append(Span("\n"))
        elif tag in ("tr", "td", "th", "table"):
            self._begin_table_part(tag)
        else:
            self._begin_block(tag, dict(attrs))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _SKIPPED:
            self.handle_starttag(tag, attrs)

    def _begin_block(self, tag: str, attributes: dict[str, str | None]) -> None:
        if tag in ("ul", "ol"):
            self._end_block()
            start = attributes.get("start") or "1"
            number = int(start) - 1 if start.isascii() and start.isdigit() and len(start) < 7 else 0
            self._lists.append(None if tag == "ul" else number)
        elif tag == "li":
            self._end_block()
            self._in_item = True
            if self._lists and self._lists[-1] is not None:
                self._lists[-1] += 1
        elif tag == "hr":
            self._end_block()
            self._blocks.append(Rule())
        elif tag == "pre":
            self._end_block()
            self._pre += 1
        elif tag == "blockquote":
            self._end_block()
            self._quotes += 1
        elif len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
            self._end_block()
            self._heading = int(tag[1])
        elif tag in _ENDS_BLOCK and not self._in_item:
            self._end_block()

    def handle_endtag(self, tag: str) -> None:
        if self._skipped is not None:
            self._skipped = None if tag == self._skipped else self._skipped
        elif tag in _STYLES:
            style = _STYLES[tag]
            self._styles[style] = max(0, self._styles[style] - 1)
        elif tag == "table":
            self._end_table()
        elif tag in ("td", "th", "tr"):
            self._end_cell()
        else:
            self._end_of_block(tag)

    def _end_of_block(self, tag: str) -> None:
        if tag in ("ul", "ol"):
            self._end_block()
            if self._lists:
                self._lists.pop()
        elif tag == "blockquote":
            self._end_block()
            self._quotes = max(0, self._quotes - 1)
        elif (tag in ("pre", "li", *_ENDS_BLOCK) or (len(tag) == 2 and tag[0] == "h")) and not (
            tag == "p" and self._in_item
        ):
            self._end_block()

    def handle_data(self, data: str) -> None:
        if self._skipped is not None:
            return
        text = data if self._pre else _SPACE.sub(" ", data)
        if text:
            self._spans.append(Span(text, *(count > 0 for count in self._styles.values())))

    # what was gathered becomes a block

    def _end_block(self) -> None:
        if self._rows is not None:
            return  # a table's cells hold text alone
        spans, self._spans = self._spans, []
        text = "".join(span.text for span in spans)
        if self._pre:
            self._pre = 0
            self._blocks.append(Code(text.strip("\n")))
        elif text.strip():
            self._blocks.append(self._block(_trimmed(spans)))
        self._heading = 0
        self._in_item = False

    def _block(self, spans: list[Span]) -> Block:
        if self._heading:
            return Heading(self._heading, spans)
        if self._in_item:
            depth = min(max(len(self._lists) - 1, 0), _DEEPEST)
            return Item(spans, depth, self._lists[-1] if self._lists else None)
        return Paragraph(spans, quote=self._quotes > 0)

    def _begin_table_part(self, tag: str) -> None:
        if self._rows is None:
            self._end_block()
            self._rows = []
        if tag == "tr":
            self._end_cell()
            self._rows.append([])
        elif tag in ("td", "th"):
            self._end_cell()
            if not self._rows:
                self._rows.append([])
            self._has_head = self._has_head or (tag == "th" and len(self._rows) == 1)
            self._rows[-1].append("")

    def _end_cell(self) -> None:
        text = _SPACE.sub(" ", "".join(span.text for span in self._spans)).strip()
        self._spans = []
        if self._rows and self._rows[-1] and text:
            self._rows[-1][-1] = f"{self._rows[-1][-1]} {text}".strip()

    def _end_table(self) -> None:
        if self._rows is None:
            return
        self._end_cell()
        rows = squared([row for row in self._rows if row])
        if rows:
            self._blocks.append(Table(rows, head=self._has_head))
        self._rows, self._has_head = None, False


def _trimmed(spans: list[Span]) -> list[Span]:
    """Spans without space at the ends of the whole."""
    first = Span(spans[0].text.lstrip(), spans[0].bold, spans[0].italic, spans[0].code)
    spans = [first, *spans[1:]]
    last = spans[-1]
    spans[-1] = Span(last.text.rstrip(), last.bold, last.italic, last.code)
    return [span for span in spans if span.text]
