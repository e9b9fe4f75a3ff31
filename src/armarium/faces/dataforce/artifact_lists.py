"""Lists of artifacts: of one collection, or over several collections of an orbit."""

from collections.abc import Mapping
from uuid import UUID

from armarium.core import Core
from armarium.core.search import IS_COLLECTION, Listing
from armarium.core.tree import sees_drafts
from armarium.domain.artifact import Artifact, Found
from armarium.domain.delivery import STATE
from armarium.domain.errors import Invalid, NotFound
from armarium.domain.identifiers import ArtifactId
from armarium.domain.principal import Action, Principal
from armarium.domain.query import Condition, ContainsAll, Field, Not, Stage
from armarium.faces.dataforce import schemas as s
from armarium.faces.dataforce.errors import NoAccess
from armarium.faces.dataforce.lists import CREATED, Asked, Pages, wants_array, whole
from armarium.faces.dataforce.mapping import EXTRA_VALUES, NAME, TAGS, artifact_fields, artifact_types, named_like
from armarium.faces.http.parameters import Call

import msgspec  # isort: skip

_ORDERS = {
    "created_at": CREATED,
    "name": NAME,
    "type": Field("artifact", "type"),
    "description": Field("manifest", "description"),
    "size": Field("manifest", f"{STATE}.size"),
    "status": Field("config", f"{STATE}.status"),
}


class ArtifactLists:
    """Pages of artifacts, and whole lists for clients that know no pages."""

    def __init__(self, core: Core, pages: Pages) -> None:
        self._core = core
        self._pages = pages

    async def list_in_orbit(
        self, who: Principal, organization_id: UUID, orbit_id: UUID, query: s.ArtifactQuery
    ) -> s.ArtifactPage:
        """The artifacts of some collections of an orbit, or of all the caller may list."""
        if len(query.collection_ids) == 1:
            return await self._page_of_one(who, organization_id, orbit_id, query.collection_ids[0], query)
        orbit = await self._core.tree.root(who, str(organization_id), str(orbit_id), Action.LIST)
        parents = await self._parents(who, orbit, [str(id_) for id_ in query.collection_ids])
        order = _ORDERS.get(query.sort_by, CREATED)
        asked = self._ask(query, order, f"{orbit_id} {sorted(parents)}", shows_drafts=sees_drafts(who, orbit))
        listing = await self._core.search.within(orbit.artifact.workspace, list(parents), asked.query)
        return await self._page(listing, parents, asked)

    async def list_in_collection(
        self,
        who: Principal,
        call: Call,
        organization_id: UUID,
        orbit_id: UUID,
        collection_id: UUID,
        query: s.ArtifactQuery,
    ) -> s.ArtifactPage | list[s.Artifact]:
        """The artifacts of a collection: a page, or all of them as an array for clients that know no pages."""
        if not wants_array(call.scope, query.limit):
            return await self._page_of_one(who, organization_id, orbit_id, collection_id, query)
        found = await self._find(who, organization_id, orbit_id, collection_id)
        everything = msgspec.structs.replace(whole(_conditions(query)), stage=_stage(sees_drafts(who, found)))
        listing = await self._core.search.children(who, found.artifact.id, everything)
        return await self._described(listing, {found.artifact.id: found.artifact})

    async def _page_of_one(
        self, who: Principal, organization_id: UUID, orbit_id: UUID, collection_id: UUID, query: s.ArtifactQuery
    ) -> s.ArtifactPage:
        try:
            found = await self._find(who, organization_id, orbit_id, collection_id)
        except NotFound as error:
            if error.kind != "collection" or not query.collection_ids:
                raise
            raise NoAccess([str(collection_id)]) from None
        parent = found.artifact
        order = await self._order(parent.id, query.sort_by)
        asked = self._ask(query, order, parent.id, shows_drafts=sees_drafts(who, found))
        listing = await self._core.search.children(who, parent.id, asked.query)
        return await self._page(listing, {parent.id: parent}, asked)

    async def _find(self, who: Principal, organization_id: UUID, orbit_id: UUID, collection_id: UUID) -> Found:
        return await self._core.tree.collection(
            who, str(organization_id), str(orbit_id), str(collection_id), Action.LIST
        )

    async def _parents(self, who: Principal, orbit: Found, wanted: list[str]) -> Mapping[ArtifactId, Artifact]:
        try:
            found = await self._core.search.collections(who, orbit, among=wanted or None)
        except NotFound as error:
            raise NoAccess([error.id]) from None
        return {artifact.id: artifact for artifact in found}

    async def _order(self, collection_id: ArtifactId, sort_by: str) -> Field:
        """What to sort by: a field, or a metric some artifact of the collection has."""
        if sort_by in _ORDERS:
            return _ORDERS[sort_by]
        metric = Field("manifest", f"{EXTRA_VALUES}{sort_by}")
        if metric.path not in await self._core.catalog.child_paths(collection_id, metric):
            raise Invalid("sort_by", f"Invalid sorting column: {sort_by}")
        return metric

    def _ask(self, query: s.ArtifactQuery, order: Field, scope: str, *, shows_drafts: bool) -> Asked:
        asked = self._pages.ask(
            _conditions(query),
            order,
            sort_by=query.sort_by,
            direction=query.order,
            scope=scope,
            limit=query.limit,
            cursor=query.cursor,
        )
        return msgspec.structs.replace(asked, query=msgspec.structs.replace(asked.query, stage=_stage(shows_drafts)))

    async def _page(self, listing: Listing, parents: Mapping[ArtifactId, Artifact], asked: Asked) -> s.ArtifactPage:
        return s.ArtifactPage(await self._described(listing, parents), self._pages.cursor(asked, listing.next))

    async def _described(self, listing: Listing, parents: Mapping[ArtifactId, Artifact]) -> list[s.Artifact]:
        artifacts = [view.artifact for view in listing.views]
        contents = await self._core.contents.of(artifacts)
        return [
            s.Artifact(**artifact_fields(artifact, parent, contents.get(artifact.id)))
            for artifact in artifacts
            if artifact.parent_id is not None and (parent := parents.get(artifact.parent_id)) is not None
        ]


def _stage(shows_drafts: bool) -> Stage:
    return Stage.ANY if shows_drafts else Stage.COMMITTED


def _conditions(query: s.ArtifactQuery) -> list[Condition]:
    conditions: list[Condition] = [Not(IS_COLLECTION)]
    if query.search:
        conditions.append(named_like(query.search))
    if query.types:
        conditions.append(artifact_types(query.types))
    if query.tags:
        conditions.append(ContainsAll(TAGS, tuple(query.tags)))
    return conditions
