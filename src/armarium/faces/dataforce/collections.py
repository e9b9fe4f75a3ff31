"""Collections of an orbit."""

from collections.abc import Sequence
from uuid import UUID

from armarium.core import Core
from armarium.core.search import IS_COLLECTION, Listing
from armarium.core.versions import Changes
from armarium.domain.artifact import Artifact, Found
from armarium.domain.delivery import STATE
from armarium.domain.errors import Conflict
from armarium.domain.principal import Action, Principal
from armarium.domain.query import CHILD_COUNT, Condition, ContainsAll, Field, Query
from armarium.faces.dataforce import schemas as s
from armarium.faces.dataforce.lists import CREATED, Pages, wants_array, whole
from armarium.faces.dataforce.mapping import (
    COLLECTION_TYPE,
    EXTRA_VALUES,
    NAME,
    TAGS,
    Record,
    collection_fields,
    collection_types,
    named_or_tagged_like,
)
from armarium.faces.http.parameters import BadParameter, Call

_ORDERS = {
    "created_at": CREATED,
    "name": NAME,
    "type": COLLECTION_TYPE,
    "description": Field("manifest", "description"),
    "total_artifacts": Field("artifact", CHILD_COUNT),
}


class Collections:
    """Collections in root collections."""

    def __init__(self, core: Core, pages: Pages) -> None:
        self._core = core
        self._pages = pages

    async def list_collections(
        self, who: Principal, call: Call, organization_id: UUID, orbit_id: UUID, query: s.CollectionQuery
    ) -> s.CollectionPage | list[s.Collection]:
        """The collections of an orbit: a page, or all of them as an array for clients that know no pages."""
        orbit = await self._core.tree.root(who, str(organization_id), str(orbit_id), Action.LIST)
        conditions = _conditions(query)
        if wants_array(call.scope, query.limit):
            return await self._described(await self._children(who, orbit, whole(conditions)))
        asked = self._pages.ask(
            conditions,
            _ORDERS[query.sort_by],
            sort_by=query.sort_by,
            direction=query.order,
            scope=orbit.artifact.id,
            limit=query.limit,
            cursor=query.cursor,
        )
        listing = await self._children(who, orbit, asked.query)
        return s.CollectionPage(await self._described(listing), self._pages.cursor(asked, listing.next))

    async def list_tags(self, who: Principal, organization_id: UUID, orbit_id: UUID) -> list[str]:
        """The tags of the collections of an orbit, sorted."""
        orbit = await self._core.tree.root(who, str(organization_id), str(orbit_id), Action.LIST)
        return await self._core.catalog.child_values(orbit.artifact.id, TAGS)

    async def create_collection(
        self, who: Principal, organization_id: UUID, orbit_id: UUID, body: s.NewCollection, call: Call
    ) -> s.Collection:
        """Add a collection to an orbit."""
        orbit = await self._core.tree.root(who, str(organization_id), str(orbit_id), Action.READ)
        kind = body.type or body.collection_type
        if kind is None:
            raise BadParameter(("body", "type"), "Field required", "missing")
        manifest = {
            "name": body.name,
            "description": body.description or "",
            "tags": body.tags or [],
            STATE: {"type": kind},
        }
        view = await self._core.collections.create_in(who, orbit, manifest, id=call.resource_id)
        return s.Collection(**collection_fields(view.artifact, 0))

    async def find_collection(
        self, who: Principal, organization_id: UUID, orbit_id: UUID, collection_id: UUID
    ) -> s.CollectionDetails:
        """Describe a collection, with the tags and the metrics of what is in it."""
        found = await self._find(who, organization_id, orbit_id, collection_id, Action.READ, count_children=True)
        catalog, id_ = self._core.catalog, found.artifact.id
        metrics = await catalog.child_paths(id_, Field("manifest", EXTRA_VALUES))
        return s.CollectionDetails(
            **collection_fields(found.artifact, found.child_count),
            artifacts_tags=await catalog.child_values(id_, TAGS),
            artifacts_extra_values=[path.removeprefix(EXTRA_VALUES) for path in metrics],
        )

    async def update_collection(
        self, who: Principal, organization_id: UUID, orbit_id: UUID, collection_id: UUID, body: s.CollectionChanges
    ) -> s.Collection:
        """Change what is given of a collection and keep the rest."""
        found = await self._find(who, organization_id, orbit_id, collection_id, Action.EDIT)
        values = s.given(name=body.name, description=body.description, tags=body.tags)
        changes = Changes(manifest=Record(found.artifact).changed(values))
        view = await self._core.versions.amend(who, found.artifact.id, changes)
        return (await self._collections([view.artifact]))[0]

    async def delete_collection(
        self, who: Principal, organization_id: UUID, orbit_id: UUID, collection_id: UUID
    ) -> None:
        """Remove an empty collection."""
        found = await self._find(who, organization_id, orbit_id, collection_id, Action.DELETE)
        try:
            await self._core.artifacts.delete(who, found.artifact.id, if_empty=True)
        except Conflict:
            raise Conflict("Collection has artifacts and cant be deleted") from None

    async def _find(
        self,
        who: Principal,
        organization_id: UUID,
        orbit_id: UUID,
        collection_id: UUID,
        action: Action,
        *,
        count_children: bool = False,
    ) -> Found:
        return await self._core.tree.collection(
            who, str(organization_id), str(orbit_id), str(collection_id), action, count_children=count_children
        )

    async def _children(self, who: Principal, orbit: Found, query: Query) -> Listing:
        return await self._core.search.children(who, orbit.artifact.id, query)

    async def _described(self, listing: Listing) -> list[s.Collection]:
        return await self._collections([view.artifact for view in listing.views])

    async def _collections(self, artifacts: Sequence[Artifact]) -> list[s.Collection]:
        counts = await self._core.catalog.child_counts([artifact.id for artifact in artifacts])
        return [s.Collection(**collection_fields(artifact, counts.get(artifact.id, 0))) for artifact in artifacts]


def _conditions(query: s.CollectionQuery) -> list[Condition]:
    conditions: list[Condition] = [IS_COLLECTION]
    if query.search:
        conditions.append(named_or_tagged_like(query.search))
    if query.types:
        conditions.append(collection_types(query.types))
    if query.tags:
        conditions.append(ContainsAll(TAGS, tuple(query.tags)))
    return conditions
