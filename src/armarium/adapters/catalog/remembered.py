"""What rows became, remembered for as long as nobody commits."""

from collections.abc import Sequence
from typing import Any

MOST_ROWS = 4096

Question = tuple[str, Sequence[Any]]
"""A statement and its values."""


class Remembered:
    """Values by question, all read in one state of the database.

    state: whatever tells it from every other; a value that is read in several is not kept.
    """

    def __init__(self) -> None:
        self._made: dict[Question, Any] = {}
        self.state: Any = None

    def __len__(self) -> int:
        return len(self._made)

    def __contains__(self, question: Question) -> bool:
        return question in self._made

    def __getitem__(self, question: Question) -> Any:
        return self._made[question]

    def keep(self, question: Question, made: Any, *, since: Any) -> None:
        """since: the state when it began to be read."""
        if since is None or since != self.state:
            return
        if len(self._made) >= MOST_ROWS:
            self._made.clear()
        self._made[question] = made

    def move_on(self, state: Any) -> None:
        """The database is in a state now; what was read in another is forgotten."""
        if state is None or state != self.state:
            self._made.clear()
            self.state = state
