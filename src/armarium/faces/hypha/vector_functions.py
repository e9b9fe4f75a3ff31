"""The functions of the artifact manager around vector collections."""

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from armarium.core.vectors import Asked, FoundVector, NewVector, VectorPage, Vectors
from armarium.domain.errors import Invalid
from armarium.domain.vector import VectorItem, checked_words, numbers_of
from armarium.faces.hypha.arguments import object_or_none, offset_of
from armarium.faces.hypha.identity import Session
from armarium.faces.hypha.queries import words_of
from armarium.faces.hypha.ranked_cursors import RankedCursors
from armarium.faces.hypha.services import AsyncFunction
from armarium.faces.hypha.vector_filters import parse_vector_filters

Described = dict[str, Any]

_WITH_OWN_NAMES = ("id", "vector")


class VectorFunctions:
    """Translates, calls the core once and translates back."""

    def __init__(self, vectors: Vectors, cursors: RankedCursors) -> None:
        self._vectors = vectors
        self._cursors = cursors

    def calls(self) -> dict[str, AsyncFunction]:
        named = (self.add_vectors, self.search_vectors, self.list_vectors, self.get_vector, self.remove_vectors)
        return {call.__name__: call for call in named}

    async def add_vectors(
        self,
        session: Session,
        artifact_id: str,
        vectors: list[Any],
        embedding_models: dict[str, str] | str | None = None,
        update: bool = False,
    ) -> list[str]:
        """Add vectors, each with an id, a vector (numbers, bytes or text) and a manifest; returns their ids."""
        new = [_new_vector(index, given) for index, given in enumerate(vectors)]
        return await self._vectors.add(
            session.caller, artifact_id, new, update=bool(update), model=model_of(embedding_models)
        )

    async def search_vectors(
        self,
        session: Session,
        artifact_id: str,
        query: Any = None,
        embedding_models: dict[str, str] | str | None = None,
        filters: dict[str, Any] | None = None,
        limit: int | None = 5,
        offset: int | None = 0,
        return_fields: list[str] | None = None,
        order_by: str | None = None,
        pagination: bool = False,
        keywords: list[str] | str | None = None,
        cursor: str | None = None,
    ) -> list[Described] | Described:
        """Return the vectors nearest to a vector or a text, or those that hold words or match a filter; best first."""
        question = ("search_vectors", artifact_id, query, embedding_models, filters, order_by, keywords)
        asked = _asked(
            filters,
            limit,
            offset,
            order_by,
            vector=_query_vector(query),
            model=model_of(embedding_models),
            words=checked_words(words_of(keywords)),
            after=self._cursors.read(cursor, question),
            wants_next=bool(pagination),
        )
        page = await self._vectors.search(session.caller, artifact_id, asked)
        answer = _answer(page, asked, return_fields, pagination=bool(pagination))
        if isinstance(answer, dict):
            answer["next"] = self._cursors.issue(page.next, question)
        return answer

    async def list_vectors(
        self,
        session: Session,
        artifact_id: str,
        offset: int = 0,
        limit: int = 10,
        return_fields: list[str] | None = None,
        order_by: str | None = None,
        pagination: bool = False,
    ) -> list[Described] | Described:
        """Return vectors in the order of their arrival, or of a field of their manifest."""
        asked = _asked(None, limit, offset, order_by)
        page = await self._vectors.list(session.caller, artifact_id, asked)
        return _answer(page, asked, return_fields, pagination=bool(pagination))

    async def get_vector(self, session: Session, artifact_id: str, id: str | int) -> Described:
        """Return one vector with its manifest."""
        return _described(FoundVector(await self._vectors.read(session.caller, artifact_id, id)), with_vector=True)

    async def remove_vectors(self, session: Session, artifact_id: str, ids: Any) -> None:
        """Remove vectors by id; ids nobody knows are fine."""
        await self._vectors.remove(session.caller, artifact_id, ids if isinstance(ids, list) else [ids])


def _new_vector(index: int, given: Any) -> NewVector:
    if not isinstance(given, Mapping):
        raise Invalid("vectors", f"Invalid vector {index}: it must be an object with 'id' and 'vector'.")
    for name in _WITH_OWN_NAMES:
        if given.get(name) is None:
            raise Invalid("vectors", f"Invalid vector {index}: it needs '{name}'.")
    payload = given.get("manifest")
    if payload is None:  # some clients write the fields beside the vector
        payload = {key: value for key, value in given.items() if key not in (*_WITH_OWN_NAMES, "manifest")}
    if not isinstance(payload, Mapping):
        raise Invalid("vectors", f"Invalid vector {index}: its 'manifest' must be an object.")
    return NewVector(given["id"], given["vector"], payload)


def _query_vector(query: Any) -> object:
    """The vector or text a query holds: itself, under `vector` or `text`, or the first list of numbers in it."""
    if not isinstance(query, Mapping):
        return query
    for name in ("vector", "text"):
        if query.get(name) is not None:
            return query[name]
    if not query:
        return None
    found = next((value for value in query.values() if isinstance(value, list | str | bytes)), None)
    if found is None:
        raise Invalid("query", "Invalid query: it must hold a 'vector' or a 'text'.")
    return found


def model_of(given: Mapping[str, str] | str | None) -> str | None:
    """The embedding model a call names, if it does."""
    if isinstance(given, Mapping):
        given = next(iter(given.values()), None)
    return given or None


def _asked(filters: Any, limit: int | None, offset: int | None, order_by: str | None, **more: Any) -> Asked:
    name = order_by.rstrip("<>") if order_by else None
    return Asked(
        where=parse_vector_filters(object_or_none("filters", filters) or {}),
        limit=offset_of("limit", 5 if limit is None else limit),
        offset=offset_of("offset", offset or 0),
        order_by=None if name in (None, "_score") else name,
        descending=bool(order_by and order_by.endswith(">")),
        **more,
    )


def _answer(
    page: VectorPage, asked: Asked, return_fields: list[str] | None, *, pagination: bool
) -> list[Described] | Described:
    with_vector = "vector" in (return_fields or ())
    items = [_described(found, with_vector=with_vector) for found in page.found]
    if not pagination:
        return items
    return {"items": items, "total": page.total, "offset": asked.offset, "limit": asked.limit}


def _described(found: FoundVector, *, with_vector: bool) -> Described:
    described = {**_payload(found.item), "id": found.item.id}
    if found.score is not None and math.isfinite(found.score):
        described["_score"] = found.score
    if with_vector:
        described["vector"] = numbers_of(found.item.vector)
    return described


def _payload(item: VectorItem) -> Described:
    payload: Described = msgspec.json.decode(item.payload)
    return payload
