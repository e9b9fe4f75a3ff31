"""Vectors: what the catalog keeps of vector collections, and an index that finds the nearest."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from armarium.domain.identifiers import ArtifactId
from armarium.domain.vector import Hits, VectorChange, VectorItem, VectorQuery, VectorSpace, VectorState


class VectorReader(Protocol):
    """Questions about vector collections, a part of `catalog.Reader`."""

    async def vector_state(self, artifact_id: ArtifactId) -> VectorState:
        """How many there are, and at which revision they stand."""
        ...

    async def find_vectors(self, artifact_id: ArtifactId, ids: Sequence[str]) -> dict[str, VectorItem]:
        """Those of the vectors that are there."""
        ...

    async def list_vectors(self, artifact_id: ArtifactId, *, offset: int, limit: int) -> list[VectorItem]:
        """In the order of arrival."""
        ...

    async def vectors_behind(
        self, artifact_id: ArtifactId, position: int, *, limit: int
    ) -> list[tuple[int, VectorItem]]:
        """In the order of arrival those behind a position, with their positions; all are behind -1."""
        ...

    async def vector_ids(self, artifact_id: ArtifactId, prefixes: Sequence[str]) -> list[str]:
        """The ids that are there and begin with one of these, and go on with letters, digits and dashes alone."""
        ...

    async def vector_changes(
        self, artifact_id: ArtifactId, *, after: tuple[int, str], limit: int
    ) -> list[VectorChange]:
        """What changed behind a (revision, id), by revision and id; each vector once, as it is now."""
        ...


class VectorWriter(Protocol):
    """Changes to vector collections, a part of `catalog.Transaction`; the artifact must be locked."""

    async def put_vectors(self, artifact_id: ArtifactId, items: Sequence[VectorItem], *, update: bool) -> int:
        """Add vectors; update: replace those whose id is taken, else leave them. Returns how many are new.

        Of two with one id the later counts.
        """
        ...

    async def remove_vectors(self, artifact_id: ArtifactId, ids: Sequence[str]) -> int:
        """Returns how many were there."""
        ...

    async def clear_vectors(self, artifact_id: ArtifactId) -> None:
        """Forget all of them, so that those of another space can take their place."""
        ...


class VectorIndex(Protocol):
    """Finds vectors; always by what is committed when it is asked."""

    async def search(self, artifact_id: ArtifactId, space: VectorSpace, query: VectorQuery) -> Hits:
        """Raises Invalid for a condition it cannot check."""
        ...

    async def close(self) -> None:
        """Let go of what is kept in memory or open."""
        ...


@runtime_checkable
class SweepsVectors(Protocol):
    """An index that keeps something outside of the catalog, and may be left with it."""

    async def sweep(self) -> None:
        """Let go of what is kept of collections that are gone."""
        ...


class Embedder(Protocol):
    """Turns text into vectors."""

    async def embed(self, texts: Sequence[str], dimension: int) -> list[bytes]:
        """One float32 vector for each text. Raises Invalid when the model makes vectors of another dimension."""
        ...


class Embedders(Protocol):
    """The embedders a server has."""

    def find(self, uri: str) -> Embedder:
        """Raises Invalid for a URI nobody knows, Unsupported, naming what is missing, for one that cannot be used."""
        ...
