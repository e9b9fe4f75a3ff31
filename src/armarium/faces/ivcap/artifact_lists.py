"""Listings of artifacts: every artifact of the caller's account that is no collection, whichever door it came in by."""

from collections.abc import Sequence

import msgspec

from armarium.core import Core
from armarium.core.search import NO_COLLECTION
from armarium.domain.artifact import Artifact, View
from armarium.domain.errors import Invalid
from armarium.domain.principal import Principal
from armarium.domain.query import AllOf, Between, Condition, Cursor, Equals, Field, Order, Query, Stage
from armarium.faces.http.cursors import Cursors
from armarium.faces.ivcap.filters import Filter, holds, parse_filter, required
from armarium.faces.ivcap.mapping import JSON, artifact_path, described, moment_of, page_of, time_text
from armarium.faces.ivcap.schemas import ArtifactItem, ArtifactList, ArtifactQuery, Link

FIELDS = frozenset(
    {"id", "name", "status", "mime-type", "size", "created-at", "last-modified-at", "policy", "account"}
)  # fmt: skip

_ORDERS = {
    "id": Field("artifact", "id"),
    "name": Field("manifest", "name"),
    "created-at": Field("artifact", "created_at"),
    "last-modified-at": Field("artifact", "modified_at"),
    "mime-type": Field("manifest", "ivcap.mime-type"),
    "size": Field("manifest", "ivcap.size"),
    "policy": Field("manifest", "ivcap.policy"),
}


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a listing goes on, and what it lists. at: microseconds since the epoch."""

    filter: str
    order_by: str
    descending: bool
    at: int
    after: Cursor | None = None


class ArtifactLists:
    """Pages of artifacts."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._cursors = Cursors(core.signer, "ivcap artifacts", Place)

    async def page(self, who: Principal, query: ArtifactQuery) -> ArtifactList:
        """Return one page. Raises Invalid (filter, order-by, at-time, page)."""
        place = self._read(query.page) if query.page else self._first(query)
        condition = parse_filter(place.filter, FIELDS)
        items: list[ArtifactItem] = []
        after = place.after
        while True:
            wanted = _query(place, condition, after, limit=query.limit - len(items))
            listing = await self._core.search.workspace(who, who.workspace, wanted)
            items += await self._items(who, listing.views, condition)
            after = listing.next
            if after is None or len(items) >= query.limit:
                break
        return ArtifactList(items=items, links=self._links(place, after), at_time=time_text(place.at))

    def _first(self, query: ArtifactQuery) -> Place:
        order_by = query.order_by.strip().replace("_", "-") or "created-at"
        if order_by not in _ORDERS:
            raise Invalid("order-by", f"Artifacts cannot be ordered by '{order_by[:40]}', but by {', '.join(_ORDERS)}.")
        at = moment_of("at-time", query.at_time)
        now = round(self._core.clock.now() * 1_000_000)
        return Place(query.filter.strip(), order_by, query.order_desc, now if at is None else at)

    def _read(self, page: str) -> Place:
        try:
            return self._cursors.read(page_of(page))
        except Invalid as error:
            raise Invalid("page", error.reason) from None

    def _links(self, place: Place, after: Cursor | None) -> list[Link]:
        links = [Link("self", JSON, "/1/artifacts")]
        if after is not None:
            cursor = self._cursors.issue(msgspec.structs.replace(place, after=after))
            links.append(Link("next", JSON, f"/1/artifacts?page={cursor}"))
        return links

    async def _items(self, who: Principal, views: Sequence[View], condition: Filter | None) -> list[ArtifactItem]:
        """Describe those that match; what was never published is shown to who made it."""
        artifacts = [view.artifact for view in views if view.artifact.versions or _made_by(who, view.artifact)]
        contents = await self._core.contents.of(artifacts)
        arriving = [artifact.id for artifact in artifacts if not artifact.versions]
        uploads = await self._core.deposits.uploads(arriving) if arriving else {}
        items = []
        for artifact in artifacts:
            fields = described(artifact, contents.get(artifact.id), uploads.get(artifact.id))
            if condition is None or holds(condition, _fields(artifact, fields)):
                items.append(ArtifactItem(**fields, links=[], href=artifact_path(artifact.id)))
        return items


def _made_by(who: Principal, artifact: Artifact) -> bool:
    return artifact.created_by == who.effective_id


def _fields(artifact: Artifact, described_as: dict[str, object]) -> dict[str, object]:
    """What a filter looks at."""
    times = {"created-at": artifact.created_at * 1_000_000, "last-modified-at": artifact.modified_at * 1_000_000}
    return {name.replace("_", "-"): value for name, value in described_as.items()} | times


def _query(place: Place, condition: Filter | None, after: Cursor | None, *, limit: int) -> Query:
    """What the catalog can narrow down; the whole filter is held against what it finds."""
    conditions: list[Condition] = [NO_COLLECTION, Between(Field("artifact", "created_at"), None, place.at / 1_000_000)]
    name = required(condition, "name", "=")
    if name is not None:
        conditions.append(Equals(Field("manifest", "name"), name))
    return Query(
        roots_only=False,
        stage=Stage.ANY,
        where=AllOf(tuple(conditions)),
        order=Order(_ORDERS[place.order_by], descending=place.descending),
        limit=limit,
        after=after,
    )
