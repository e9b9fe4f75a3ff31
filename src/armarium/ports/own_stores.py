"""Records of the stores that artifacts brought with them."""

from collections.abc import Sequence
from typing import Protocol

from armarium.domain.identifiers import ArtifactId
from armarium.domain.own_store import SealedStore


class OwnStoreReader(Protocol):
    """Questions, each answered by one statement."""

    async def secrets_named(self, artifact_id: ArtifactId, keys: Sequence[str]) -> list[tuple[str, str, bytes]]:
        """Published secrets of an artifact and of its parent: whose, key and ciphertext; the parent's first."""
        ...

    async def stores_of(self, artifact_id: ArtifactId) -> list[SealedStore]:
        """What was recorded for an artifact, the latest first."""
        ...

    async def find_store(self, store_id: str) -> SealedStore | None:
        """A store by the id that the ids of its blobs begin with."""
        ...


class OwnStoreWriter(Protocol):
    """Changes."""

    async def insert_store(self, store: SealedStore) -> None:
        """Record a store before the first bytes go there."""
        ...

    async def forget_stores(self) -> int:
        """Remove the records of stores that hold no blob and whose artifact is gone; returns how many."""
        ...
