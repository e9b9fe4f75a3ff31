"""Texts to blocks, also texts nobody would write."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armarium.adapters.documents.blocks import Code, Heading, Item, Paragraph, Rule, Span, Table, plain
from armarium.adapters.documents.printers import print_blocks
from armarium.adapters.documents.readers import read

MARKDOWN = """# One

Some *slanted*, **strong** and `code`.

- a
  - b
3. c

> said

| x | y |
|---|---|
| 1 | 2 |

```
  kept   so
```

---
"""


def test_markdown_is_read_for_what_it_means():
    assert read(MARKDOWN, "markdown") == [
        Heading(1, [Span("One")]),
        Paragraph(
            [
                Span("Some "), Span("slanted", italic=True), Span(", "), Span("strong", bold=True), Span(" and "),
                Span("code", code=True), Span("."),
            ]
        ),
        Item([Span("a")], 0),
        Item([Span("b")], 1),
        Item([Span("c")], 0, 3),
        Paragraph([Span("said")], quote=True),
        Table([["x", "y"], ["1", "2"]]),
        Code("  kept   so"),
        Rule(),
    ]  # fmt: skip


def test_html_gives_its_words_and_nothing_that_acts():
    page = """<html><head><title>no</title><style>p{}</style></head><body onload="x()">
      <h2>Head</h2><p>One<br>two <a href="javascript:x()">link</a></p>
      <script>alert(1)</script><img src="http://elsewhere/x.png"><iframe src="//evil">inside</iframe>
      <table><tr><td>a<td>b<tr><td>c</table><ol start="5"><li>five<li>six</ol><div>last &amp; least"""
    assert read(page, "html") == [
        Heading(2, [Span("Head")]),
        Paragraph([Span("One"), Span("\n"), Span("two "), Span("link")]),
        Table([["a", "b"], ["c", ""]], head=False),
        Item([Span("five")], 0, 5),
        Item([Span("six")], 0, 6),
        Paragraph([Span("last & least")]),
    ]


def test_tables_are_found_in_csv_and_json():
    assert read("a;b\n1;2\n3\n", "csv") == [Table([["a", "b"], ["1", "2"], ["3", ""]])]
    assert read('[{"a": 1}, {"b": "x"}]', "json") == [Table([["a", "b"], ["1", ""], ["", "x"]])]
    assert read('{"a": {"b": true}}', "json") == [Heading(2, [Span("a")]), Table([["name", "value"], ["b", "true"]])]
    assert read("one\n\ntwo\nlines", "text") == [Paragraph([Span("one")]), Paragraph([Span("two\nlines")])]
    assert read("", "csv") == read("", "markdown") == read("", "html") == read("", "text") == []


@pytest.mark.parametrize(("text", "text_format"), [("{", "json"), ("[" * 100_000, "json"), ("x" * 200_000, "csv")])
def test_what_cannot_be_read_is_told(text, text_format):
    with pytest.raises(ValueError, match=r"CSV|JSON"):
        read(text, text_format)


NAMES = ("p", "table", "tr", "td", "th", "li", "ul", "ol", "b", "pre", "h1", "blockquote", "script", "br", "hr")
TAGS = st.sampled_from([f"<{slash}{name}>" for name in NAMES for slash in ("", "/")])


@settings(max_examples=150, deadline=None)
@given(st.lists(TAGS | st.text(max_size=8), max_size=40).map("".join))
def test_any_html_can_be_read_and_printed(text):
    blocks = read(text, "html")
    for table in (block for block in blocks if isinstance(block, Table)):
        assert len({len(row) for row in table.rows}) == 1
    page = print_blocks(text, blocks, "html").decode()
    assert "<script" not in page
    assert print_blocks(text, blocks, "markdown")


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_markdown(text):
    print_blocks("t", read(text, "markdown"), "html")


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=60))
def test_html_printed_is_html_read(text):
    """What is printed says the same words when it is read again."""
    words = " ".join(text.split())
    page = print_blocks("title", [Paragraph([Span(words)])], "html").decode()
    read_again = [block for block in read(page, "html") if isinstance(block, Paragraph)]
    assert "".join(plain(block.spans) for block in read_again).split() == words.split()
