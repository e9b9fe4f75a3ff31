"""Listings, as the RPC functions and the HTTP routes both answer them."""

from collections.abc import Callable
from typing import Any

import msgspec

from armarium.core import Core
from armarium.core.search import More
from armarium.domain.artifact import View
from armarium.domain.errors import Invalid
from armarium.domain.principal import Principal
from armarium.faces.hypha.mapping import listed_fields
from armarium.faces.hypha.queries import parse_facets, parse_query


class Asked(msgspec.Struct, frozen=True):
    """What a client asks of a listing, not looked at yet."""

    keywords: object = None
    filters: object = None
    mode: object = "AND"
    offset: object = 0
    limit: object = 100
    order_by: object = None
    stage: object = False
    pagination: bool = False
    silent: bool = False
    facets: object = None
    explain: bool = False


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
    """List a collection, or without one a workspace: the entries, or with `pagination` one page with its total."""
    filters = asked.filters
    if (
        isinstance(filters, dict)
        and isinstance(filters.get("parent_id"), str)
        and parent in (None, filters["parent_id"])
    ):
        parent = filters["parent_id"]
        filters = {key: value for key, value in filters.items() if key != "parent_id"}
    query = parse_query(
        keywords=asked.keywords,
        filters=filters,
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


def _more(asked: Asked) -> More:
    if not asked.pagination and (asked.facets or asked.explain):
        raise Invalid("pagination", "Facets and plans are part of a page: ask with pagination=True.")
    return More(total=asked.pagination, facets=parse_facets(asked.facets), plan=asked.explain)
