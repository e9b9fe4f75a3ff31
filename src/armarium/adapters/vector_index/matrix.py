"""The vectors of one collection in memory, searched exactly."""

from collections.abc import Iterable
from concurrent.futures import Executor
from typing import Any

import numpy as np

from armarium.adapters.vector_index.growing import Floats, Mask, Numbers, longer, more_than
from armarium.adapters.vector_index.rows import Rows, best, prepared
from armarium.adapters.vector_index.sketch import LEAST_ROWS, Sketch, sketch_of
from armarium.domain.vector import Hit, Hits, Metric, VectorChange, VectorQuery, VectorSpace

_LEAST_SHARE = 16_384
_SHARES = 4
_SPARSE = 8
"""Below one row in so many, the rows that match are gathered before anything is compared with them."""


class Matrix:
    """Rows of vectors; a removed one leaves a hole that the next one fills."""

    def __init__(self, space: VectorSpace, helpers: Executor) -> None:
        """helpers: share the work on a large collection."""
        self._space = space
        self._helpers = helpers
        self._vectors: Floats = np.empty((0, space.dimension), np.float32)
        self._squares: Floats = np.empty(0, np.float32)
        self._rows = Rows()
        self._holes: list[int] = []
        self._sketch: Sketch | None = None
        self._rows_sketched = 0
        self._unsketched: set[int] = set()
        self._longest = 0.0

    @property
    def size_bytes(self) -> int:
        return self._vectors.nbytes + (self._sketch.size_bytes if self._sketch else 0)

    def apply(self, changes: Iterable[VectorChange]) -> None:
        """Follow changes, each of another vector."""
        rows: list[int] = []
        numbers: list[bytes] = []
        for change in changes:
            if change.item is None:
                removed = self._rows.remove(change.id)
                self._holes += [removed] if removed is not None else []
                continue
            row = self._row_for(change.id)
            self._rows.set(row, change.id, change.position, bytes(change.item.payload))
            rows.append(row)
            numbers.append(change.item.vector)
        if rows:
            self._fill(rows, np.frombuffer(b"".join(numbers), np.dtype("<f4")).reshape(len(rows), -1))

    def _fill(self, rows: list[int], vectors: Floats) -> None:
        vectors = prepared(self._space, vectors)
        squares = np.einsum("ij,ij->i", vectors, vectors)
        self._vectors[rows], self._squares[rows] = vectors, squares
        self._longest = max(self._longest, float(squares.max()) ** 0.5)
        self._unsketched.update(rows)

    def _row_for(self, id: str) -> int:
        row = self._rows.find(id)
        if row is not None:
            return row
        if self._holes:
            return self._holes.pop()
        if len(self._rows) == len(self._vectors):
            capacity = more_than(len(self._vectors))
            self._vectors, self._squares = longer(self._vectors, capacity), longer(self._squares, capacity)
        return len(self._rows)

    def search(self, query: VectorQuery) -> Hits:
        matching, relevance = self._rows.matching(query)
        total = int(np.count_nonzero(matching))
        if query.offset >= total or query.limit == 0:
            return Hits([], total)
        if query.order_by is None and relevance is not None:
            return Hits(self._rows.most_relevant(matching, relevance, query), total)
        if query.order_by is None and query.vector is not None:
            return Hits(self._nearest(matching, total, query, query.vector), total)
        page = self._rows.page(matching, query)
        return Hits(self._rows.hits(page, None if query.vector is None else self._near(query.vector, page)), total)

    def _nearest(self, matching: Mask, total: int, query: VectorQuery, vector: bytes) -> list[Hit]:
        rows, positions = len(matching), self._rows.positions
        candidates = np.flatnonzero(matching)
        if total * _SPARSE >= rows:
            candidates = self._narrowed(candidates, query.offset + query.limit, vector)
        is_sparse = len(candidates) * _SPARSE < rows
        scores = self._near(vector, candidates) if is_sparse else self._near(vector, slice(0, rows))[candidates]
        nearest = best(scores, positions[candidates], query.offset, query.limit)
        return self._rows.hits(candidates[nearest], scores[nearest])

    def _narrowed(self, candidates: Numbers, count: int, vector: bytes) -> Numbers:
        """The rows less many of those that cannot be among the nearest."""
        sketch = self._up_to_date()
        if sketch is None or count > Sketch.most_wanted(len(candidates)):
            return candidates
        wanted = prepared(self._space, np.frombuffer(vector, np.dtype("<f4")))
        halves = self._squares / np.float32(2) if self._space.metric is Metric.L2 else None

        def exactly(rows: Numbers) -> Floats:
            inner: Floats = self._vectors[rows] @ wanted
            return inner if halves is None else inner - halves[rows]

        return sketch.narrowed(
            candidates, wanted, count, halves=halves, longest=self._longest, products=self._products, exactly=exactly
        )

    def _up_to_date(self) -> Sketch | None:
        """The sketch of all rows, made anew when they are twice as many; None where few, or where it cannot pay."""
        rows = len(self._rows)
        if rows >= max(LEAST_ROWS, 2 * self._rows_sketched):
            self._sketch, self._rows_sketched = sketch_of(self._vectors[:rows], self._squares[:rows]), rows
        elif self._sketch is not None and self._unsketched:
            changed = np.fromiter(self._unsketched, np.int64)
            self._sketch.set(changed, self._vectors[changed], self._squares[changed])
        self._unsketched.clear()
        return self._sketch

    def _near(self, vector: bytes, rows: Any) -> Floats:
        """The score of some rows."""
        wanted = prepared(self._space, np.frombuffer(vector, np.dtype("<f4")))
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
