"""What the clients did and what they were told; all of it in one process, so nothing here needs a lock."""

from collections import defaultdict
from typing import Any, NamedTuple


class Sent(NamedTuple):
    """Bytes that the server said it has, behind a path of an artifact."""

    artifact: str
    path: str
    content: bytes


class View(NamedTuple):
    """A read that was answered, by which process, and when (seconds of a steady clock)."""

    artifact: str
    process: str
    at: float


class History:
    """Acknowledged: must be seen in the end. Attempted: may be. What was only refused: must not."""

    def __init__(self) -> None:
        self.created: dict[str, dict[str, Any]] = {}
        self.maybe_created: set[str] = set()
        self.deleted: set[str] = set()
        self.sent: list[Sent] = []
        self.maybe_sent: dict[tuple[str, str], bytes] = {}
        self.labels: defaultdict[str, list[str]] = defaultdict(list)
        self.edits: defaultdict[str, list[str]] = defaultdict(list)
        self.maybe_edits: defaultdict[str, set[str]] = defaultdict(set)
        self.races: defaultdict[str, list[str]] = defaultdict(list)
        self.views: list[View] = []
        self.attempted_views: defaultdict[str, int] = defaultdict(int)
        self.last_answer: dict[str, float] = {}
        self.acknowledged = 0
        self.unknown = 0
        self.refused: defaultdict[str, int] = defaultdict(int)
        self.wrong: list[str] = []
        """Answers nobody should ever get."""

    def summary(self) -> str:
        return (
            f"{self.acknowledged} acknowledged, {self.unknown} unknown, {sum(self.refused.values())} refused; "
            f"{len(self.created)} created, {len(self.deleted)} deleted, {len(self.sent)} files, "
            f"{sum(map(len, self.labels.values()))} commits, {sum(map(len, self.edits.values()))} edits, "
            f"{len(self.views)} views, {len(self.last_answer)} processes"
        )
