"""Listings in the order of a question: `query` beside what is asked of any listing."""

from collections.abc import Callable
from typing import Any

import msgspec

from armarium.core import Core
from armarium.core.ranked_search import Wanted
from armarium.domain.artifact import View
from armarium.domain.errors import Invalid
from armarium.domain.principal import Principal
from armarium.domain.query import Stage
from armarium.domain.vector import checked_words
from armarium.faces.hypha.asked import Asked
from armarium.faces.hypha.mapping import listed_fields
from armarium.faces.hypha.queries import parse_query, words_of
from armarium.faces.hypha.ranked_cursors import RankedCursors

MOST_CHARACTERS = 8000


async def answer_ranked(
    core: Core,
    who: Principal,
    parent: str | None,
    asked: Asked,
    *,
    describe: Callable[[View], dict[str, Any]],
    workspace: str,
) -> list[dict[str, Any]] | dict[str, Any]:
    """Rank a collection, or without one a workspace: entries with their `_score`, or with `pagination` a page."""
    cursors = RankedCursors(core.signer)
    question = (parent, workspace, asked.query, asked.keywords, asked.filters, asked.mode)
    after = cursors.read(asked.cursor, question)
    wanted = msgspec.structs.replace(_wanted(asked), after=after, wants_next=asked.pagination)
    if parent is None:
        listing = await core.ranked_search.workspace(who, workspace, wanted)
    else:
        listing = await core.ranked_search.children(who, parent, wanted, silent=asked.silent)
    items = [
        {**listed_fields(describe(view), listing.list_fields), "_score": score}
        for view, score in zip(listing.views, listing.scores, strict=True)
    ]
    if not asked.pagination:
        return items
    page = {"items": items, "total": listing.total, "offset": wanted.offset, "limit": wanted.limit}
    return {**page, "next": cursors.issue(listing.next, question)}


def _wanted(asked: Asked) -> Wanted:
    text = asked.query
    if not isinstance(text, str) or not text.strip() or len(text) > MOST_CHARACTERS:
        raise Invalid("query", f"Invalid query: it must be a text of 1 to {MOST_CHARACTERS:,} characters.")
    if asked.order_by or asked.facets or asked.explain:
        raise Invalid("query", "A query ranks what it finds: it goes without order_by, facets and explain.")
    query = parse_query(filters=asked.filters, offset=asked.offset, limit=asked.limit, stage=asked.stage)
    if query.stage is not Stage.COMMITTED or query.roots_only:
        raise Invalid("query", "A query finds what is published in collections: it goes without stage.")
    words = checked_words(words_of(asked.keywords), every=asked.mode != "OR")
    return Wanted(text=text, words=words, where=query.where, offset=query.offset, limit=query.limit)
