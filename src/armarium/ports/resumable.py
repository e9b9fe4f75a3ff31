"""Resumable uploads: what the catalog keeps of files that arrive piece by piece."""

from collections.abc import Sequence
from typing import Protocol

from armarium.domain.identifiers import ArtifactId
from armarium.domain.upload import Resumable, Segment


class ResumableReader(Protocol):
    """Questions about uploads under way, a part of `catalog.Reader`."""

    async def find_resumable(self, upload_id: str) -> Resumable | None: ...

    async def resumables_of(self, artifact_ids: Sequence[ArtifactId]) -> dict[ArtifactId, Resumable]:
        """The upload each artifact will be committed with, or was, where it is known still."""
        ...

    async def list_segments(self, upload_id: str) -> list[Segment]:
        """In the order of the bytes."""
        ...

    async def unsettled_resumables(self, *, touched_before: float, limit: int) -> list[Resumable]:
        """Those with an open ending whose file is not yet what has arrived, longest untouched first."""
        ...

    async def expired_resumables(self, *, expired_before: float, limit: int) -> list[str]:
        """Ids of uploads that have expired, the longest first."""
        ...


class ResumableWriter(Protocol):
    """Changes to uploads under way, a part of `catalog.Transaction`."""

    async def insert_resumable(self, upload: Resumable) -> None: ...

    async def advance_resumable(self, upload: Resumable, *, from_offset: int, segment: Segment | None) -> bool:
        """Record what an upload has become, with the bytes that arrived; False when it is not at that offset any more.

        All but its id, artifact, path and creator may be new.
        """
        ...

    async def replace_segments(self, upload_id: str, segment: Segment | None, *, now: float) -> None:
        """Keep one segment in place of all, or none; what was kept is released."""
        ...

    async def delete_resumable(self, upload_id: str, *, now: float) -> None:
        """Forget an upload and release what arrived of it."""
        ...
