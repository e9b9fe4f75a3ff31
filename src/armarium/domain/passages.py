"""Long texts cut into passages that overlap: at the ends of paragraphs, lines, sentences, words, if there are any."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from armarium.domain.document import TextFormat
from armarium.domain.errors import Invalid
from armarium.domain.identifiers import ArtifactId, VersionId

LEAST_SIZE = 50
MOST_SIZE = 100_000

_ENDS = ("\n\n", "\n", ". ", "\N{IDEOGRAPHIC FULL STOP}", " ")
"""Where a passage may end, the best place first."""
_WHITE = re.compile(r"\s")
_BLACK = re.compile(r"\S")
_KEY_LENGTH = 32


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """How texts are cut, in characters. size: of a passage at most; overlap: with the one before at most."""

    size: int = 1000
    overlap: int = 200


class Span(msgspec.Struct, frozen=True):
    """A part of a text, by character; the end is not in it."""

    start: int
    end: int


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """A text that becomes vectors: given here, or a committed file as it was when it was asked for.

    source: what the passages say they are from. payload: what else they say.
    """

    source: str
    format: TextFormat
    payload: Mapping[str, Any] = {}
    text: str | None = None
    artifact_id: ArtifactId | None = None
    version_id: VersionId | None = None

    @property
    def key(self) -> str:
        """Begins the ids of all passages of one source, and of no other."""
        named = f"{self.artifact_id or ''}\n{self.source}"
        return hashlib.sha256(named.encode(errors="surrogatepass")).hexdigest()[:_KEY_LENGTH]

    def passage_id(self, span: Span) -> str:
        """The same passage of the same source always has the same id."""
        return f"{self.key}-{span.start:09d}"


def checked_cut(size: int, overlap: int) -> Cut:
    """Raises Invalid for sizes that make no sense."""
    if not LEAST_SIZE <= size <= MOST_SIZE:
        raise Invalid("chunk_size", f"Invalid chunk_size: it must be from {LEAST_SIZE} to {MOST_SIZE} characters.")
    if not 0 <= overlap <= size // 2:
        raise Invalid("chunk_overlap", "Invalid chunk_overlap: it must be from 0 to half of the chunk_size.")
    return Cut(size=size, overlap=overlap)


def spans_of(text: str, cut: Cut) -> Iterator[Span]:
    """The passages of a text in order: none begins or ends with white space, and together they hold all the rest."""
    last = len(text.rstrip())
    start = fresh = _next(_BLACK, text, 0, last)
    while start < last:
        end = _end(text, start, fresh, last, cut.size)
        yield Span(start, end - _trailing(text, start, end))
        fresh = _next(_BLACK, text, end, last)
        start = fresh if fresh == last else _begin(text, end, fresh, cut)


def _end(text: str, start: int, fresh: int, last: int, size: int) -> int:
    """Behind the best end in the second half of a passage and behind `fresh`; without any, where it is full."""
    if last - start <= size:
        return last
    for mark in _ENDS:
        at = text.rfind(mark, max(start + size // 2, fresh), start + size)
        if at >= 0:
            return at + len(mark)
    return start + size


def _begin(text: str, end: int, fresh: int, cut: Cut) -> int:
    """Where the next passage begins: with the first word that begins in the overlap, if there are words.

    end: of the passage before; fresh: where what it does not hold begins.
    """
    found = _WHITE.search(text, end - cut.overlap, end)
    begin = _next(_BLACK, text, found.start() if found else end - cut.overlap, fresh)
    return fresh if fresh - begin >= cut.size else begin


def _next(kind: re.Pattern[str], text: str, start: int, end: int) -> int:
    found = kind.search(text, start, end)
    return found.start() if found else end


def _trailing(text: str, start: int, end: int) -> int:
    passage = text[start:end]
    return len(passage) - len(passage.rstrip())
