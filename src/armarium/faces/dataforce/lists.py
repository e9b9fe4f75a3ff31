"""Lists: which part is asked for, in which order, and where the next part starts."""

import hashlib

import msgspec
from starlette.types import Scope

from armarium.core.signing import Signer
from armarium.domain.errors import Invalid
from armarium.domain.query import AllOf, Condition, Cursor, Field, Order, Query
from armarium.faces.http.cursors import Cursors

USUAL_LIMIT = 50
OLDEST_FIRST = Order()
CREATED = Field("artifact", "id")
EVERYTHING = 1_000_000


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a list. scope: names the list and its filters; sort_by, direction: as the client said."""

    query: Query
    sort_by: str
    direction: str
    scope: str


class _Place(msgspec.Struct, frozen=True, array_like=True):
    """A cursor, good for one list in one order with the same filters."""

    key: str | float | None
    id: str
    sort_by: str
    direction: str
    scope: str


class Pages:
    """Reads and issues cursors; one that fits nothing asked for now starts the list again."""

    def __init__(self, signer: Signer) -> None:
        self._cursors = Cursors(signer, "dataforce", _Place)

    def ask(
        self,
        conditions: list[Condition],
        field: Field,
        *,
        sort_by: str,
        direction: str,
        scope: str,
        limit: int | None,
        cursor: str | None,
    ) -> Asked:
        place = self._place(cursor)
        where = AllOf(tuple(conditions))
        scope = hashlib.sha256(f"{scope} {where}".encode()).hexdigest()[:16]
        fits = place is not None and (place.sort_by, place.direction, place.scope) == (sort_by, direction, scope)
        query = Query(
            where=where,
            order=Order(field, descending=direction == "desc"),
            limit=limit or USUAL_LIMIT,
            after=Cursor(place.key, place.id) if place is not None and fits else None,
        )
        return Asked(query=query, sort_by=sort_by, direction=direction, scope=scope)

    def cursor(self, asked: Asked, next: Cursor | None) -> str | None:
        """The cursor of the following page, None at the end."""
        if next is None:
            return None
        return self._cursors.issue(_Place(next.key, next.id, asked.sort_by, asked.direction, asked.scope))

    def _place(self, text: str | None) -> _Place | None:
        if not text:
            return None
        try:
            return self._cursors.read(text)
        except Invalid:
            return None


def wants_array(scope: Scope, limit: int | None) -> bool:
    """Whether a list is answered as a bare array: the first generations ask without prefix and without a limit."""
    return limit is None and not scope["path"].startswith("/v1/")


def whole(conditions: list[Condition]) -> Query:
    """All of a list, oldest first."""
    return Query(where=AllOf(tuple(conditions)), order=OLDEST_FIRST, limit=EVERYTHING, wants_next=False)
