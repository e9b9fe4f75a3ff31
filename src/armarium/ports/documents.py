"""Documents: turning texts into other formats, and writing new ones from them."""

from collections.abc import Sequence
from typing import Protocol

from armarium.domain.document import Passage, Target


class Converter(Protocol):
    """Turns a text, which nobody trusts, into a document."""

    async def convert(self, passage: Passage, target: Target) -> bytes:
        """Raises Invalid for a text that cannot be read, TooLarge for one that costs more than it may,
        Unsupported where what it takes is not installed.
        """
        ...


class Writer(Protocol):
    """Writes a new text from others."""

    @property
    def kinds(self) -> frozenset[str]:
        """What it can write, such as `summary`."""
        ...

    async def write(self, kind: str, title: str, passages: Sequence[Passage], instructions: str) -> str:
        """Return Markdown. Raises Invalid, TooLarge, Refused, Unavailable."""
        ...
