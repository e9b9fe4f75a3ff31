"""Hybrid search: artifacts ranked by words and by meaning, within the filters and rights of any other listing.

    what may be found    the published children of collections whose children the caller may list
    where to look        the semantic index of each collection: one ranking by words, one by nearness for each model
    what is found        what of it the catalog says matches, so that an index that is behind shows nothing wrong
    the answer           the rankings in one, by reciprocal rank fusion (`domain/ranking.py`)

Few that match a filter are found first, and only they are ranked; where many match, the rankings go deeper until
enough of each do.
"""

import re
from collections.abc import Mapping, Sequence

import msgspec

from armarium.core.counters import Counters
from armarium.core.lookup import find
from armarium.core.permissions import access_of, allows, has_role, require, rules_of
from armarium.core.search import Search, narrowed
from armarium.core.semantic_settings import semantic_settings
from armarium.domain.artifact import Found, View
from armarium.domain.errors import Invalid
from armarium.domain.identifiers import ArtifactId
from armarium.domain.principal import Action, Principal, Role
from armarium.domain.query import EVERYTHING, AllOf, Condition, ContainsAny, Field, Query
from armarium.domain.ranking import DEPTH, Place, Ranked, first_of_page, fused
from armarium.domain.vector import MAX_WORDS, Hit, VectorQuery, VectorSpace, Words
from armarium.ports.catalog import Catalog
from armarium.ports.vectors import Embedders, VectorIndex

