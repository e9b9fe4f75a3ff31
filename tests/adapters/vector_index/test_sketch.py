"""Vectors that are ruled out by a sketch are those that are not among the nearest."""

from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np
import pytest

from armarium.adapters.vector_index.matrix import Matrix
from armarium.adapters.vector_index.sketch import LEAST_ROWS, sketch_of
from armarium.domain.query import EVERYTHING, Between, Field
from armarium.domain.vector import Metric, VectorChange, VectorItem, VectorQuery, VectorSpace

DIMENSION = 64
MANY = LEAST_ROWS + 1000
HALF = Between(Field("payload", "n"), None, MANY / 2)


def clustered(rows: int, *, beside: float = 0.05) -> np.ndarray:
    """Vectors around a few centres in a small part of the space, and a little beside it."""
    numbers = np.random.default_rng(rows)
    axes = numbers.normal(size=(8, DIMENSION))
    centres = numbers.normal(size=(20, 8))[numbers.integers(20, size=rows)]
    inside = (centres + 0.3 * numbers.normal(size=(rows, 8))) @ axes
    return (inside + beside * numbers.normal(size=(rows, DIMENSION))).astype(np.float32)


def changed(row: int, vector: np.ndarray | None) -> VectorChange:
    payload = msgspec.Raw(b'{"n": %d}' % row)
    item = None if vector is None else VectorItem(id=str(row), vector=vector.tobytes(), payload=payload)
    return VectorChange(id=str(row), revision=0, position=row, item=item)


@pytest.fixture(scope="module")
def threads():
    with ThreadPoolExecutor(2) as threads:
        yield threads


def loaded(threads, vectors: np.ndarray, metric: Metric) -> Matrix:
    matrix = Matrix(VectorSpace(dimension=DIMENSION, metric=metric), threads)
    matrix.apply(changed(row, vector) for row, vector in enumerate(vectors))
    return matrix


def nearest(vectors: np.ndarray, asked: np.ndarray, metric: Metric, rows: np.ndarray) -> list[str]:
    vectors, asked = vectors[rows].astype(np.float64), asked.astype(np.float64)
    figures = vectors @ asked
    if metric is Metric.COSINE:
        figures /= np.linalg.norm(vectors, axis=1)
    elif metric is Metric.L2:
        figures = -np.linalg.norm(vectors - asked, axis=1)
    return [str(rows[place]) for place in np.argsort(-figures)[:10]]


def found(matrix: Matrix, asked: np.ndarray, where=EVERYTHING) -> list[str]:
    return [hit.id for hit in matrix.search(VectorQuery(vector=asked.tobytes(), where=where, limit=10)).hits]


@pytest.mark.parametrize("metric", list(Metric))
def test_the_nearest_are_found_before_and_after_changes(threads, metric):
    vectors, asked = clustered(MANY), clustered(6)
    matrix = loaded(threads, vectors, metric)
    assert matrix._up_to_date() is not None
    for one in asked:
        assert found(matrix, one) == nearest(vectors, one, metric, np.arange(MANY))
        assert found(matrix, one, HALF) == nearest(vectors, one, metric, np.arange(MANY // 2 + 1))
    vectors[:50] = asked[0] * 1.01 + clustered(50) / 5
    matrix.apply([changed(row, vectors[row]) for row in range(50)])
    matrix.apply([changed(row, None) for row in range(10)])
    assert found(matrix, asked[0]) == nearest(vectors, asked[0], metric, np.arange(10, MANY))


def test_those_that_come_later_are_found(threads):
    vectors = clustered(MANY + 3000, beside=1.0)
    matrix = loaded(threads, vectors[:MANY], Metric.L2)
    assert found(matrix, vectors[-1])
    matrix.apply([changed(row, vectors[row]) for row in range(MANY, len(vectors))])
    assert found(matrix, vectors[-1]) == nearest(vectors, vectors[-1], Metric.L2, np.arange(len(vectors)))


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_numbers_of_any_size_are_compared(threads, size):
    vectors = clustered(MANY) * np.float32(size)
    matrix = loaded(threads, vectors, Metric.COSINE)
    assert found(matrix, vectors[5]) == nearest(vectors, vectors[5], Metric.COSINE, np.arange(MANY))


def test_vectors_without_any_order_have_no_sketch():
    numbers = np.random.default_rng(1).normal(size=(LEAST_ROWS, DIMENSION)).astype(np.float32)
    assert sketch_of(numbers, np.square(numbers).sum(axis=1)) is None
    assert sketch_of(numbers * 0, numbers[:, 0] * 0) is None
    assert sketch_of(clustered(100), np.ones(100, np.float32)) is None


def test_lengths_that_overflow_rule_nothing_out(threads):
    vectors, rows = clustered(MANY), np.arange(MANY)
    sketch = sketch_of(vectors, np.square(vectors).sum(axis=1))
    left = sketch.narrowed(
        rows, vectors[0], 10, halves=None, longest=float("inf"), products=np.matmul, exactly=lambda rows: vectors[rows]
    )
    assert left is rows
