"""Artifacts, aspects and collections for async code: the same fields, with methods to await.

A property never asks the service here: `status` and `content` are what was known last.
"""

import io
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from armarium.sdk.ivcap import downloads
from armarium.sdk.ivcap.files import CMPath, ProxyFile, SafePath
from armarium.sdk.ivcap.values import ArtifactFields, AspectFields, CollectionFields, CollectionItem

if TYPE_CHECKING:
    from armarium.sdk.ivcap.async_client import AsyncIVCAP


class AsyncArtifact(ArtifactFields):
    """Bytes with a name, and what is said about them. Comes from `AsyncIVCAP.upload_artifact` or `get_artifact`."""

    def __init__(self, ivcap: "AsyncIVCAP", **record: Any) -> None:
        if not ivcap:
            raise ValueError("missing 'ivcap' argument")
        self._ivcap = ivcap
        self.update(record)

    async def refresh(self) -> Self:
        """Ask the service for every field anew."""
        self.update(await self._ivcap.platform.artifact(self.id))
        return self

    async def open(self) -> ProxyFile:
        """All bytes in memory, as a file to read from."""
        return ProxyFile(io.BytesIO(await downloads.whole(self._ivcap.platform, self)))

    def as_stream(self, chunk_size: int = -1) -> AsyncIterator[bytes]:
        """The bytes in order, `chunk_size` at a time; -1 as for the blocking twin."""
        return downloads.chunks(self._ivcap.platform, self, chunk_size)

    async def as_local_file(self, path: str | Path | None = None, chunk_size: int = -1) -> Path | CMPath | SafePath:
        """Download to a path, where the file stays; or without one to a temporary file for a `with` block.

        chunk_size: taken for the sake of programs that give one; a few megabytes are held whatever it says.
        """
        if path is None:
            return await downloads.to_temporary_file(self._ivcap.platform, self)
        return await downloads.to_file(self._ivcap.platform, self, path)

    @property
    def metadata(self) -> AsyncIterator["AsyncAspect"]:
        """Every aspect of the artifact that holds now, newest first."""
        return self._ivcap.list_aspects(entity=self.id, limit=None)

    async def add_metadata(
        self, aspect: dict[str, Any], *, schema: str | None = None, policy: str | None = None
    ) -> Self:
        """State something about the artifact. schema: taken from `$schema` of the aspect if not given."""
        await self._ivcap.add_aspect(entity=self.id, aspect=aspect, schema=schema, policy=policy)
        return self


class AsyncAspect(AspectFields):
    """A statement about an entity. content: None until a list or `refresh` brought it."""

    def __init__(self, ivcap: "AsyncIVCAP", **record: Any) -> None:
        self._ivcap = ivcap
        self.update(record)

    @property
    def content(self) -> dict[str, Any] | None:
        """What it states; None until a list or `refresh` brought it."""
        return self._content

    @property
    def aspect(self) -> dict[str, Any] | None:
        """The same as `content`."""
        return self._content

    async def refresh(self) -> Self:
        """Ask the service for what holds now."""
        self.update(await self._ivcap.platform.aspect(self.id))
        return self

    async def retract(self) -> Self:
        """Let it hold no longer; it stays readable as of the time before."""
        if self.valid_to is None:
            await self._ivcap.platform.retract_aspect(self.id)
            await self.refresh()
        return self


class AsyncCollection(CollectionFields):
    """A named set of things, known by the URN its maker chose."""

    def __init__(self, ivcap: "AsyncIVCAP", **record: Any) -> None:
        self._ivcap = ivcap
        self.update(record)

    def items(self, limit: int | None = 10, at_time: datetime | None = None) -> AsyncIterator[CollectionItem]:
        """The members, at a time in the past if one is given, latest first. limit: None for all."""
        return self._ivcap.list_collection_items(self.urn, limit=limit, at_time=at_time)
