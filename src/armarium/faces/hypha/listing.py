"""Listings, as the RPC functions and the HTTP routes both answer them."""

from collections.abc import Callable
from typing import Any

import msgspec

from armarium.core import Core
from armarium.core.search import More
from armarium.domain.artifact import View
from armarium.domain.errors import Invalid
from armarium.domain.principal import Principal
from armarium.faces.hypha.asked import Asked
from armarium.faces.hypha.mapping import listed_fields
from armarium.faces.hypha.queries import parse_facets, parse_query
from armarium.faces.hypha.ranked_listing import answer_ranked


async def answer_listing(
    core: Core,
    who: Principal,
    parent: str | None,
    asked: Asked,
    *,
    describe: Callable[[View], dict[str, Any]],
    workspace: str | None = None,
    roots_only: bool = False,
) -> list[dict[str, Any]] | dict[str, Any]:
    """List a collection, or without one a workspace: the entries, or with `pagination` one page with its total.

    With a query both are ranked, see `ranked_listing.py`.
    """
    parent, asked = _parent_of(parent, asked)
    if asked.query is not None:
        if roots_only and parent is None:
            raise Invalid("parent_id", "A list is ranked within a collection: name one, or use search.")
        where = workspace or who.workspace
        return await answer_ranked(core, who, parent, asked, describe=describe, workspace=where)
    if asked.cursor is not None:
        raise Invalid("cursor", "A cursor is of a search with a query: page through this one by offset.")
    query = parse_query(
        keywords=asked.keywords,
        filters=asked.filters,
        mode=asked.mode,
        offset=asked.offset,
        limit=asked.limit,
        order_by=asked.order_by,
        stage=asked.stage,
        roots_only=roots_only and parent is None,
    )
    more = _more(asked)
    if parent is None:
        listing = await core.search.workspace(who, workspace or who.workspace, query, more=more)
    else:
        listing = await core.search.children(who, parent, query, more=more, silent=asked.silent)
    items = [listed_fields(describe(view), listing.list_fields) for view in listing.views]
    if not asked.pagination:
        return items
    page: dict[str, Any] = {"items": items, "total": listing.total, "offset": query.offset, "limit": query.limit}
    if listing.facets is not None:
        page["facets"] = {field.path: msgspec.to_builtins(values) for field, values in listing.facets.items()}
    if listing.plan is not None:
        page["plan"] = msgspec.to_builtins(listing.plan)
    return page


def _parent_of(parent: str | None, asked: Asked) -> tuple[str | None, Asked]:
    """The collection to list, which may be named by a filter instead."""
    filters = asked.filters
    if not isinstance(filters, dict) or not isinstance(filters.get("parent_id"), str):
        return parent, asked
    if parent not in (None, filters["parent_id"]):
        return parent, asked
    rest = {key: value for key, value in filters.items() if key != "parent_id"}
    return filters["parent_id"], msgspec.structs.replace(asked, filters=rest)


def _more(asked: Asked) -> More:
    if not asked.pagination and (asked.facets or asked.explain):
        raise Invalid("pagination", "Facets and plans are part of a page: ask with pagination=True.")
    return More(total=asked.pagination, facets=parse_facets(asked.facets), plan=asked.explain)
