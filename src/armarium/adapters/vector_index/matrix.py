"""The vectors of one collection in memory, searched exactly."""

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from armarium.adapters.vector_index.columns import Columns
from armarium.domain.vector import Hit, Hits, Metric, VectorChange, VectorQuery, VectorSpace

Floats = NDArray[np.float32]
_FIRST_ROWS = 1024
_LEAST_SHARE = 16_384
_SHARES = 4
_SPARSE = 8
"""Below one row in so many, the rows that match are gathered before anything is compared with them."""


class Matrix:
    """Rows of vectors, with ids and payloads beside them; a removed one leaves a hole that the next one fills."""

    def __init__(self, space: VectorSpace, helpers: Executor) -> None:
        """helpers: share the work on a large collection."""
        self._space = space
        self._helpers = helpers
        self._vectors: Floats = np.empty((0, space.dimension), np.float32)
        self._squares: Floats = np.empty(0, np.float32)
        self._positions: NDArray[np.int64] = np.empty(0, np.int64)
        self._alive: NDArray[np.bool_] = np.empty(0, np.bool_)
        self._ids: list[str] = []
        self._row_of: dict[str, int] = {}
        self._holes: list[int] = []
        self._columns = Columns()

    @property
    def size_bytes(self) -> int:
        return self._vectors.nbytes

    def apply(self, changes: Iterable[VectorChange]) -> None:
        for change in changes:
            row = self._row_of.get(change.id)
            if change.item is None:
                if row is not None:
                    self._remove(change.id, row)
                continue
            if row is None:
                row = self._free_row(change.id)
            vector = self._prepared(np.frombuffer(change.item.vector, np.dtype("<f4")))
            self._vectors[row] = vector
            self._squares[row] = vector @ vector
            self._positions[row] = change.position
            self._alive[row] = True
            self._columns.set(row, bytes(change.item.payload))

    def _remove(self, id: str, row: int) -> None:
        del self._row_of[id]
        self._alive[row] = False
        self._holes.append(row)

    def _free_row(self, id: str) -> int:
        if self._holes:
            row = self._holes.pop()
            self._ids[row] = id
        else:
            row = len(self._ids)
            self._ids.append(id)
            self._make_room()
        self._row_of[id] = row
        return row

    def _make_room(self) -> None:
        if len(self._ids) <= len(self._vectors):
            return
        rows = max(_FIRST_ROWS, len(self._vectors) + len(self._vectors) // 2)
        self._vectors = _longer(self._vectors, rows)
        self._squares = _longer(self._squares, rows)
        self._positions = _longer(self._positions, rows)
        self._alive = _longer(self._alive, rows)

    def _prepared(self, vector: Floats) -> Floats:
        """For angles all vectors are made as long as one; one that has no direction stays as it is."""
        if self._space.metric is not Metric.COSINE:
            return vector
        length = float(np.linalg.norm(vector.astype(np.float64)))
        return vector if length == 0 else (vector / np.float32(length)).astype(np.float32)

    def search(self, query: VectorQuery) -> Hits:
        rows = len(self._ids)
        matching = self._alive[:rows] & self._columns.matching(query.where, rows)
        total = int(np.count_nonzero(matching))
        if query.offset >= total or query.limit == 0:
            return Hits([], total)
        if query.order_by is not None:
            page = self._ordered(np.flatnonzero(matching), query)[query.offset : query.offset + query.limit]
            return Hits(self._hits(page, None if query.vector is None else self._near(query.vector, page)), total)
        if query.vector is None:
            page = _least(self._positions, np.flatnonzero(matching), query.offset, query.limit)
            return Hits(self._hits(page, None), total)
        return Hits(self._nearest(matching, total, query, query.vector), total)

    def _nearest(self, matching: NDArray[np.bool_], total: int, query: VectorQuery, vector: bytes) -> list[Hit]:
        rows = len(matching)
        if total == rows:
            scores = self._near(vector, slice(0, rows))
            best = _best(scores, self._positions[:rows], query.offset, query.limit)
            return self._hits(best, scores[best])
        candidates = np.flatnonzero(matching)
        is_sparse = total * _SPARSE < rows
        scores = self._near(vector, candidates) if is_sparse else self._near(vector, slice(0, rows))[candidates]
        best = _best(scores, self._positions[candidates], query.offset, query.limit)
        return self._hits(candidates[best], scores[best])

    def _near(self, vector: bytes, rows: Any) -> Floats:
        """The score of some rows."""
        wanted = self._prepared(np.frombuffer(vector, np.dtype("<f4")))
        scores = self._products(self._vectors[rows], wanted)
        if self._space.metric is not Metric.L2:
            return scores
        squares = np.maximum(self._squares[rows] - 2 * scores + wanted @ wanted, 0)
        return np.asarray(1 / (1 + np.sqrt(squares)), np.float32)

    def _products(self, vectors: Floats, wanted: Floats) -> Floats:
        """The inner product of each vector with one; many are shared out among threads."""
        products = np.empty(len(vectors), np.float32)
        share = max(_LEAST_SHARE, -(-len(vectors) // _SHARES))
        parts = [slice(first, first + share) for first in range(0, len(vectors), share)]

        def multiply(part: slice) -> None:
            np.dot(vectors[part], wanted, out=products[part])

        if len(parts) > 1:
            list(self._helpers.map(multiply, parts))
        elif parts:
            multiply(parts[0])
        return products

    def _ordered(self, rows: NDArray[np.int64], query: VectorQuery) -> NDArray[np.int64]:
        column = self._columns.of(query.order_by or "")
        keys = _sort_ranks(column.values)
        ranks = np.append(keys, len(keys))[column.codes[rows]].astype(np.int64)
        missing = column.codes[rows] < 0
        if query.descending:
            ranks = -ranks
        ordered: NDArray[np.int64] = rows[np.lexsort((self._positions[rows], ranks, missing))]
        return ordered

    def _hits(self, rows: Sequence[int] | NDArray[np.int64], scores: NDArray[np.float32] | None) -> list[Hit]:
        told = [None] * len(rows) if scores is None else [float(score) for score in scores]
        return [Hit(self._ids[row], score) for row, score in zip(rows, told, strict=True)]


def _longer(numbers: NDArray[Any], rows: int) -> NDArray[Any]:
    grown = np.zeros((rows, *numbers.shape[1:]), numbers.dtype)
    grown[: len(numbers)] = numbers
    return grown


def _best(scores: Floats, positions: NDArray[np.int64], offset: int, limit: int) -> NDArray[np.int64]:
    """The places of a page of the highest scores; of equal ones the earlier position first."""
    wanted = offset + limit
    places = np.arange(len(scores))
    if wanted < len(scores):
        threshold = np.partition(scores, len(scores) - wanted)[len(scores) - wanted]
        places = np.flatnonzero(scores >= threshold)
    page: NDArray[np.int64] = places[np.lexsort((positions[places], -scores[places]))][offset:wanted]
    return page


def _least(positions: NDArray[np.int64], rows: NDArray[np.int64], offset: int, limit: int) -> NDArray[np.int64]:
    page: NDArray[np.int64] = rows[np.argsort(positions[rows], kind="stable")][offset : offset + limit]
    return page


def _sort_ranks(values: list[Any]) -> NDArray[np.int64]:
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
