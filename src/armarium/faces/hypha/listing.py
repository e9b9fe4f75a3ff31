"""Listings, as the RPC functions and the HTTP routes both answer them."""

from collections.abc import Callable
from typing import Any

import msgspec

from armarium.core import Core
from armarium.domain.artifact import View
from armarium.domain.principal import Principal
from armarium.faces.hypha.mapping import listed_fields
from armarium.faces.hypha.queries import parse_query


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
    if parent is None and isinstance(filters, dict) and isinstance(filters.get("parent_id"), str):
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
    if parent is None:
        listing = await core.search.workspace(who, workspace or who.workspace, query, with_total=asked.pagination)
    else:
        listing = await core.search.children(who, parent, query, with_total=asked.pagination, silent=asked.silent)
    items = [listed_fields(describe(view), listing.list_fields) for view in listing.views]
    if not asked.pagination:
        return items
    return {"items": items, "total": listing.total, "offset": query.offset, "limit": query.limit}
