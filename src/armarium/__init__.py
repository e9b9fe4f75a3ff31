"""An artifact store for research and machine learning that opens through four doors at once.

What users import is listed in `__all__`; everything else may move.
"""

from armarium._version import __version__
from armarium.domain.errors import (
    AlreadyExists,
    ArmariumError,
    Conflict,
    Forbidden,
    Invalid,
    NotAuthenticated,
    NotFound,
    NotStaged,
    Refused,
    SchemaViolation,
    TooLarge,
    Unavailable,
    Unsupported,
)

__all__ = [
    "AlreadyExists",
    "ArmariumError",
    "Conflict",
    "Forbidden",
    "Invalid",
    "NotAuthenticated",
    "NotFound",
    "NotStaged",
    "Refused",
    "SchemaViolation",
    "TooLarge",
    "Unavailable",
    "Unsupported",
    "__version__",
]
