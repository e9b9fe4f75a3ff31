"""Artifacts, aspects and collections for blocking code: every method that needs the service waits for it."""

import io
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from armarium.sdk.ivcap import downloads
from armarium.sdk.ivcap.files import CMPath, ProxyFile, SafePath
from armarium.sdk.ivcap.values import (
    ArtifactFields,
    ArtifactStatusRTStatus,
    AspectFields,
    CollectionFields,
    CollectionItem,
)
from armarium.sdk.loop import iterate, run

if TYPE_CHECKING:
    from armarium.sdk.ivcap.client import IVCAP


class Artifact(ArtifactFields):
    """Bytes with a name, and what is said about them. Comes from `IVCAP.upload_artifact` or `get_artifact`."""

    def __init__(self, ivcap: "IVCAP", **record: Any) -> None:
        """record: a record of the protocol, with its hyphenated names; `id` is a must."""
        if not ivcap:
            raise ValueError("missing 'ivcap' argument")
        self._ivcap = ivcap
        self.update(record)

    @classmethod
    def _from_list_item(cls, item: Any, ivcap: "IVCAP") -> Self:
        return cls(ivcap, **item.to_dict())

    @property
    def status(self) -> ArtifactStatusRTStatus | None:  # type: ignore[override]  # read-only in the class above too
        """Asked of the service each time."""
        self.refresh()
        return self._status

    def refresh(self) -> Self:
        """Ask the service for every field anew."""
        self.update(run(self._ivcap.platform.artifact(self.id)))
        return self

    def open(self) -> ProxyFile:
        """All bytes in memory, as a file to read from. For more than memory holds see `as_stream`."""
        return ProxyFile(io.BytesIO(run(downloads.whole(self._ivcap.platform, self))))

    def as_stream(self, chunk_size: int = -1) -> Iterator[bytes]:
        """The bytes in order, `chunk_size` at a time.

        -1 takes a tenth of the artifact, at least 8 KiB and at most 10 MiB.
        """
        return iterate(downloads.chunks(self._ivcap.platform, self, chunk_size))

    def as_local_file(self, path: str | Path | None = None, chunk_size: int = -1) -> Path | CMPath | SafePath:
        """Download to a path, where the file stays; or without one to a temporary file for a `with` block.

        chunk_size: taken for the sake of programs that give one; a few megabytes are held whatever it says.
        """
        if path is None:
            return run(downloads.to_temporary_file(self._ivcap.platform, self))
        return run(downloads.to_file(self._ivcap.platform, self, path))

    @property
    def metadata(self) -> Iterator["Aspect"]:
        """Every aspect of the artifact that holds now, newest first."""
        return self._ivcap.list_aspects(entity=self.id, limit=None)

    def add_metadata(self, aspect: dict[str, Any], *, schema: str | None = None, policy: str | None = None) -> Self:
        """State something about the artifact. schema: taken from `$schema` of the aspect if not given."""
        self._ivcap.add_aspect(entity=self.id, aspect=aspect, schema=schema, policy=policy)
        return self


class Aspect(AspectFields):
    """A statement about an entity; comes from `IVCAP.add_aspect`, `list_aspects` and `Artifact.metadata`."""

    def __init__(self, ivcap: "IVCAP", **record: Any) -> None:
        self._ivcap = ivcap
        self.update(record)

    @property
    def content(self) -> dict[str, Any]:
        """What it states; asked of the service when a list did not bring it."""
        if self._content is None:
            self.refresh()
        return self._content or {}

    @property
    def aspect(self) -> dict[str, Any]:
        """The same as `content`."""
        return self.content

    def refresh(self) -> Self:
        """Ask the service for what holds now."""
        self.update(run(self._ivcap.platform.aspect(self.id)))
        return self

    def retract(self) -> Self:
        """Let it hold no longer; it stays readable as of the time before."""
        if self.valid_to is None:
            run(self._ivcap.platform.retract_aspect(self.id))
            self.refresh()
        return self


class Collection(CollectionFields):
    """A named set of things, known by the URN its maker chose."""

    def __init__(self, ivcap: "IVCAP", **record: Any) -> None:
        self._ivcap = ivcap
        self.update(record)

    def items(self, limit: int | None = 10, at_time: datetime | None = None) -> Iterator[CollectionItem]:
        """The members, at a time in the past if one is given, latest first. limit: None for all."""
        return self._ivcap.list_collection_items(self.urn, limit=limit, at_time=at_time)
