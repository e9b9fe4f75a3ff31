"""Which collections are searched by meaning, and what of their children is still to be taken in.

`SemanticReader` and `SemanticWriter` are parts of the catalog's `Reader` and `Transaction`. The catalog itself marks
every child that is published, changed, moved in or out, or removed, in the transaction that does it.
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from armarium.domain.artifact import Found
from armarium.domain.identifiers import ArtifactId


class SemanticIndex(msgspec.Struct, frozen=True, kw_only=True):
    """How far the index of a collection is.

    scanned: up to which child all that were there have been looked at, `""` for none; None once they all were.
    marks: children that changed since, each with a stamp that is another after every change; not all where there are
    many.
    """

    scanned: str | None
    marks: Mapping[ArtifactId, int]


class SemanticReader(Protocol):
    """Questions about collections that are searched by meaning."""

    async def find_semantic_index(self, collection_id: ArtifactId, *, most_marks: int) -> SemanticIndex | None: ...

    async def semantic_collections(self, workspace: str, *, viewer: str | None, limit: int) -> list[Found]:
        """The collections of a workspace that have an index, oldest first."""
        ...

    async def waiting_indexes(self, *, failed_before: float, limit: int) -> list[tuple[ArtifactId, str | None]]:
        """Collections whose children wait to be taken in while no job is at it, and the job that was the last.

        A job that was cancelled, or failed at a moment or later, still counts as being at it.
        """
        ...


class SemanticWriter(SemanticReader, Protocol):
    """Changes to indexes; the collection must be locked."""

    async def open_semantic_index(self, collection_id: ArtifactId) -> None:
        """Have all children looked at, also those an index already knows."""
        ...

    async def close_semantic_index(self, collection_id: ArtifactId) -> None: ...

    async def assign_job(self, collection_id: ArtifactId, job_id: str) -> bool:
        """Say which job is at it; False where one was."""
        ...

    async def take_marks(self, collection_id: ArtifactId, marks: Mapping[ArtifactId, int]) -> set[ArtifactId]:
        """Remove marks that are as they were found; returns whose they were."""
        ...

    async def set_scanned(self, collection_id: ArtifactId, scanned: str | None, *, before: str) -> bool:
        """Note how far the children were looked at; False where somebody else went on meanwhile."""
        ...
