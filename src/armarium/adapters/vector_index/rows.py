"""What an index keeps of the vectors of one collection beside the numbers: ids, payloads, the order of arrival."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from armarium.adapters.vector_index.columns import Columns
from armarium.adapters.vector_index.growing import Floats, Mask, Numbers, longer, more_than
from armarium.adapters.vector_index.words import WordIndex
from armarium.domain.vector import Hit, Metric, VectorQuery, VectorSpace, last_position

_NOTHING = b"{}"


class Rows:
    """Rows by number. A removed one is left as a hole, which may be set again."""

    def __init__(self) -> None:
        self.positions: Numbers = np.empty(0, np.int64)
        self._alive: Mask = np.empty(0, np.bool_)
        self._ids: list[str] = []
        self._row_of: dict[str, int] = {}
        self._columns = Columns()
        self._words: WordIndex | None = None

    def __len__(self) -> int:
        """Holes included."""
        return len(self._ids)

    @property
    def alive_count(self) -> int:
        return len(self._row_of)

    def find(self, id: str) -> int | None:
        return self._row_of.get(id)

    def set(self, row: int, id: str, position: int, payload: bytes) -> None:
        """Fill a row, be it one behind the last; those between become holes."""
        while row > len(self._ids):
            self._append("", _NOTHING)
        if row == len(self._ids):
            self._append(id, payload)
        else:
            self._ids[row] = id
            self._columns.set(row, payload)
        if self._words is not None:
            self._words.set(row)
        self._row_of[id] = row
        self.positions[row], self._alive[row] = position, True

    def remove(self, id: str) -> int | None:
        """The row that became a hole, None where there was none."""
        row = self._row_of.pop(id, None)
        if row is not None:
            self._alive[row] = False
            if self._words is not None:
                self._words.remove(row)
        return row

    def matching(self, query: VectorQuery) -> tuple[Mask, Floats | None]:
        """Which rows may be found, and where words are looked for how relevant each is."""
        rows = len(self)
        there = self._alive[:rows]
        if query.until is not None:
            there = there & (self.positions[:rows] <= last_position(query.until))
        if query.among is not None:
            there = there & self._named(query.among)
        matching = there & self._columns.matching(query.where, rows)
        if query.words is None:
            return matching, None
        relevance = self._word_index().relevance(query.words, there)
        return matching & (relevance > 0), relevance

    def _named(self, ids: Iterable[str]) -> Mask:
        named = np.zeros(len(self), np.bool_)
        named[[row for row in map(self._row_of.get, ids) if row is not None]] = True
        return named

    def _word_index(self) -> WordIndex:
        """Made when somebody first looks for words."""
        if self._words is None:
            self._words = WordIndex(self._columns.payload)
            for row in np.flatnonzero(self._alive[: len(self)]).tolist():
                self._words.set(row)
        return self._words

    def most_relevant(self, matching: Mask, relevance: Floats, query: VectorQuery) -> list[Hit]:
        candidates = np.flatnonzero(matching)
        scores = relevance[candidates]
        chosen = best(scores, self.positions[candidates], query.offset, query.limit)
        return self.hits(candidates[chosen], scores[chosen])

    def page(self, matching: Mask, query: VectorQuery) -> Numbers:
        """The rows of a page in the order asked for, or else of arrival."""
        chosen = np.flatnonzero(matching)
        if query.order_by is None:
            ordered: Numbers = chosen[np.argsort(self.positions[chosen], kind="stable")]
        else:
            ordered = self._ordered(chosen, query.order_by, descending=query.descending)
        return ordered[query.offset : query.offset + query.limit]

    def hits(self, rows: Sequence[int] | Numbers, scores: Floats | None) -> list[Hit]:
        told = [None] * len(rows) if scores is None else [float(score) for score in scores]
        return [Hit(self._ids[row], score) for row, score in zip(rows, told, strict=True)]

    def _append(self, id: str, payload: bytes) -> None:
        self._ids.append(id)
        if len(self._ids) > len(self.positions):
            capacity = more_than(len(self.positions))
            self.positions, self._alive = longer(self.positions, capacity), longer(self._alive, capacity)
        self._columns.set(len(self._ids) - 1, payload)

    def _ordered(self, rows: Numbers, order_by: str, *, descending: bool) -> Numbers:
        column = self._columns.of(order_by)
        keys = _sort_ranks(column.values)
        ranks = np.append(keys, len(keys))[column.codes[rows]].astype(np.int64)
        missing = column.codes[rows] < 0
        ordered: Numbers = rows[np.lexsort((self.positions[rows], -ranks if descending else ranks, missing))]
        return ordered


def prepared(space: VectorSpace, vectors: Floats) -> Floats:
    """For angles all vectors are made as long as one; one that has no direction stays as it is."""
    if space.metric is not Metric.COSINE:
        return vectors
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=-1, keepdims=True)
    return (vectors / np.where(lengths == 0, 1, lengths).astype(np.float32)).astype(np.float32)


def best(scores: Floats, positions: Numbers, offset: int, limit: int) -> Numbers:
    """The places of a page of the highest scores; of equal ones the earlier position first."""
    wanted = offset + limit
    places = np.arange(len(scores))
    if wanted < len(scores):
        threshold = np.partition(scores, len(scores) - wanted)[len(scores) - wanted]
        places = np.flatnonzero(scores >= threshold)
    page: Numbers = places[np.lexsort((positions[places], -scores[places]))][offset:wanted]
    return page


def _sort_ranks(values: list[Any]) -> Numbers:
    """The rank of each value: booleans, then numbers, then text, then the rest."""
    ranks = np.empty(len(values), np.int64)
    ranks[sorted(range(len(values)), key=lambda code: _sort_key(values[code]))] = np.arange(len(values))
    return ranks


def _sort_key(value: Any) -> tuple[int, Any]:
    if isinstance(value, bool):
        return 0, value
    if isinstance(value, int | float):
        return 1, value
    return (2, value) if isinstance(value, str) else (3, repr(value))
