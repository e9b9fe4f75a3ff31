"""What the clients need from whatever keeps the artifacts: a service, or a folder.

Records are the protocol's own: dictionaries with its hyphenated words, timestamps as text.
Source: protocols/ivcap.md, sections 4 to 11.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec

from armarium.sdk.ivcap.sources import Source
from armarium.sdk.progress import Progress

Record = dict[str, Any]


class Page(NamedTuple):
    """A part of a list; next: how to ask for the part after it, None at the end."""

    items: list[Record]
    next: str | None = None


class NewArtifact(msgspec.Struct, frozen=True, kw_only=True):
    """What an artifact is called, before its bytes."""

    content_type: str
    name: str | None = None
    collection: str | None = None
    policy: str | None = None


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """How bytes are to be sent.

    chunk_size: bytes in one request; None lets the service have as many as it takes.
    retries: how often to try again after a failure, each time after `retry_delay` seconds.
    """

    chunk_size: int | None = None
    retries: int = 0
    retry_delay: float = 30.0
    progress: Progress | None = None


class ArtifactQuery(msgspec.Struct, frozen=True, kw_only=True):
    filter: str | None = None
    order_by: str | None = None
    order_desc: bool = False
    at_time: datetime | None = None


class AspectQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which aspects to list. schema: `%` stands for anything. content_path: a JSON path the content must answer."""

    entity: str | None = None
    schema: str | None = None
    content_path: str | None = None
    at_time: datetime | None = None
    filter: str | None = None
    order_by: str = "valid_from"
    order_direction: str = "DESC"
    include_content: bool = True


class Platform(Protocol):
    """Every refusal is an IvcapApiError, whoever says it."""

    url: str | None
    account_id: str | None

    async def create(self, new: NewArtifact, size: int | None, key: str) -> Record:
        """Return the record of an artifact that awaits `size` bytes (None: nobody knows how many).

        key: the same in every try to make the same artifact.
        """
        ...

    async def send(self, record: Record, source: Source, transfer: Transfer) -> Record:
        """Bring the bytes an artifact still lacks; return its record afterwards."""
        ...

    async def artifact(self, id: str) -> Record: ...

    async def artifacts(self, query: ArtifactQuery, limit: int, page: str | None) -> Page: ...

    def content(self, record: Record, chunk_size: int) -> AsyncIterator[bytes]:
        """The bytes of an artifact, each chunk but the last exactly `chunk_size` long."""
        ...

    async def save(self, record: Record, path: Path) -> None:
        """Write the bytes of an artifact to a file, which appears when all are there."""
        ...

    async def add_aspect(self, entity: str, schema: str, content: Record, policy: str | None) -> str:
        """Return the URN of the new aspect."""
        ...

    async def replace_aspect(self, entity: str, schema: str, content: Record, policy: str | None) -> str:
        """End the aspect of this entity and schema, if there is one, and begin a new one."""
        ...

    async def aspect(self, id: str) -> Record: ...

    async def aspects(self, query: AspectQuery, limit: int, page: str | None) -> Page: ...

    async def retract_aspect(self, id: str) -> None: ...

    async def search(self, query: str, limit: int) -> Record: ...

    async def secrets(self, filter: str | None, limit: int, page: str | None) -> Page: ...

    async def secret(self, name: str, type: str | None) -> Record: ...

    async def set_secret(self, secret: Record) -> None: ...
