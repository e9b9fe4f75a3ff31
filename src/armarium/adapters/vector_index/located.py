"""The index for the vectors of a catalog: exact, and a graph for large ones where PostgreSQL has pgvector."""

from armarium.adapters.vector_index.exact import ExactIndex
from armarium.domain.identifiers import ArtifactId
from armarium.domain.vector import Engine, Hits, VectorQuery, VectorSpace
from armarium.ports.catalog import Catalog
from armarium.ports.vectors import VectorIndex, VectorReader


def vector_index_at(url: str | None, catalog: Catalog, *, memory_bytes: int, exact_up_to: int) -> VectorIndex:
    """Build the index; nothing is opened yet. url: of the catalog's database, None for a file."""
    exact = ExactIndex(catalog, memory_bytes=memory_bytes)
    return exact if url is None else BySize(catalog, exact, url, exact_up_to)


class BySize:
    """The `VectorIndex` port: exact search, but for collections that are large or ask for pgvector, where it can."""

    def __init__(self, catalog: VectorReader, exact: VectorIndex, url: str, exact_up_to: int) -> None:
        from armarium.adapters.vector_index.pgvector import PgvectorIndex  # noqa: PLC0415 - needs extras

        self._catalog = catalog
        self._exact = exact
        self._graph = PgvectorIndex(catalog, url)
        self._exact_up_to = exact_up_to

    async def search(self, artifact_id: ArtifactId, space: VectorSpace, query: VectorQuery) -> Hits:
        if await self._is_for_graph(artifact_id, space):
            return await self._graph.search(artifact_id, space, query)
        return await self._exact.search(artifact_id, space, query)

    async def sweep(self) -> None:
        await self._graph.sweep()

    async def close(self) -> None:
        await self._exact.close()
        await self._graph.close()

    async def _is_for_graph(self, artifact_id: ArtifactId, space: VectorSpace) -> bool:
        if space.engine is not Engine.PGVECTOR:
            state = await self._catalog.vector_state(artifact_id)
            if state.item_count <= self._exact_up_to:
                return False
        return await self._graph.can_search(space)
