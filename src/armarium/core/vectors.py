"""Vector collections: add, search, list, remove. What a batch holds is checked as a whole before any of it is kept."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec

from armarium.core.lookup import find
from armarium.core.permissions import access_of, require, rules_of
from armarium.core.publishing import audit
from armarium.core.schemas import check_manifest
from armarium.domain.artifact import Found
from armarium.domain.errors import Invalid, NotFound, SchemaViolation, TooLarge
from armarium.domain.manifest import encode_json
from armarium.domain.principal import Action, Principal
from armarium.domain.query import EVERYTHING, Condition
from armarium.domain.ranking import DEPTH, Place, first_of_page, fused
from armarium.domain.vector import (
    VECTOR_COLLECTION,
    Hit,
    Hits,
    VectorItem,
    VectorQuery,
    VectorSpace,
    Words,
    checked_id,
    checked_vector,
    space_of,
)
from armarium.ports.catalog import Catalog
from armarium.ports.clock import Clock
from armarium.ports.vectors import Embedders, VectorIndex

MAX_BATCH = 100_000
MAX_PAGE = 10_000
PAGE = 1000
"""Vectors read at a time where all are."""


class NewVector(msgspec.Struct, frozen=True):
    """A vector as somebody gives it. vector: numbers, the bytes of float32 numbers, or a text to embed."""

    id: object
    vector: object
    payload: Mapping[str, Any] = {}


class FoundVector(msgspec.Struct, frozen=True):
    """A vector as it is answered. score: see `domain.vector.Hit`."""

    item: VectorItem
    score: float | None = None


class VectorPage(msgspec.Struct, frozen=True):
    """A part of a collection. total: how many match in all. next: where the following page starts, where asked for."""

    found: list[FoundVector]
    total: int
    next: Place | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A search. vector: as in NewVector, or None. model: instead of the collection's own.

    words: beside a vector a second ranking, which is fused with its own; else only what holds all of them.
    after: the end of the page before; wants_next: tell the end of this one.
    """

    vector: object = None
    model: str | None = None
    words: Words | None = None
    where: Condition = EVERYTHING
    order_by: str | None = None
    descending: bool = False
    offset: int = 0
    limit: int = 5
    after: Place | None = None
    wants_next: bool = False


