"""The words of payloads, so that texts are found in them, most relevant first, without reading them all.

Every run of letters and digits is a word of a vocabulary; a text that is one such run is looked for in the vocabulary
alone, any other is found by the runs in it and then looked for in the payloads these are in. Where the words are is
kept sorted by word for most of them, and looked through for those that came last.
"""

import re
from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from armarium.adapters.vector_index.growing import Floats, Mask, Numbers, longer, more_than
from armarium.domain.vector import Words

Codes = NDArray[np.int32]
Counts = tuple[Numbers | slice, Floats]
"""Rows, and how often something is in each."""

_WORD = re.compile(r"\w+")
_ESCAPE = re.compile(r"\\(.)")
_BLANKS = frozenset("bfnrt")
_KEPT = 256
"""Texts whose words in the vocabulary are remembered."""
_LOOKED_THROUGH = 1 << 15
"""So many words that came last are not worth sorting."""
_MANY = 5000
"""Words of the vocabulary that hold the same run; then all of them are looked at."""
_ALL_ROWS = slice(None)
_NOWHERE = np.zeros(0, np.int64)
_LEAST = np.finfo(np.float32).tiny
_SATURATION, _BY_LENGTH = 1.2, 0.75
"""BM25: how soon more of the same word counts for little, and how much a long text has to hold more of it."""


def searched_text(payload: bytes) -> str:
    """A payload as texts are looked for in it: its JSON, without case, line ends and tabs being blanks."""
    text = payload.decode().casefold()
    return _ESCAPE.sub(_blank, text) if "\\" in text else text


def _blank(escape: re.Match[str]) -> str:
    return " " if escape[1] in _BLANKS else escape[0]


