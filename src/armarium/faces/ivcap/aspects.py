"""Aspects: added, replaced, read, listed as of a time, retracted."""

from typing import Any

import msgspec

from armarium.core import Core
from armarium.core.aspects import Keep, Statement, Wanted
from armarium.domain.aspect import FIELDS, Aspect, Place
from armarium.domain.errors import Invalid
from armarium.domain.json_path import parse_json_path
from armarium.domain.principal import Principal
from armarium.faces.http.cursors import Cursors
from armarium.faces.http.rest import Operation
from armarium.faces.ivcap.errors import ASPECT_URN
from armarium.faces.ivcap.filters import holds, parse_filter
from armarium.faces.ivcap.mapping import (
    JSON,
    aspect_id_of,
    aspect_item,
    aspect_record,
    moment_of,
    page_of,
    time_text,
    user_urn,
)
from armarium.faces.ivcap.schemas import AspectId, AspectList, AspectQuery, AspectRecord, Link, StatementQuery

_FIELD_OF = {
    **{name: name for name in FIELDS},
    "account": "workspace",
    "created_by": "asserter",
    "retracted_by": "retracter",
}


class Listing(msgspec.Struct, frozen=True, array_like=True):
    """What a listing lists, and where it goes on. at: microseconds since the epoch."""

    entity: str
    schema: str
    path: str
    filter: str
    order: tuple[str, ...]
    descending: bool
    with_content: bool
    at: int | None = None
    after: Place | None = None


class AspectOperations:
    """What can be asked of aspects."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._cursors = Cursors(core.signer, "ivcap aspects", Listing)

    def operations(self) -> list[Operation]:
        return [
            Operation(method="GET", path="/1/aspects", handler=self.list_aspects, fails=(422,)),
            Operation(
                method="POST", path="/1/aspects", handler=self.add_aspect, fails=(400, 403, 413, 422), creates=True
            ),
            Operation(method="PUT", path="/1/aspects", handler=self.update_aspect, fails=(400, 403, 413, 422, 424)),
            Operation(method="GET", path="/1/aspects/{id}", handler=self.read_aspect, fails=(404,)),
            Operation(
                method="DELETE", path="/1/aspects/{id}", handler=self.retract_aspect, status=204, fails=(403, 404)
            ),
        ]

    async def add_aspect(self, who: Principal, query: StatementQuery, body: dict[str, Any]) -> AspectId:
        """State something about an entity, beside all that is stated already."""
        aspect = await self._core.aspects.add(who, _statement(query, body))
        return AspectId(id=ASPECT_URN + aspect.id)

    async def update_aspect(self, who: Principal, query: StatementQuery, body: dict[str, Any]) -> AspectId:
        """State something in place of the one aspect of this entity and schema."""
        aspect = await self._core.aspects.replace(who, _statement(query, body))
        return AspectId(id=ASPECT_URN + aspect.id)

    async def read_aspect(self, who: Principal, id: str) -> AspectRecord:
        """Read a statement, also one that holds no longer."""
        return aspect_record(await self._core.aspects.read(who, aspect_id_of(id)), self._core.links.base_url)

    async def retract_aspect(self, who: Principal, id: str) -> None:
        """Let a statement hold no longer."""
        await self._core.aspects.retract(who, aspect_id_of(id))

    async def list_aspects(self, who: Principal, query: AspectQuery) -> AspectList:
        """List what holds now, or held at a time."""
        listing = self._read(query.page) if query.page else _first(query)
        wanted = Wanted(
            entity=listing.entity or None,
            schema=listing.schema or None,
            path=parse_json_path(listing.path) if listing.path else None,
            at=listing.at,
            order=listing.order,
            descending=listing.descending,
            after=listing.after,
            limit=query.limit,
        )
        page = await self._core.aspects.list(who, wanted, keep=_keep(listing.filter))
        links = [Link("self", JSON, "/1/aspects")]
        if page.next is not None:
            cursor = self._cursors.issue(msgspec.structs.replace(listing, at=page.at, after=page.next))
            links.append(Link("next", JSON, f"/1/aspects?page={cursor}"))
        return AspectList(
            items=[aspect_item(aspect, with_content=listing.with_content) for aspect in page.aspects],
            links=links,
            at_time=time_text(page.at),
            entity=listing.entity or None,
            schema=listing.schema or None,
            aspect_path=listing.path or None,
        )

    def _read(self, page: str) -> Listing:
        try:
            return self._cursors.read(page_of(page))
        except Invalid as error:
            raise Invalid("page", error.reason) from None


def _statement(query: StatementQuery, body: dict[str, Any]) -> Statement:
    return Statement(entity=query.entity, schema=query.schema, content=body, policy=query.policy or None)


def _first(query: AspectQuery) -> Listing:
    direction = query.order_direction.upper()
    if direction not in ("ASC", "DESC"):
        raise Invalid("order-direction", "The order-direction must be ASC or DESC.")
    order = [name.strip().replace("-", "_") for name in query.order_by.split(",")]
    unknown = next((name for name in order if name not in _FIELD_OF), None)
    if unknown is not None:
        raise Invalid("order-by", f"Aspects cannot be ordered by '{unknown[:40]}'.")
    return Listing(
        query.entity,
        query.schema,
        query.content_path or query.aspect_path,
        query.filter,
        tuple(dict.fromkeys(_FIELD_OF[name] for name in order)),
        direction == "DESC",
        query.include_content,
        moment_of("at-time", query.at_time),
    )


def _keep(filter: str) -> Keep | None:
    condition = parse_filter(filter)
    return None if condition is None else lambda aspect: holds(condition, _fields(aspect))


def _fields(aspect: Aspect) -> dict[str, Any]:
    """What a filter looks at: the members of the content, and what every aspect has."""
    return {
        **msgspec.json.decode(aspect.content),
        "id": ASPECT_URN + aspect.id,
        "entity": aspect.entity,
        "schema": aspect.schema,
        "asserter": user_urn(aspect.asserter),
        "policy": aspect.policy,
        "valid-from": aspect.valid_from,
        "valid-to": aspect.valid_to,
    }
