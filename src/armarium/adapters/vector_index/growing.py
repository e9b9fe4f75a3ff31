"""Arrays of numbers that grow by rows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Numbers = NDArray[np.int64]

_FIRST_ROWS = 1024


def more_than(rows: int) -> int:
    """How many rows to make room for when these are full."""
    return max(_FIRST_ROWS, rows + rows // 2)


def longer(numbers: NDArray[Any], rows: int) -> NDArray[Any]:
    grown = np.zeros((rows, *numbers.shape[1:]), numbers.dtype)
    grown[: len(numbers)] = numbers
    return grown