class Vocabulary:
    """Words by number. 0 stands for what is gone."""

    def __init__(self) -> None:
        self._code_of: dict[str, int] = {"": 0}
        self._words: list[str] = [""]
        self._joined = ""
        self._starts: list[int] = []
        self._containing: dict[str, tuple[int, list[int]]] = {}

    def code(self, word: str) -> int:
        code = self._code_of.get(word)
        if code is None:
            code = self._code_of[word] = len(self._words)
            self._words.append(word)
        return code

    def containing(self, run: str) -> list[int]:
        """The words that contain a run; those looked at before are not looked at again."""
        seen, codes = self._containing.pop(run, (0, []))
        if not seen:
            self._join()
            codes = self._joined_with(run)
            seen = len(self._starts)
        codes += [code for code in range(seen, len(self._words)) if run in self._words[code]]
        if len(self._containing) >= _KEPT:
            self._containing.clear()
        self._containing[run] = (len(self._words), codes)
        return codes

    def _join(self) -> None:
        """Put the words into one text, which is looked through much faster."""
        if len(self._words) - len(self._starts) > max(1000, len(self._starts) // 8):
            self._joined = "\n".join(self._words)
            self._starts = [0, *accumulate(len(word) + 1 for word in self._words[:-1])]

    def _joined_with(self, run: str) -> list[int]:
        codes: list[int] = []
        at = self._joined.find(run)
        while at >= 0:
            behind = bisect_right(self._starts, at)
            codes.append(behind - 1)
            if behind == len(self._starts):
                break
            if len(codes) > _MANY:
                return [code for code in range(len(self._starts)) if run in self._words[code]]
            at = self._joined.find(run, self._starts[behind])
        return codes


class WordIndex:
    """The words of rows. payload_of: of a row, for texts that are more than a word."""

    def __init__(self, payload_of: Callable[[int], bytes]) -> None:
        self._payload_of = payload_of
        self._vocabulary = Vocabulary()
        self._codes: Codes = np.zeros(0, np.int32)
        self._owners: Codes = np.zeros(0, np.int32)
        self._first: Numbers = np.zeros(0, np.int64)
        self._lengths: Codes = np.zeros(0, np.int32)
        self._used = 0
        self._gone = 0
        self._sorted = 0
        self._by_code: Numbers = np.zeros(0, np.int64)
        self._code_starts: Numbers = np.zeros(1, np.int64)

    def set(self, row: int) -> None:
        """Take in the payload of a row, in place of the one before."""
        self.remove(row)
        words = _WORD.findall(searched_text(self._payload_of(row)))
        if row >= len(self._first):
            capacity = max(row + 1, more_than(len(self._first)))
            self._first, self._lengths = longer(self._first, capacity), longer(self._lengths, capacity)
        first, behind = self._used, self._used + len(words)
        if behind > len(self._codes):
            capacity = max(behind, more_than(len(self._codes)))
            self._codes, self._owners = longer(self._codes, capacity), longer(self._owners, capacity)
        self._codes[first:behind] = [self._vocabulary.code(word) for word in words]
        self._owners[first:behind] = row
        self._first[row], self._lengths[row], self._used = first, len(words), behind

    def remove(self, row: int) -> None:
        if row >= len(self._lengths) or not self._lengths[row]:
            return
        first, number = int(self._first[row]), int(self._lengths[row])
        self._codes[first : first + number] = 0
        self._lengths[row] = 0
        self._gone += number
        if 2 * self._gone > self._used:
            self._close_gaps()

    def relevance(self, words: Words, among: Mask) -> Floats:
        """How relevant each row is by BM25, 0 for one that has not the words. among: the rows that count."""
        rows = len(among)
        total = max(int(np.count_nonzero(among)), 1)
        lengths = self._lengths[:rows] if len(self._lengths) >= rows else longer(self._lengths, rows)
        average = max(float(np.dot(lengths, among)) / total, 1.0)
        weights = (_SATURATION * (1 - _BY_LENGTH + _BY_LENGTH / average * lengths)).astype(np.float32)
        scores, found = np.zeros(rows, np.float32), np.zeros(rows, np.int8)
        for holding, counts in self._counts(words.texts, among):
            number = int(np.count_nonzero(counts))
            rarity = np.float32(np.log1p((total - number + 0.5) / (number + 0.5)) * (_SATURATION + 1))
            scores[holding] += rarity * counts / (counts + weights[holding])
            found[holding] += counts > 0
        enough = found >= (len(words.texts) if words.every else 1)
        return np.where(enough, np.maximum(scores, _LEAST), np.float32(0))

    def _counts(self, texts: tuple[str, ...], among: Mask) -> list[Counts]:
        """Where each text is, and how often."""
        self._sort()
        counted: dict[str, Counts] = {}
        for run in dict.fromkeys(run for text in texts for run in _WORD.findall(text)):
            counted[run] = self._count_word(run, among)
        return [counted[text] if text in counted else self._count_text(text, counted, among) for text in texts]

    def _count_word(self, run: str, among: Mask) -> Counts:
        codes = np.array(self._vocabulary.containing(run), np.int64)
        late = self._codes[self._sorted : self._used]
        late_places = self._sorted + np.flatnonzero(np.isin(late, codes)) if len(late) else _NOWHERE
        owners = self._owners[np.concatenate((self._places(codes), late_places))]
        owners = owners[among[owners]]
        if len(owners) * 8 < len(among):
            holding, counts = np.unique(owners, return_counts=True)
            return holding.astype(np.int64), counts.astype(np.float32)
        return _ALL_ROWS, np.bincount(owners, minlength=len(among)).astype(np.float32)

    def _places(self, codes: Numbers) -> Numbers:
        """Where words are, as far as that is sorted."""
        codes = codes[codes < len(self._code_starts) - 1]
        first, behind = self._code_starts[codes], self._code_starts[codes + 1]
        if len(codes) == 1:
            places = self._by_code[first[0] : behind[0]]
        else:
            numbers = behind - first
            before = np.cumsum(numbers) - numbers
            places = self._by_code[np.arange(numbers.sum()) + np.repeat(first - before, numbers)]
        there: Numbers = places[self._codes[places] != 0]
        return there

    def _count_text(self, text: str, counted: dict[str, Counts], among: Mask) -> Counts:
        candidates = among.copy()
        for run in _WORD.findall(text):
            holding, counts = counted[run]
            has_run = np.zeros(len(among), np.bool_)
            has_run[holding] = counts > 0
            candidates &= has_run
        found = {row: searched_text(self._payload_of(row)).count(text) for row in np.flatnonzero(candidates).tolist()}
        held = {row: count for row, count in found.items() if count}
        return np.array(list(held), np.int64), np.array(list(held.values()), np.float32)

    def _sort(self) -> None:
        """Sort where words are, when enough of them have come."""
        if self._used - self._sorted <= max(_LOOKED_THROUGH, self._sorted // 8):
            return
        codes = self._codes[: self._used]
        self._by_code = np.argsort(codes, kind="stable")
        self._code_starts = np.searchsorted(codes[self._by_code], np.arange(int(codes.max()) + 2))
        self._sorted = self._used

    def _close_gaps(self) -> None:
        kept = np.flatnonzero(self._codes[: self._used])
        shift = np.cumsum(self._codes[: self._used] == 0)
        holding = np.flatnonzero(self._lengths)
        self._first[holding] -= shift[self._first[holding]]
        self._codes[: len(kept)], self._owners[: len(kept)] = self._codes[kept], self._owners[kept]
        self._used, self._gone = len(kept), 0
        self._sorted, self._by_code, self._code_starts = 0, self._by_code[:0], np.zeros(1, np.int64)
