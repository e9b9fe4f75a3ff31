"""A few numbers for each vector, by which most can be ruled out without a look at the rest of them.

The numbers are the coordinates along the axes in which the vectors of a collection differ most. What lies beside the
axes is kept as its length alone: two such rests add at most the product of their lengths to an inner product
(Cauchy-Schwarz). So nothing is lost when vectors are left out that could not be among the nearest at their best.
"""

from collections.abc import Callable

import numpy as np

from armarium.adapters.vector_index.growing import Floats, Numbers, longer

LEAST_ROWS = 16_384
"""Fewer rows are compared before a sketch of them is looked through."""
_LEAST_DIMENSION = 64
_MOST_AXES = 256
_SHARE_OF_AXES = 4
_SAMPLE = 4096
_TURNS = 3
_MOST_BESIDE = 0.5
"""The share of the squared lengths that may lie beside the axes for a sketch to pay."""
_GUESSES = 8
"""So many times the rows wanted are looked at first, to know what the others must reach."""
_ROUNDING = 4 * 2.0**-24

Products = Callable[[Floats, Floats], Floats]


class Sketch:
    """Follows the rows of a matrix."""

    def __init__(self, axes: Floats) -> None:
        """axes: orthonormal, in columns."""
        self._axes = axes
        self._coordinates: Floats = np.empty((0, axes.shape[1]), np.float32)
        self._rests: Floats = np.empty(0, np.float32)

    @property
    def size_bytes(self) -> int:
        return self._coordinates.nbytes + self._rests.nbytes

    def pays(self, squares: Floats) -> bool:
        """Whether the axes hold most of what the rows are."""
        beside = np.square(self._rests[: len(squares)], dtype=np.float64).sum()
        return bool(beside <= _MOST_BESIDE * squares.sum(dtype=np.float64))

    def set(self, rows: Numbers, vectors: Floats, squares: Floats) -> None:
        """Take in rows. squares: of their lengths."""
        if len(rows) and rows.max() >= len(self._rests):
            capacity = max(int(rows.max()) + 1, len(self._rests) * 3 // 2)
            self._coordinates, self._rests = longer(self._coordinates, capacity), longer(self._rests, capacity)
        coordinates = vectors @ self._axes
        beside = squares - np.einsum("ij,ij->i", coordinates, coordinates)
        doubt = np.float32(_ROUNDING * vectors.shape[1]) * squares
        self._coordinates[rows], self._rests[rows] = coordinates, np.sqrt(np.maximum(beside, 0) + doubt)

    def narrowed(
        self,
        candidates: Numbers,
        wanted: Floats,
        count: int,
        *,
        halves: Floats | None,
        longest: float,
        products: Products,
        exactly: Callable[[Numbers], Floats],
    ) -> Numbers:
        """Those of the rows that may be among the highest: by inner product, less half of the square for L2.

        candidates: rows in ascending order. halves: of the squares; None where they do not count.
        longest: the length of the longest row. exactly: the figure of some rows.
        """
        along = wanted @ self._axes
        length = float(np.linalg.norm(wanted))
        rounding = _ROUNDING * len(wanted) * longest * (length + (longest if halves is not None else 0))
        if not np.isfinite(rounding):
            return candidates
        guesses = products(self._coordinates[: candidates[-1] + 1], along)[candidates]
        if halves is not None:
            guesses -= halves[candidates]
        first = candidates[np.argpartition(guesses, -_GUESSES * count)[-_GUESSES * count :]]
        reached = np.partition(exactly(first), -count)[-count]
        beside = float(np.sqrt(max(length**2 - float(along @ along), 0) + _ROUNDING * len(wanted) * length**2))
        guesses += self._rests[candidates] * np.float32(beside)
        return candidates[guesses >= np.float32(reached - 2 * rounding)]

    @staticmethod
    def most_wanted(rows: int) -> int:
        """How many of the highest can be asked for."""
        return rows // (_GUESSES * _GUESSES)


def sketch_of(vectors: Floats, squares: Floats) -> Sketch | None:
    """A sketch of all rows, None where it would not pay."""
    rows, dimension = vectors.shape
    if rows < LEAST_ROWS or dimension < _LEAST_DIMENSION:
        return None
    sample = vectors[:: max(1, rows // _SAMPLE)]
    largest = np.abs(sample).max()
    if largest == 0:
        return None
    sketch = Sketch(_principal_axes(sample / largest))
    for first in range(0, rows, LEAST_ROWS):
        part = np.arange(first, min(first + LEAST_ROWS, rows))
        sketch.set(part, vectors[part], squares[part])
    return sketch if sketch.pays(squares) else None


def _principal_axes(sample: Floats) -> Floats:
    """The axes along which the squares of the sample are largest, by a few turns of subspace iteration."""
    dimension = sample.shape[1]
    kept = min(dimension // _SHARE_OF_AXES, _MOST_AXES)
    axes = np.random.default_rng(0).standard_normal((dimension, kept)).astype(np.float32)
    for _ in range(_TURNS):
        axes = np.linalg.qr(sample.T @ (sample @ axes))[0]
    return np.asarray(axes, np.float32)