MOST_COLLECTIONS = 100
"""Searched at once; more are refused, since each has an index of its own."""
MOST_AMONG = 10_000
"""So many that match a filter are looked up before anything is ranked."""
_CHECKED_AT_ONCE = 2000
_WIDER = 4
_WIDEST = 32
"""How much deeper a ranking goes from one look to the next."""
_ALL = 1 << 31
_WORD = re.compile(r"\w{3,}")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A question. text: what is asked; words: to look for, None for the words of the text, any of which will do.

    after: the end of the page before. wants_next: tell the end of this one.
    """

    text: str
    words: Words | None = None
    where: Condition = EVERYTHING
    offset: int = 0
    limit: int = 100
    after: Place | None = None
    wants_next: bool = False


class RankedListing(msgspec.Struct, frozen=True, kw_only=True):
    """Part of a ranking. total: how many are in all of it. next, list_fields: as in `search.Listing`."""

    views: list[View]
    scores: list[float]
    total: int
    next: Place | None
    list_fields: list[str] | None = None


class _Searched(msgspec.Struct, frozen=True):
    """A collection with its index. until: the revision up to which it counts."""

    id: ArtifactId
    space: VectorSpace
    until: int | None


class RankedSearch:
    """Use cases that answer with artifacts in the order of a question."""

    def __init__(
        self,
        catalog: Catalog,
        search: Search,
        counters: Counters,
        index: VectorIndex,
        embedders: Embedders,
        *,
        most_among: int = MOST_AMONG,
    ) -> None:
        self._catalog = catalog
        self._search = search
        self._counters = counters
        self._index = index
        self._embedders = embedders
        self._most_among = most_among

    async def children(self, principal: Principal, name: str, wanted: Wanted, *, silent: bool = True) -> RankedListing:
        """Rank the children of a collection; counts a view of it unless silent.

        Raises NotFound, Forbidden, Invalid (it is not searched by meaning), Unavailable (the model).
        """
        found = await find(self._catalog, principal, name)
        require(principal, Action.LIST, access_of(found))
        settings = semantic_settings(found.artifact.config, found.artifact.type)
        if settings is None:
            raise Invalid("query", "The collection is not searched by meaning: its config has no 'semantic_search'.")
        if not silent:
            self._counters.add(found.artifact.id, views=1.0)
        where = narrowed(principal, found, wanted.where)
        listing = await self._answer(found.artifact.workspace, [found], msgspec.structs.replace(wanted, where=where))
        return msgspec.structs.replace(listing, list_fields=rules_of(found.artifact.config).list_fields)

    async def workspace(self, principal: Principal, workspace: str, wanted: Wanted) -> RankedListing:
        """Rank the children of all collections of a workspace that are searched by meaning.

        Those whose children the caller may not list count for nothing, and so do private children, but for an admin.
        Raises Invalid, Unavailable (the model).
        """
        found = await self._catalog.semantic_collections(workspace, viewer=principal.effective_id, limit=_ALL)
        listed = [collection for collection in found if _may_list_all(principal, collection)]
        if len(listed) > MOST_COLLECTIONS:
            raise Invalid("query", f"More than {MOST_COLLECTIONS} collections would be searched: search one of them.")
        return await self._answer(workspace, listed, wanted)

    async def _answer(self, workspace: str, collections: Sequence[Found], wanted: Wanted) -> RankedListing:
        searched = [known for found in collections if (known := await self._searched(found, wanted))]
        if not searched:
            return RankedListing(views=[], scores=[], total=0, next=None)
        ranking = fused(await self._rankings(workspace, searched, wanted))
        first = first_of_page(ranking, wanted.after, wanted.offset)
        page = ranking[first : first + wanted.limit]
        artifacts = await self._catalog.find_artifacts([ArtifactId(ranked.id) for ranked in page])
        there = [ranked for ranked in page if ranked.id in artifacts]
        return RankedListing(
            views=await self._search.views([artifacts[ArtifactId(ranked.id)] for ranked in there]),
            scores=[ranked.score for ranked in there],
            total=len(ranking),
            next=_end(searched, page, first + len(page), len(ranking)) if wanted.wants_next else None,
        )

    async def _searched(self, found: Found, wanted: Wanted) -> _Searched | None:
        settings = semantic_settings(found.artifact.config, found.artifact.type)
        if settings is None or (wanted.after is not None and found.artifact.id not in wanted.after.until):
            return None
        until = wanted.after.until[found.artifact.id] if wanted.after else None
        if until is None and wanted.wants_next:
            until = (await self._catalog.vector_state(found.artifact.id)).revision
        return _Searched(found.artifact.id, settings.space, until)

    # rankings

    async def _rankings(self, workspace: str, searched: Sequence[_Searched], wanted: Wanted) -> list[list[str]]:
        """The rankings of what matches: by words, then by nearness for each model."""
        ids = tuple(known.id for known in searched)
        here = {"parent_id": ids[0]} if len(ids) == 1 else {"parent_ids": ids}
        within = Query(workspace=workspace, **here, where=wanted.where, wants_next=False)
        questions = await self._questions(searched, wanted)
        among = await self._among(within)
        if among is not None:
            return [ids for ids, _ in await self._ranked(questions, among, DEPTH)]
        depth = DEPTH if within.where == EVERYTHING else _WIDER * DEPTH
        while True:
            rankings = await self._ranked(questions, None, depth)
            found = list(dict.fromkeys(id_ for ranking, _ in rankings for id_ in ranking))
            matching = await self._matching(within, found)
            left = [([id_ for id_ in ranking if id_ in matching], is_all) for ranking, is_all in rankings]
            least = min((len(ranking) for ranking, is_all in left if not is_all), default=DEPTH)
            if within.where == EVERYTHING or least >= DEPTH:
                return [ranking for ranking, _ in left]
            depth *= max(_WIDER, min(_WIDEST, 2 * DEPTH // max(least, 1)))

    async def _questions(
        self, searched: Sequence[_Searched], wanted: Wanted
    ) -> list[tuple[VectorQuery, list[_Searched]]]:
        """What to ask of which collections, each for a ranking of its own."""
        questions: list[tuple[VectorQuery, list[_Searched]]] = []
        words = wanted.words or _words_of(wanted.text)
        if words is not None:
            questions.append((VectorQuery(words=words), list(searched)))
        for space in dict.fromkeys(known.space for known in searched):
            vector = await self._embedders.find(space.model or "").embed([wanted.text], space.dimension)
            questions.append((VectorQuery(vector=vector[0]), [known for known in searched if known.space == space]))
        return questions

    async def _among(self, within: Query) -> frozenset[str] | None:
        """What matches a filter, None where that is much or nothing was filtered."""
        if within.where == EVERYTHING:
            return None
        ids = await self._catalog.artifact_ids(msgspec.structs.replace(within, limit=self._most_among + 1))
        return frozenset(ids) if len(ids) <= self._most_among else None

    async def _matching(self, within: Query, ids: Sequence[str]) -> set[str]:
        """Which of the ids match, asked for so many at a time that an index finds them."""
        matching: set[str] = set()
        for first in range(0, len(ids), _CHECKED_AT_ONCE):
            these = ContainsAny(Field("artifact", "id"), tuple(ids[first : first + _CHECKED_AT_ONCE]))
            narrow = msgspec.structs.replace(within, where=AllOf((within.where, these)), limit=_CHECKED_AT_ONCE)
            matching.update(await self._catalog.artifact_ids(narrow))
        return matching

    async def _ranked(
        self, questions: Sequence[tuple[VectorQuery, list[_Searched]]], among: frozenset[str] | None, depth: int
    ) -> list[tuple[list[str], bool]]:
        """The ids of each ranking, and whether that is all there are."""
        return [await self._one_ranking(query, searched, among, depth) for query, searched in questions]

    async def _one_ranking(
        self, query: VectorQuery, searched: Sequence[_Searched], among: frozenset[str] | None, depth: int
    ) -> tuple[list[str], bool]:
        found: list[Hit] = []
        is_all = True
        for known in searched:
            narrowed = msgspec.structs.replace(query, among=among, until=known.until, limit=depth)
            hits = await self._index.search(known.id, known.space, narrowed)
            found += hits.hits
            is_all = is_all and hits.total <= depth
        found.sort(key=lambda hit: -(hit.score or 0.0))
        ids = list(dict.fromkeys(hit.id for hit in found))  # what has just moved may be known in two places
        return ids[:depth], is_all and len(ids) <= depth


def _may_list_all(principal: Principal, collection: Found) -> bool:
    """Whether the caller may list all children of a collection, and not only those addressed to them."""
    if not allows(principal, Action.LIST, access_of(collection)):
        return False
    is_private = rules_of(collection.artifact.config).private_children
    return not is_private or has_role(principal, Role.ADMIN, collection.artifact.workspace, collection.membership)


def _words_of(text: str) -> Words | None:
    """The words of a question that may say what it is about."""
    words = dict.fromkeys(_WORD.findall(text.casefold()))
    return Words(texts=tuple(words)[:MAX_WORDS], every=False) if words else None


def _end(searched: Sequence[_Searched], page: Sequence[Ranked], behind: int, total: int) -> Place | None:
    if not page or behind >= total:
        return None
    until: Mapping[str, int] = {known.id: known.until for known in searched if known.until is not None}
    return Place(behind, page[-1].id, until)