class Vectors:
    """Use cases around vector collections."""

    def __init__(self, catalog: Catalog, index: VectorIndex, embedders: Embedders, clock: Clock) -> None:
        self._catalog = catalog
        self._index = index
        self._embedders = embedders
        self._clock = clock

    async def add(
        self,
        principal: Principal,
        name: str,
        vectors: Sequence[NewVector],
        *,
        update: bool = False,
        model: str | None = None,
    ) -> list[str]:
        """Add vectors and return their ids; update: replace those whose id is taken, else leave them as they are.

        Raises Invalid, SchemaViolation, TooLarge, naming the first vector at fault; then nothing was added.
        """
        found = await self._collection(principal, name, Action.ADD_VECTORS)
        if len(vectors) > MAX_BATCH:
            raise TooLarge(f"At most {MAX_BATCH:,} vectors can be added at once.")
        space = space_in(found)
        items = checked_items(found, space, await self._embedded(space, vectors, model))
        async with self._catalog.transaction() as tx:
            locked = await find(tx, principal, found.artifact.id)
            require(principal, Action.ADD_VECTORS, access_of(locked))
            if space_in(locked) != space:
                raise Invalid("config", "The collection was changed meanwhile: try again.")
            added = await tx.put_vectors(found.artifact.id, items, update=update)
            await audit(tx, self._clock, principal, found.artifact, "add_vectors", str(added))
        return [item.id for item in items]

    async def search(self, principal: Principal, name: str, asked: Asked) -> VectorPage:
        """Return the vectors nearest to one, to a text, or those that match a filter alone."""
        found = await self._collection(principal, name, Action.SEARCH_VECTORS)
        return await self._page(found, asked)

    async def read(self, principal: Principal, name: str, vector_id: object) -> VectorItem:
        """Raises NotFound."""
        found = await self._collection(principal, name, Action.GET_VECTOR)
        wanted = _plainly(vector_id)
        item = (await self._catalog.find_vectors(found.artifact.id, [wanted])).get(wanted)
        if item is None:
            raise NotFound("vector", wanted, f"Vector '{wanted}' not found in '{found.artifact.name}'.")
        return item

    async def pages(self, principal: Principal, name: str) -> AsyncIterator[list[VectorItem]]:
        """All vectors in the order of arrival, some at a time; what arrives meanwhile comes last."""
        found = await self._collection(principal, name, Action.LIST_VECTORS)
        behind = -1
        while items := await self._catalog.vectors_behind(found.artifact.id, behind, limit=PAGE):
            yield [item for _, item in items]
            behind = items[-1][0]

    async def remove(self, principal: Principal, name: str, ids: Sequence[object]) -> int:
        """Remove vectors; those that are not there are fine. Returns how many were."""
        wanted = [_plainly(vector_id) for vector_id in ids]
        async with self._catalog.transaction() as tx:
            found = await find(tx, principal, name)
            require(principal, Action.REMOVE_VECTORS, access_of(found))
            require_vectors(found)
            removed = await tx.remove_vectors(found.artifact.id, wanted)
            await audit(tx, self._clock, principal, found.artifact, "remove_vectors", str(removed))
        return removed

    async def close(self) -> None:
        """Let go of what was kept in memory."""
        await self._index.close()

    async def _collection(self, principal: Principal, name: str, action: Action) -> Found:
        found = await find(self._catalog, principal, name)
        require(principal, action, access_of(found))
        require_vectors(found)
        return found

    async def _page(self, found: Found, asked: Asked) -> VectorPage:
        query = await self._query(found, asked)
        artifact_id = found.artifact.id
        is_fused = query.vector is not None and query.words is not None and query.order_by is None
        first, hits = await (self._fused if is_fused else self._ranked)(found, query, asked)
        items = await self._catalog.find_vectors(artifact_id, [hit.id for hit in hits.hits])
        answered = [FoundVector(items[hit.id], hit.score) for hit in hits.hits if hit.id in items]
        behind, end = first + len(hits.hits), None
        if query.until is not None and hits.hits and behind < hits.total:
            end = Place(behind, hits.hits[-1].id, {artifact_id: query.until})
        return VectorPage(answered, hits.total, end)

    async def _query(self, found: Found, asked: Asked) -> VectorQuery:
        """What to ask the index, offset aside; until: for whoever wants to page on, so that later pages agree."""
        until = None
        if asked.after is not None:
            until = asked.after.until.get(found.artifact.id, 0)
        elif asked.wants_next:
            until = (await self._catalog.vector_state(found.artifact.id)).revision
        return VectorQuery(
            vector=await self._query_vector(space_in(found), asked),
            words=asked.words,
            where=asked.where,
            until=until,
            order_by=asked.order_by,
            descending=asked.descending,
            limit=min(asked.limit, MAX_PAGE),
        )

    async def _ranked(self, found: Found, query: VectorQuery, asked: Asked) -> tuple[int, Hits]:
        """A page of one ranking, and where it begins."""
        first = asked.offset + (asked.after.shown if asked.after else 0)
        query = msgspec.structs.replace(query, offset=first)
        return first, await self._index.search(found.artifact.id, space_in(found), query)

    async def _fused(self, found: Found, query: VectorQuery, asked: Asked) -> tuple[int, Hits]:
        """The same of two rankings put together."""
        whole = msgspec.structs.replace(query, limit=DEPTH)
        rankings = [
            await self._index.search(found.artifact.id, space_in(found), msgspec.structs.replace(whole, **without))
            for without in ({"vector": None}, {"words": None})
        ]
        ranking = fused([[hit.id for hit in hits.hits] for hits in rankings])
        first = first_of_page(ranking, asked.after, asked.offset)
        page = [Hit(ranked.id, ranked.score) for ranked in ranking[first : first + query.limit]]
        return first, Hits(page, len(ranking))

    async def _query_vector(self, space: VectorSpace, asked: Asked) -> bytes | None:
        if asked.vector is None:
            return None
        if isinstance(asked.vector, str):
            return (await self._embed(space, [asked.vector], asked.model))[0]
        try:
            return checked_vector(asked.vector, space.dimension)
        except Invalid as error:
            raise Invalid("query", f"Invalid query: {error.reason}.") from None

    async def _embedded(
        self, space: VectorSpace, vectors: Sequence[NewVector], model: str | None
    ) -> Sequence[NewVector]:
        """The vectors with every text among them turned into numbers."""
        texts = {index: new.vector for index, new in enumerate(vectors) if isinstance(new.vector, str)}
        if not texts:
            return vectors
        made = dict(zip(texts, await self._embed(space, list(texts.values()), model), strict=True))
        return [
            msgspec.structs.replace(new, vector=made[index]) if index in made else new
            for index, new in enumerate(vectors)
        ]

    async def _embed(self, space: VectorSpace, texts: list[str], model: str | None) -> list[bytes]:
        uri = model or space.model
        if uri is None:
            raise Invalid("embedding_model", "The collection has no embedding model: give numbers instead of text.")
        return await self._embedders.find(uri).embed(texts, space.dimension)

    async def list(self, principal: Principal, name: str, asked: Asked) -> VectorPage:
        """Return vectors in the order of arrival, or of a field of their payload."""
        found = await self._collection(principal, name, Action.LIST_VECTORS)
        if asked.order_by is not None:
            return await self._page(found, asked)
        limit = min(asked.limit, MAX_PAGE)
        items = await self._catalog.list_vectors(found.artifact.id, offset=asked.offset, limit=limit)
        total = (await self._catalog.vector_state(found.artifact.id)).item_count
        return VectorPage([FoundVector(item) for item in items], total)


def checked_items(found: Found, space: VectorSpace, vectors: Sequence[NewVector]) -> list[VectorItem]:
    """Make vectors of what somebody gave. Raises Invalid, SchemaViolation, naming the first at fault."""
    schema = rules_of(found.artifact.config).schema
    items: list[VectorItem] = []
    for index, new in enumerate(vectors):
        try:
            payload = encode_json("manifest", new.payload)
            if schema is not None:
                check_manifest(payload, schema)
            vector = checked_vector(new.vector, space.dimension)
            items.append(VectorItem(id=checked_id(new.id), vector=vector, payload=payload))
        except SchemaViolation as error:
            raise SchemaViolation(f"{error.reason} (in vector {index})") from None
        except Invalid as error:
            raise Invalid("vectors", f"Invalid vector {index}: {error.reason}.") from None
    return items


def require_vectors(found: Found) -> None:
    """Raise Invalid unless it is a vector collection."""
    if found.artifact.type != VECTOR_COLLECTION:
        raise Invalid("artifact_id", f"Artifact '{found.artifact.name}' is not a vector collection.")


def space_in(found: Found) -> VectorSpace:
    """What the vectors of a collection have in common."""
    return space_of(msgspec.json.decode(found.artifact.config))


def _plainly(vector_id: object) -> str:
    try:
        return checked_id(vector_id)
    except Invalid as error:
        raise Invalid("id", f"Invalid vector id: {error.reason}.") from None
