"""Collections: nothing but aspects on the URN of the collection. Source: protocols/ivcap.md, section 7."""

from datetime import datetime

import msgspec

from armarium.domain.aspect import COLLECTION_ITEM_SCHEMA
from armarium.sdk.ivcap.errors import AmbiguousRequest, IvcapApiError, ResourceNotFound
from armarium.sdk.ivcap.listing import Walk
from armarium.sdk.ivcap.platform import AspectQuery, Platform, Record
from armarium.sdk.ivcap.requests import aspect_walk

COLLECTION_SCHEMA = "urn:ivcap:schema:collection.1"


async def define(platform: Platform, urn: str, name: str, description: str | None, policy: str | None) -> Record:
    """Give a collection a name; one that has a name gets the new one. Returns the defining aspect."""
    content = {"$schema": COLLECTION_SCHEMA, "$entity": urn, "name": name}
    if description is not None:
        content["description"] = description
    asked = AspectQuery(entity=urn, schema=COLLECTION_SCHEMA, include_content=False)
    known = (await platform.aspects(asked, 1, None)).items
    write = platform.replace_aspect if known else platform.add_aspect
    return await platform.aspect(await write(urn, COLLECTION_SCHEMA, content, policy))


async def definition(platform: Platform, urn: str, at_time: datetime | None) -> Record:
    """The aspect that defines a collection at a time; raises ResourceNotFound, AmbiguousRequest."""
    found = (await platform.aspects(AspectQuery(entity=urn, schema=COLLECTION_SCHEMA, at_time=at_time), 2, None)).items
    if not found:
        raise ResourceNotFound(urn)
    if len(found) > 1:
        raise AmbiguousRequest(f"'{urn}' is defined more than once.")
    return found[0]


def definitions(platform: Platform, name_filter: str | None, limit: int | None, at_time: datetime | None) -> Walk:
    """All collections. name_filter: a comparison of the name, such as `== "x"` or `starts with "x"`."""
    path = None if name_filter is None else f"$.name ? (@ {name_filter})"
    return aspect_walk(platform, AspectQuery(schema=COLLECTION_SCHEMA, content_path=path, at_time=at_time), limit)


def members(platform: Platform, urn: str, limit: int | None, at_time: datetime | None) -> Walk:
    return aspect_walk(platform, AspectQuery(entity=urn, schema=COLLECTION_ITEM_SCHEMA, at_time=at_time), limit)


async def add(platform: Platform, urn: str, item: str, policy: str | None) -> Record | None:
    """Make something a member; None if it is one already."""
    if await _memberships(platform, urn, item):
        return None
    content = {"$schema": COLLECTION_ITEM_SCHEMA, "$entity": urn, "collection": urn, "item": item}
    return await platform.aspect(await platform.add_aspect(urn, COLLECTION_ITEM_SCHEMA, content, policy))


async def remove(platform: Platform, urn: str, item: str) -> bool:
    """End a membership; False if there was none."""
    found = await _memberships(platform, urn, item)
    for aspect in found:
        await platform.retract_aspect(aspect["id"])
    return bool(found)


async def retract(platform: Platform, urn: str) -> int:
    """End a collection: its memberships, then its definition. Returns how many aspects that were.

    Raises ResourceNotFound, before anything is changed, for a collection nobody defined.
    """
    defining = await definition(platform, urn, None)
    ended = 0
    for aspect in [aspect async for aspect in members(platform, urn, None, None)]:
        ended += await _ended(platform, aspect["id"])
    await platform.retract_aspect(defining["id"])
    return ended + 1


async def _ended(platform: Platform, id: str) -> int:
    """Retract one aspect; what somebody else retracted meanwhile does not count."""
    try:
        await platform.retract_aspect(id)
    except IvcapApiError as refused:
        if refused.status_code != 404:
            raise
        return 0
    return 1


async def _memberships(platform: Platform, urn: str, item: str) -> list[Record]:
    path = f"$.item ? (@ == {msgspec.json.encode(item).decode()})"
    asked = AspectQuery(entity=urn, schema=COLLECTION_ITEM_SCHEMA, content_path=path, include_content=False)
    return [aspect async for aspect in aspect_walk(platform, asked, None)]
