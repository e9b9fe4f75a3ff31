"""Listing and searching: what a caller may see of a collection or a workspace, as one query."""

from collections.abc import Mapping, Sequence

import msgspec

from armarium.core.counters import Counters
from armarium.core.lookup import find
from armarium.core.permissions import access_of, allows, child_access, has_role, keys_of, require, rules_of
from armarium.core.workspaces import require_site_admin
from armarium.domain.artifact import Artifact, Found, View
from armarium.domain.errors import Invalid, NotFound
from armarium.domain.identifiers import ArtifactId
from armarium.domain.principal import LEVELS, Action, Principal, Role
from armarium.domain.query import (
    AllOf,
    AnyOf,
    Condition,
    ContainsAll,
    ContainsAny,
    Cursor,
    Equals,
    FacetValue,
    Field,
    Keyword,
    Lacks,
    Not,
    PlanStep,
    Query,
    Stage,
)
from armarium.domain.version import Staging
from armarium.ports.catalog import Catalog

_MARK = Field("config", "is_collection")
IS_COLLECTION = Equals(_MARK, True)
NO_COLLECTION = AnyOf((Lacks(_MARK), Equals(_MARK, False)))
_ALL = 1_000_000
MOST_FACETS = 10
MOST_VALUES = 100
"""Values told of one facet."""


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """Part of what matches.

    total, facets, plan: None where they were not asked for, see `More`. next: the following page.
    list_fields: what the collection wants shown of each entry, None for everything.
    """

    views: list[View]
    total: int | None
    next: Cursor | None
    list_fields: list[str] | None = None
    facets: Mapping[Field, Sequence[FacetValue]] | None = None
    plan: Sequence[PlanStep] | None = None


class More(msgspec.Struct, frozen=True, kw_only=True):
    """What may be asked beside a page.

    total: how many match. facets: the most frequent values of these fields among all that match.
    plan: how the database finds the page, for operators.
    """

    total: bool = False
    facets: tuple[Field, ...] = ()
    plan: bool = False


_PAGE_ALONE = More()


class Search:
    """Use cases that answer with several artifacts."""

    def __init__(self, catalog: Catalog, counters: Counters, *, open_listing: bool) -> None:
        self._catalog = catalog
        self._counters = counters
        self._open_listing = open_listing

    async def children(
        self, principal: Principal, name: str, query: Query, *, more: More = _PAGE_ALONE, silent: bool = True
    ) -> Listing:
        """List the children of a collection; counts a view of it unless silent. What is no collection has none.

        Raises NotFound, Forbidden, Invalid.
        """
        _check(principal, more)
        found = await find(self._catalog, principal, name)
        require(principal, Action.LIST, access_of(found))
        rules = rules_of(found.artifact.config)
        if not silent:
            self._counters.add(found.artifact.id, views=1.0)
        if not rules.is_collection:
            return _nothing(more)
        within = msgspec.structs.replace(
            query,
            workspace=found.artifact.workspace,
            parent_id=found.artifact.id,
            roots_only=False,
            where=narrowed(principal, found, query.where),
        )
        listing = await self._answer(within, more)
        return msgspec.structs.replace(listing, list_fields=rules.list_fields)

    async def collections(
        self, principal: Principal, root: Found, *, among: Sequence[str] | None = None
    ) -> list[Artifact]:
        """The collections in a root collection whose children the caller may list.

        among: only these, and NotFound where one is not to be had. Collections of private children are left out.
        """
        where: list[Condition] = [IS_COLLECTION]
        if among is not None:
            where.append(ContainsAny(Field("artifact", "id"), tuple(among)))
        query = Query(parent_id=root.artifact.id, stage=Stage.ANY, where=AllOf(tuple(where)), limit=_ALL)
        found = (await self._catalog.list_artifacts(query)).artifacts
        open_to_caller = [
            artifact
            for artifact in found
            if allows(principal, Action.LIST, child_access(root, artifact))
            and not rules_of(artifact.config).private_children
        ]
        missing = [id_ for id_ in among or () if id_ not in {artifact.id for artifact in open_to_caller}]
        if missing:
            raise NotFound("collection", ", ".join(missing), "Some of these collections cannot be listed.")
        return open_to_caller

    async def within(self, workspace: str, collections: Sequence[ArtifactId], query: Query) -> Listing:
        """List the children of several collections of a workspace, as `collections` found them."""
        query = msgspec.structs.replace(query, workspace=workspace, parent_ids=tuple(collections))
        return await self._answer(query, _PAGE_ALONE)

    async def workspace(
        self, principal: Principal, workspace: str, query: Query, *, more: More = _PAGE_ALONE
    ) -> Listing:
        """List a workspace: its root artifacts, or with `roots_only=False` all of them.

        Who has no role in the workspace sees the root artifacts that grant them `list`, and no others, unless the
        operator opened listings to everybody. A workspace nobody made is an empty one.
        """
        _check(principal, more)
        place = await self._catalog.find_workspace(workspace, viewer=principal.effective_id)
        membership = place.membership if place else None
        query = msgspec.structs.replace(query, workspace=workspace, parent_id=None)
        is_reader = has_role(principal, Role.READ, workspace, membership)
        if not (is_reader or (self._open_listing and not principal.is_limited)):
            visible = AllOf((query.where, _grants_listing(principal)))
            query = msgspec.structs.replace(query, roots_only=True, where=visible)
        return await self._answer(query, more)

    async def _answer(self, query: Query, more: More) -> Listing:
        await self._counters.settle()
        page = await self._catalog.list_artifacts(query)
        return Listing(
            views=await self._views(page.artifacts),
            next=page.next,
            total=await self._catalog.count_artifacts(query) if more.total else None,
            facets=await self._catalog.facets(query, more.facets, most=MOST_VALUES) if more.facets else None,
            plan=await self._catalog.explain_artifacts(query) if more.plan else None,
        )

    async def views(self, artifacts: Sequence[Artifact]) -> list[View]:
        """Artifacts as a listing has them, with counts and staged paths."""
        await self._counters.settle()
        return await self._views(artifacts)

    async def _views(self, listed: Sequence[Artifact]) -> list[View]:
        artifacts = [self._counters.counted(artifact) for artifact in listed]
        drafted = [artifact.id for artifact in artifacts if artifact.intent is not None]
        staged = await self._catalog.staged_files(drafted) if drafted else {}
        return [
            View(artifact=artifact, staging=Staging(artifact.intent, staged.get(artifact.id, ())))
            if artifact.intent is not None
            else View(artifact=artifact)
            for artifact in artifacts
        ]


