"""Public archives: where a described set of files is published for good, such as Zenodo.

A deposit is what the archive keeps: it starts as a draft, is described and filled, and when it is published it
becomes a record with a DOI that nobody can change; after that only a new version of it can be made.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

Record = Mapping[str, Any]
"""What an archive says of a deposit, as JSON, in its own words."""


class Deposit(msgspec.Struct, frozen=True, kw_only=True):
    """A deposit as the archive has it now. concept_id: stays the same over all its versions."""

    id: str
    concept_id: str
    is_published: bool
    record: Record


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of the files. more: fields in the archive's own words, which win over ours."""

    title: str
    text: str
    type: str
    creators: tuple[str, ...]
    license: str | None = None
    keywords: tuple[str, ...] = ()
    notes: str = ""
    more: Mapping[str, Any] = {}


class PublicFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file to publish. read: yields its bytes, from the start each time it is called."""

    path: str
    size_bytes: int
    read: Callable[[], AsyncGenerator[bytes, None]]


class Archive(Protocol):
    """One archive; a token says on whose behalf. No error, whatever went wrong, contains the token.

    Every method raises Refused when the archive says no, Unavailable when it cannot be reached or does not recover.
    """

    async def reserve(self, token: str) -> Deposit:
        """Make an empty draft, which has its id already."""
        ...

    async def discard(self, token: str, deposit: Deposit) -> None:
        """Remove a draft; one that is not there is fine."""
        ...

    async def find(self, token: str, known: Record) -> Deposit | None:
        """Return the deposit of an earlier record, None if it is not there or not of this archive."""
        ...

    async def draft_of_next_version(self, token: str, published: Deposit) -> Deposit | None:
        """Return the draft of a published deposit's next version, made now or left from before; None if it is gone."""
        ...

    async def fill(self, token: str, draft: Deposit, description: Description, files: Sequence[PublicFile]) -> None:
        """Describe a draft and make its files exactly these; what is there with the same bytes is not sent again.

        Memory does not grow with the size of a file.
        """
        ...

    async def publish(self, token: str, draft: Deposit) -> Deposit:
        """Publish a draft for good."""
        ...
