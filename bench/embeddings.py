"""Vectors such as models make of texts: groups of similar ones, in far fewer directions than there are numbers.

Vectors without any such structure say nothing about a graph: all of them are about as far from each other.
"""

import numpy as np
from numpy.typing import NDArray

DIMENSION = 384
GROUPS = 500
DIRECTIONS = 48
_SPREAD = 0.6
_BESIDE = 0.03

Floats = NDArray[np.float32]

DATASET = f"{GROUPS} Gaussian groups in {DIRECTIONS} of {DIMENSION} dimensions"


def embeddings(count: int) -> Floats:
    """The same ones for the same count, shape (count, DIMENSION)."""
    random = np.random.default_rng(count)
    axes = np.linalg.qr(random.standard_normal((DIMENSION, DIRECTIONS)))[0].T.astype(np.float32)
    centres = random.standard_normal((GROUPS, DIRECTIONS), dtype=np.float32)
    inside = centres[random.integers(GROUPS, size=count)]
    inside += _SPREAD * random.standard_normal((count, DIRECTIONS), dtype=np.float32)
    vectors = inside @ axes
    vectors += _BESIDE * random.standard_normal((count, DIMENSION), dtype=np.float32)
    return vectors


def nearest(stored: Floats, asked: Floats, count: int) -> list[list[int]]:
    """For each vector asked for the rows nearest by angle, found by comparing all."""
    stored = stored / np.linalg.norm(stored, axis=1, keepdims=True)
    found = []
    for query in asked:
        scores = stored @ query
        highest = np.argpartition(scores, -count)[-count:]
        found.append(highest[np.argsort(-scores[highest])].tolist())
    return found
