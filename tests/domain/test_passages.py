import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armarium.domain.document import TextFormat
from armarium.domain.errors import Invalid
from armarium.domain.passages import Cut, Material, Span, checked_cut, spans_of

TEXTS = st.lists(st.sampled_from(["a", "word", "\n\n", "\n", ". ", " ", "\u3002", "x" * 30, "\t"]), max_size=60).map(
    "".join
)
CUTS = st.integers(4, 40).flatmap(lambda size: st.builds(Cut, size=st.just(size), overlap=st.integers(0, size // 2)))


@given(TEXTS, CUTS)
def test_passages_hold_all_of_a_text_in_order(text, cut):
    spans = list(spans_of(text, cut))
    held = {at for span in spans for at in range(span.start, span.end)}
    assert [at for at, letter in enumerate(text) if not letter.isspace() and at not in held] == []
    for span in spans:
        passage = text[span.start : span.end]
        assert 0 < len(passage) <= cut.size
        assert passage == passage.strip()
    for before, after in itertools.pairwise(spans):
        assert before.start < after.start
        assert before.end < after.end
        assert before.end - after.start <= cut.overlap


def test_a_passage_ends_where_a_paragraph_does():
    text = "One two three four.\n\nFive six seven eight. Nine ten eleven."
    assert [text[span.start : span.end] for span in spans_of(text, Cut(size=30, overlap=0))] == [
        "One two three four.",
        "Five six seven eight.",
        "Nine ten eleven.",
    ]


def test_a_passage_begins_with_a_word_of_the_one_before():
    text = " ".join(f"word{n}" for n in range(20))
    spans = list(spans_of(text, Cut(size=60, overlap=20)))
    assert all(text[span.start : span.end].startswith("word") for span in spans)
    assert all(before.end > after.start for before, after in itertools.pairwise(spans))


def test_text_without_words_overlaps_too():
    assert list(spans_of("x" * 100, Cut(size=60, overlap=20))) == [Span(0, 60), Span(40, 100)]


def test_the_same_passage_always_has_the_same_id():
    first, same, other = (Material(source=name, format=TextFormat.TEXT, text="t") for name in ("a", "a", "b"))
    assert first.passage_id(Span(0, 9)) == same.passage_id(Span(0, 5))
    assert len({first.passage_id(Span(0, 9)), first.passage_id(Span(1, 9)), other.passage_id(Span(0, 9))}) == 3


@pytest.mark.parametrize(("size", "overlap"), [(49, 0), (100_001, 0), (100, 51)])
def test_sizes_that_make_no_sense_are_refused(size, overlap):
    with pytest.raises(Invalid, match="chunk_"):
        checked_cut(size, overlap)