def narrowed(principal: Principal, found: Found, where: Condition) -> Condition:
    """In a collection of private children, only those addressed to the caller, unless they run the workspace.

    What the caller asks of the recipient itself is dropped, so that it can neither widen nor probe.
    """
    rules = rules_of(found.artifact.config)
    if not rules.private_children or has_role(principal, Role.ADMIN, found.artifact.workspace, found.membership):
        return where
    if not isinstance(rules.recipient_field, str) or not rules.recipient_field:
        raise Invalid("recipient_field", "A collection with private children needs a recipient_field in its config.")
    if not principal.email or principal.is_limited:
        return AnyOf(())
    recipient = Field("manifest", rules.recipient_field)
    asked = _without(where, recipient)
    return AllOf((*([asked] if asked else []), Equals(recipient, principal.email)))


def _check(principal: Principal, more: More) -> None:
    """A plan is for operators: it tells of what the caller may not see."""
    if more.plan:
        require_site_admin(principal, "explain")
    if len(more.facets) > MOST_FACETS:
        raise Invalid("facets", f"A search can have at most {MOST_FACETS} facets.")


def _nothing(more: More) -> Listing:
    facets: dict[Field, list[FacetValue]] | None = {field: [] for field in more.facets} if more.facets else None
    return Listing(views=[], next=None, total=0 if more.total else None, facets=facets, plan=[] if more.plan else None)


def _without(where: Condition, field: Field) -> Condition | None:
    """Drop what a condition asks of a field; None where nothing else was asked."""
    if isinstance(where, AllOf | AnyOf):
        kept = tuple(left for part in where.conditions if (left := _without(part, field)) is not None)
        return type(where)(kept) if kept or not where.conditions else None
    if isinstance(where, Not):
        left = _without(where.condition, field)
        return None if left is None else Not(left)
    return None if not isinstance(where, Keyword) and where.field == field else where


_LISTING_LEVELS = tuple(level for level, actions in LEVELS.items() if Action.LIST in actions)


def _grants_listing(principal: Principal) -> Condition:
    """Say in a query what `permissions.grant_for` says in code: the most specific grant allows `list`."""
    if principal.is_limited:
        return AnyOf(())
    granted: Condition = AnyOf(())
    for key in reversed(keys_of(principal)):
        field = Field("config", f"permissions.{key}")
        levels = tuple(Equals(field, level) for level in _LISTING_LEVELS)
        here = AnyOf((*levels, ContainsAll(field, (str(Action.LIST),))))
        granted = AnyOf((here, AllOf((Lacks(field), granted))))
    return granted
