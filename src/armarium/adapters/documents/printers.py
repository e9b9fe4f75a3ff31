"""Blocks to documents: HTML, Markdown, DOCX and PDF. What comes in is text and is never read as markup again."""

import html
import io
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from armarium.adapters.documents.blocks import Block, Code, Heading, Item, Paragraph, Rule, Span, Table

_TEMPLATE = Path(__file__).with_name("document.typ")
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{border:1px solid #bbb;padding:.25rem .5rem;text-align:left}"
    "pre{background:#f4f4f4;padding:.75rem;overflow:auto}"
    "blockquote{border-left:3px solid #bbb;margin-left:0;padding-left:1rem}"
)
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""What neither XML nor a page can hold."""


def print_blocks(title: str, blocks: Sequence[Block], target: str) -> bytes:
    """Return the document."""
    return _PRINTERS[target](_clean(title), blocks)


def _clean(text: str) -> str:
    return _UNPRINTABLE.sub("", text)


# HTML


def _print_html(title: str, blocks: Sequence[Block]) -> bytes:
    name = html.escape(title)
    body = "\n".join(_html_of(block) for block in blocks)
    head = f'<meta charset="utf-8"><title>{name}</title><style>{_STYLE}</style>'
    return f"<!doctype html>\n<html><head>{head}</head><body>\n<h1>{name}</h1>\n{body}\n</body></html>\n".encode()


def _html_of(block: Block) -> str:
    match block:
        case Heading(level=level, spans=spans):
            return f"<h{level}>{_html_spans(spans)}</h{level}>"
        case Paragraph(spans=spans, quote=quote):
            text = f"<p>{_html_spans(spans)}</p>"
            return f"<blockquote>{text}</blockquote>" if quote else text
        case Item(spans=spans, depth=depth, number=number):
            tag, start = ("ul", "") if number is None else ("ol", f' start="{number}"')
            indent = f' style="margin-left:{depth * 1.5}rem"' if depth else ""
            return f"<{tag}{start}{indent}><li>{_html_spans(spans)}</li></{tag}>"
        case Code(text=text):
            return f"<pre>{html.escape(_clean(text))}</pre>"
        case Table(rows=rows, head=head):
            return f"<table>{''.join(_html_row(row, at == 0 and head) for at, row in enumerate(rows))}</table>"
        case Rule():
            return "<hr>"


def _html_row(row: list[str], is_head: bool) -> str:
    tag = "th" if is_head else "td"
    return f"<tr>{''.join(f'<{tag}>{html.escape(_clean(cell))}</{tag}>' for cell in row)}</tr>"


def _html_spans(spans: list[Span]) -> str:
    return "".join(map(_html_span, spans))


def _html_span(span: Span) -> str:
    text = html.escape(_clean(span.text)).replace("\n", "<br>\n")
    for tag, wanted in (("code", span.code), ("em", span.italic), ("strong", span.bold)):
        text = f"<{tag}>{text}</{tag}>" if wanted else text
    return text


# Markdown

_MARKS = re.compile(r"([\\`*_\[\]<>#|])")


def _print_markdown(title: str, blocks: Sequence[Block]) -> bytes:
    return ("\n\n".join([f"# {_escaped(title)}", *map(_markdown_of, blocks)]) + "\n").encode()


def _markdown_of(block: Block) -> str:
    match block:
        case Heading(level=level, spans=spans):
            return f"{'#' * level} {_markdown_spans(spans)}"
        case Paragraph(spans=spans, quote=quote):
            return ("> " if quote else "") + _markdown_spans(spans)
        case Item(spans=spans, depth=depth, number=number):
            mark = "-" if number is None else f"{number}."
            return f"{'   ' * depth}{mark} {_markdown_spans(spans)}"
        case Code(text=text):
            fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=2) + 1)
            return f"{fence}\n{_clean(text)}\n{fence}" if len(fence) > 2 else f"```\n{_clean(text)}\n```"
        case Table(rows=rows):
            lines = ["| " + " | ".join(map(_escaped, row)) + " |" for row in rows]
            return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])
        case Rule():
            return "---"


def _markdown_spans(spans: list[Span]) -> str:
    return "".join(_markdown_span(span) for span in spans)


def _markdown_span(span: Span) -> str:
    text = _escaped(span.text)
    mark = "***" if span.bold and span.italic else "**" if span.bold else "*" if span.italic else ""
    return f"{mark}{text}{mark}" if text.strip() else text


def _escaped(text: str) -> str:
    return _MARKS.sub(r"\\\1", _clean(text))


# DOCX


def _print_docx(title: str, blocks: Sequence[Block]) -> bytes:
    import docx  # noqa: PLC0415 - part of an extra

    document = docx.Document()
    document.core_properties.title = title[:255]
    document.add_heading(title, 0)
    for block in blocks:
        _add_to_docx(document, block)
    made = io.BytesIO()
    document.save(made)
    return made.getvalue()


def _add_to_docx(document: "docx.document.Document", block: Block) -> None:  # type: ignore[name-defined]  # noqa: F821
    match block:
        case Heading(level=level, spans=spans):
            _add_runs(document.add_heading(level=level), spans)
        case Paragraph(spans=spans, quote=quote):
            _add_runs(document.add_paragraph(style="Quote" if quote else None), spans)
        case Item(spans=spans, depth=depth, number=number):
            kind = "List Bullet" if number is None else "List Number"
            _add_runs(document.add_paragraph(style=kind + ("" if depth == 0 else f" {min(depth, 2) + 1}")), spans)
        case Code(text=text):
            _add_runs(document.add_paragraph(), [Span(text, code=True)])
        case Table(rows=rows):
            _add_docx_table(document, rows)
        case Rule():
            document.add_paragraph("_" * 40)


def _add_runs(paragraph: "docx.text.paragraph.Paragraph", spans: list[Span]) -> None:  # type: ignore[name-defined]  # noqa: F821
    for span in spans:
        run = paragraph.add_run(_clean(span.text))
        run.bold, run.italic = span.bold or None, span.italic or None
        if span.code:
            run.font.name = "Courier New"


def _add_docx_table(document: "docx.document.Document", rows: list[list[str]]) -> None:  # type: ignore[name-defined]  # noqa: F821
    table = document.add_table(rows=len(rows), cols=len(rows[0]), style="Table Grid")
    width = len(rows[0])
    cells = table._cells  # noqa: SLF001 - asking row by row takes the square of the time
    for at, text in enumerate(text for row in rows for text in row):
        cells[at // width * width + at % width].text = _clean(text)


# PDF


def _print_pdf(title: str, blocks: Sequence[Block]) -> bytes:
    import typst  # noqa: PLC0415 - part of an extra

    data = {"title": title, "blocks": msgspec.to_builtins(list(blocks))}
    text = _UNPRINTABLE.sub("", msgspec.json.encode(data).decode())
    made: bytes = typst.compile(_TEMPLATE.read_bytes(), sys_inputs={"document": text})
    return made


_PRINTERS: Mapping[str, Callable[[str, Sequence[Block]], bytes]] = {
    "html": _print_html,
    "markdown": _print_markdown,
    "docx": _print_docx,
    "pdf": _print_pdf,
}
