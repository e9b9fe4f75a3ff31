"""The words of payloads, so that texts are found in them, most relevant first, without reading them all.

Every run of letters and digits is a word of a vocabulary; a text that is one such run is looked for in the vocabulary
alone, any other is found by the runs in it and then looked for in the payloads these are in.
"""

import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from armarium.adapters.vector_index.growing import Floats, Mask, Numbers, longer, more_than
from armarium.domain.vector import Words

Codes = NDArray[np.int32]

_WORD = re.compile(r"\w+")
_ESCAPE = re.compile(r"\\(.)")
_BLANKS = frozenset("bfnrt")
_AT_ONCE = 32
"""Words looked for in one go, a bit for each."""
_KEPT = 256
"""Texts whose words in the vocabulary are remembered."""
_SATURATION, _BY_LENGTH = 1.2, 0.75
"""BM25: how soon more of the same word counts for little, and how much a long text has to hold more of it."""


def searched_text(payload: bytes) -> str:
    """A payload as texts are looked for in it: its JSON, without case, line ends and tabs being blanks."""
    text = payload.decode().casefold()
    return _ESCAPE.sub(_blank, text) if "\\" in text else text


def _blank(escape: re.Match[str]) -> str:
    return " " if escape[1] in _BLANKS else escape[0]


class WordIndex:
    """The words of rows. payload_of: of a row, for texts that are more than a word."""

    def __init__(self, payload_of: Callable[[int], bytes]) -> None:
        self._payload_of = payload_of
        self._vocabulary: dict[str, int] = {"": 0}  # 0 is what is left of a word that is gone
        self._words: list[str] = [""]
        self._codes: Codes = np.zeros(0, np.int32)
        self._owners: Codes = np.zeros(0, np.int32)
        self._starts: Numbers = np.zeros(0, np.int64)
        self._lengths: Codes = np.zeros(0, np.int32)
        self._used = 0
        self._gone = 0
        self._containing: dict[str, tuple[int, list[int]]] = {}

    def set(self, row: int) -> None:
        """Take in the payload of a row, in place of the one before."""
        self.remove(row)
        words = _WORD.findall(searched_text(self._payload_of(row)))
        if row >= len(self._starts):
            capacity = max(row + 1, more_than(len(self._starts)))
            self._starts, self._lengths = longer(self._starts, capacity), longer(self._lengths, capacity)
        first, behind = self._used, self._used + len(words)
        if behind > len(self._codes):
            capacity = max(behind, more_than(len(self._codes)))
            self._codes, self._owners = longer(self._codes, capacity), longer(self._owners, capacity)
        self._codes[first:behind] = [self._code(word) for word in words]
        self._owners[first:behind] = row
        self._starts[row], self._lengths[row], self._used = first, len(words), behind

    def remove(self, row: int) -> None:
        if row >= len(self._lengths) or not self._lengths[row]:
            return
        first, number = int(self._starts[row]), int(self._lengths[row])
        self._codes[first : first + number] = 0
        self._lengths[row] = 0
        self._gone += number
        if 2 * self._gone > self._used:
            self._close_gaps()

    def relevance(self, words: Words, among: Mask) -> Floats:
        """How relevant each row is by BM25, 0 for one that has not the words. among: the rows that count."""
        rows = len(among)
        counts = [np.where(among, count, 0) for count in self._counts(words.texts, rows)]
        total = max(int(np.count_nonzero(among)), 1)
        lengths = self._lengths[:rows] if len(self._lengths) >= rows else longer(self._lengths, rows)
        average = max(float(lengths[among].sum()) / total, 1.0)
        weight = _SATURATION * (1 - _BY_LENGTH + _BY_LENGTH * lengths / average)
        scores = np.zeros(rows, np.float64)
        found = np.full(rows, words.every)
        for count in counts:
            has = count > 0
            holding = int(np.count_nonzero(has))
            rarity = np.log1p((total - holding + 0.5) / (holding + 0.5))
            scores[has] += (rarity * (_SATURATION + 1) * count / (count + weight))[has]
            found = found & has if words.every else found | has
        return np.where(found & among, np.maximum(scores, np.finfo(np.float32).tiny), 0).astype(np.float32)

    def _counts(self, texts: tuple[str, ...], rows: int) -> list[Numbers]:
        """How often each text is in each row."""
        plain = [text if _WORD.fullmatch(text) else None for text in texts]
        runs = list(dict.fromkeys(word for text in texts for word in _WORD.findall(text)))
        counted: dict[str, Numbers] = {}
        for first in range(0, len(runs), _AT_ONCE):
            some = runs[first : first + _AT_ONCE]
            counted |= zip(some, self._count_words(some, rows), strict=True)
        return [
            counted[word] if word is not None else self._count_text(text, counted, rows)
            for text, word in zip(texts, plain, strict=True)
        ]

    def _count_words(self, runs: list[str], rows: int) -> list[Numbers]:
        bits = np.zeros(len(self._words), np.uint32)
        for bit, run in enumerate(runs):
            bits[self._words_with(run)] |= np.uint32(1 << bit)
        held = bits[self._codes[: self._used]]
        places = np.flatnonzero(held)
        held, owners = held[places], self._owners[places]
        return [
            np.bincount(owners[(held >> np.uint32(bit)) & np.uint32(1) != 0], minlength=rows)[:rows]
            for bit in range(len(runs))
        ]

    def _count_text(self, text: str, counted: dict[str, Numbers], rows: int) -> Numbers:
        candidates = np.ones(rows, np.bool_)
        for run in _WORD.findall(text):
            candidates &= counted[run] > 0
        counts = np.zeros(rows, np.int64)
        for row in np.flatnonzero(candidates).tolist():
            counts[row] = searched_text(self._payload_of(row)).count(text)
        return counts

    def _words_with(self, run: str) -> list[int]:
        """The words of the vocabulary that contain a run; only those that are new are looked at again."""
        seen, codes = self._containing.pop(run, (0, []))
        codes += [code for code in range(seen, len(self._words)) if run in self._words[code]]
        if len(self._containing) >= _KEPT:
            self._containing.clear()
        self._containing[run] = (len(self._words), codes)
        return codes

    def _code(self, word: str) -> int:
        code = self._vocabulary.get(word)
        if code is None:
            code = self._vocabulary[word] = len(self._words)
            self._words.append(word)
        return code

    def _close_gaps(self) -> None:
        kept = np.flatnonzero(self._codes[: self._used])
        shift = np.cumsum(self._codes[: self._used] == 0)
        holding = np.flatnonzero(self._lengths)
        self._starts[holding] -= shift[self._starts[holding]]
        self._codes[: len(kept)], self._owners[: len(kept)] = self._codes[kept], self._owners[kept]
        self._used, self._gone = len(kept), 0
