"""Writing from what is there: the most telling sentences of texts, found by counting words. Needs no model.

A sentence is worth the mean weight of its words, a word the share of its occurrences among all; the most common words
of a text say little, so they weigh nothing.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from armarium.adapters.documents.blocks import Block, Code, Heading, Item, Paragraph, Rule, Table, plain
from armarium.adapters.documents.readers import read

Texts = Sequence[tuple[str, Sequence[Block]]]
"""Titles and what they stand over."""

_WORD = re.compile(r"\w{3,}")
_END = re.compile(r"(?<=[.!?。！？])\s+")
_MARKS = re.compile(r"([\\`*_\[\]<>#|])")
_COMMON_SHARE = 0.1
_LONGEST_SENTENCE = 600
_SENTENCES = {"summary": 7, "report": 3}


def write(kind: str, passages: Iterable[Mapping[str, str]]) -> str:
    """Return Markdown without a title; passages: `title`, `text`, `format` of each."""
    texts = [(passage["title"], read(passage["text"], passage["format"])) for passage in passages]
    return "\n\n".join(_KINDS[kind](texts)) + "\n"


def _summary(texts: Texts) -> list[str]:
    return [*map(_escaped, telling(_sentences(texts), _SENTENCES["summary"])), "## Sources", *_list(texts)]


def _transcript(texts: Texts) -> list[str]:
    parts: list[str] = []
    for title, blocks in texts:
        parts += [f"## {_escaped(title)}", *(_escaped(text) for text in _paragraphs(blocks))]
    return parts


def _report(texts: Texts) -> list[str]:
    words = _weights(_sentences(texts))
    topics = ", ".join(sorted(words, key=lambda word: (-words[word], word))[:8])
    parts = ["## Overview", f"Made from {len(texts)} sources. Topics: {_escaped(topics)}."]
    for title, blocks in texts:
        found = telling(_sentences([(title, blocks)]), _SENTENCES["report"])
        parts += [f"## {_escaped(title)}", *map(_escaped, found)]
    return [*parts, "## Sources", *_list(texts)]


def _list(texts: Texts) -> list[str]:
    lines = [f"- {_escaped(title)} ({sum(len(_WORD.findall(t)) for t in _paragraphs(b))} words)" for title, b in texts]
    return ["\n".join(lines)]


def telling(sentences: Sequence[str], most: int) -> list[str]:
    """The sentences worth most, in the order they stand in."""
    weights = _weights(sentences)

    def worth(at: int) -> float:
        words = _WORD.findall(sentences[at].lower())
        return sum(weights.get(word, 0.0) for word in words) / len(words) if len(words) > 2 else 0.0

    first = {sentence: at for at, sentence in reversed(list(enumerate(sentences)))}
    best = sorted(first.values(), key=lambda at: (-worth(at), at))[:most]
    return [sentences[at] for at in sorted(best)]


def _weights(sentences: Sequence[str]) -> dict[str, float]:
    counts = Counter(word for sentence in sentences for word in _WORD.findall(sentence.lower()))
    common = max(1, int(len(counts) * _COMMON_SHARE)) if len(counts) > 20 else 0
    short = {word for word, _ in counts.most_common(common) if len(word) < 5}
    return {word: float(count) for word, count in counts.items() if word not in short}


def _sentences(texts: Texts) -> list[str]:
    paragraphs = (paragraph for _, blocks in texts for paragraph in _paragraphs(blocks))
    pieces = (piece.strip() for paragraph in paragraphs for piece in _END.split(" ".join(paragraph.split())))
    return [piece[:_LONGEST_SENTENCE] for piece in pieces if piece]


def _paragraphs(blocks: Iterable[Block]) -> list[str]:
    return [text for block in blocks if (text := _text_of(block)).strip()]


def _text_of(block: Block) -> str:
    match block:
        case Paragraph(spans=spans) | Item(spans=spans):
            return plain(spans)
        case Heading(spans=spans):
            return plain(spans).rstrip(".") + "."
        case Code(text=text):
            return text
        case Table(rows=rows):
            return ". ".join(", ".join(row) for row in rows)
        case Rule():
            return ""


def _escaped(text: str) -> str:
    return _MARKS.sub(r"\\\1", text)


_KINDS: Mapping[str, Callable[[Texts], list[str]]] = {
    "summary": _summary,
    "transcript": _transcript,
    "report": _report,
}
