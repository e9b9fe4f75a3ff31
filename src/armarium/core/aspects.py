"""Aspects: state, replace and retract what holds of anything with a URN, and read what held at any time.

Who may edit an artifact may make statements about it; about anything else, who may write in their own workspace.
Who may hear a statement is said by its policy (`domain/policy.py`) and, for an artifact, by its grants.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from armarium.core.interruptions import again_if_interrupted
from armarium.core.permissions import access_of, allows, has_role, require, require_role
from armarium.domain import regexes
from armarium.domain.artifact import Found
from armarium.domain.aspect import (
    Aspect,
    AspectQuery,
    Place,
    artifact_of,
    checked_urn,
    is_platforms_own,
    place_of,
)
from armarium.domain.errors import Forbidden, NotFound, NotUnique
from armarium.domain.identifiers import ById
from armarium.domain.json_match import matches
from armarium.domain.json_path import JsonPath, required_text
from armarium.domain.json_path import regexes as regexes_in
from armarium.domain.manifest import encode_json
from armarium.domain.policy import BASE_METADATA, Reach, reach_of
from armarium.domain.principal import Action, Principal, Role
from armarium.ports.catalog import Catalog, Event, Reader, Transaction
from armarium.ports.clock import Clock

MOST_LOOKED_AT = 20_000
"""Aspects one listing looks into; a page that is not full by then says where to go on."""
_BATCH = 500

Keep = Callable[[Aspect], bool]


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller wants to state. policy: None for the usual one."""

    entity: str
    schema: str
    content: Mapping[str, Any]
    policy: str | None = None


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which aspects a caller asks for; the fields mean what they mean in `AspectQuery`."""

    entity: str | None = None
    schema: str | None = None
    path: JsonPath | None = None
    at: int | None = None
    order: tuple[str, ...] = ("valid_from",)
    descending: bool = True
    after: Place | None = None
    limit: int = 10


class AspectPage(msgspec.Struct, frozen=True):
    """Part of a listing. at: the moment it is true for, in microseconds; next: where the following page starts."""

    aspects: list[Aspect]
    at: int
    next: Place | None


class Aspects:
    """Use cases around aspects."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    @again_if_interrupted
    async def add(self, principal: Principal, statement: Statement) -> Aspect:
        """State something beside all that is stated already. Raises Forbidden, Invalid, TooLarge."""
        async with self._catalog.transaction() as tx:
            workspace = await self._place(tx, principal, statement)
            return await assert_aspect(tx, self._clock, principal, workspace, statement)

    @again_if_interrupted
    async def replace(self, principal: Principal, statement: Statement) -> Aspect:
        """State something in place of the one aspect of the same entity and schema, from the moment that one ends.

        Where there is none, it is just stated. Raises NotUnique where there are several, Forbidden, Invalid, TooLarge.
        """
        async with self._catalog.transaction() as tx:
            workspace = await self._place(tx, principal, statement)
            await tx.take_turn(statement.entity, statement.schema)
            active = await tx.active_aspects(workspace, statement.entity, statement.schema)
            if len(active) > 1:
                raise NotUnique(f"There are several aspects of schema '{statement.schema}' on this entity.")
            moment = max([moment_of(self._clock), *(aspect.valid_from + 1 for aspect in active)])
            ended = [
                aspect.id
                for aspect in active
                if await tx.end_aspect(aspect.id, ended_at=moment, ended_by=principal.effective_id)
            ]
            former = ended[0] if ended else None
            return await assert_aspect(tx, self._clock, principal, workspace, statement, moment=moment, replaces=former)

    @again_if_interrupted
    async def retract(self, principal: Principal, aspect_id: str) -> None:
        """Let an aspect hold no longer; one that has ended stays as it is. Raises NotFound, Forbidden."""
        async with self._catalog.transaction() as tx:
            aspect = await self._heard(tx, principal, aspect_id)
            await self._require_may_state(tx, principal, aspect.entity, aspect.schema, aspect.workspace)
            moment = max(moment_of(self._clock), aspect.valid_from)
            if await tx.end_aspect(aspect.id, ended_at=moment, ended_by=principal.effective_id):
                await _tell(tx, self._clock, principal, aspect, "retract_aspect")

    async def read(self, principal: Principal, aspect_id: str) -> Aspect:
        """Return an aspect, ended or not. Raises NotFound, also for one the caller may not hear."""
        return await self._heard(self._catalog, principal, aspect_id)

    async def list(self, principal: Principal, wanted: Wanted, *, keep: Keep | None = None) -> AspectPage:
        """List the aspects that hold at a moment: of the caller's workspace, or of one entity all the caller may hear.

        keep: a further condition. A page may be shorter than its limit and still have a next one.
        Raises Invalid (the path).
        """
        query = await self._query(principal, wanted)
        page = _Page(wanted, _both(_matcher(wanted.path), keep))
        size = wanted.limit + 1 if page.keeps_all else _BATCH
        while not page.is_full:
            batch = await self._catalog.list_aspects(msgspec.structs.replace(query, after=page.place, limit=size))
            page.take(batch)
            if len(batch) < size:
                break
            await asyncio.sleep(0)  # conditions are evaluated here, where others wait
        at = moment_of(self._clock) if wanted.at is None else wanted.at
        return AspectPage(page.aspects[: wanted.limit], at, page.next)

    async def _query(self, principal: Principal, wanted: Wanted) -> AspectQuery:
        workspaces, shared = await self._audience(principal, wanted.entity)
        return AspectQuery(
            workspaces=workspaces,
            shared=shared,
            with_open=wanted.entity is not None and _hears_open(principal),
            entity=wanted.entity,
            schema=wanted.schema,
            at=wanted.at,
            text=_text(wanted.path),
            order=wanted.order,
            descending=wanted.descending,
            limit=wanted.limit,
        )

    async def _audience(self, principal: Principal, entity: str | None) -> tuple[tuple[str, ...], str | None]:
        """The workspaces the caller reads, and the one of which they may read this artifact though not everything."""
        home = principal.workspace
        workspaces = [home] if await self._has_role(self._catalog, principal, Role.READ, home) else []
        found = await _artifact(self._catalog, principal, entity)
        if found is None or found.artifact.workspace in workspaces:
            return tuple(workspaces), None
        there = found.artifact.workspace
        if has_role(principal, Role.READ, there, found.membership):
            return (*workspaces, there), None
        return tuple(workspaces), there if allows(principal, Action.READ, access_of(found)) else None

    async def _heard(self, reader: Reader, principal: Principal, aspect_id: str) -> Aspect:
        aspect = await reader.find_aspect(aspect_id)
        if aspect is None or not await self._may_hear(reader, principal, aspect):
            raise NotFound("aspect", aspect_id)
        return aspect

    async def _may_hear(self, reader: Reader, principal: Principal, aspect: Aspect) -> bool:
        if aspect.reach is Reach.OPEN and _hears_open(principal):
            return True
        if await self._has_role(reader, principal, Role.READ, aspect.workspace):
            return True
        found = await _artifact(reader, principal, aspect.entity) if aspect.reach >= Reach.BASE else None
        return (
            found is not None
            and found.artifact.workspace == aspect.workspace
            and allows(principal, Action.READ, access_of(found))
        )

    async def _place(self, tx: Transaction, principal: Principal, statement: Statement) -> str:
        """The workspace a statement will belong to. Raises Forbidden, Invalid."""
        checked_urn("entity", statement.entity)
        checked_urn("schema", statement.schema)
        return await self._require_may_state(tx, principal, statement.entity, statement.schema, principal.workspace)

    async def _require_may_state(
        self, tx: Transaction, principal: Principal, entity: str, schema: str, workspace: str
    ) -> str:
        """Return the workspace of what is stated: the artifact's, else the given one. Raises Forbidden."""
        if is_platforms_own(entity, schema):
            raise Forbidden(Action.EDIT, f"Aspects of schema '{schema}' on artifacts are made by the server alone.")
        found = await _artifact(tx, principal, entity)
        if found is not None:
            require(principal, Action.EDIT, access_of(found))
            return found.artifact.workspace
        place = await tx.find_workspace(workspace, viewer=principal.effective_id)
        membership = place.membership if place is not None else None
        require_role(principal, Role.READ_WRITE, workspace, membership, to="make statements")
        return workspace

    async def _has_role(self, reader: Reader, principal: Principal, role: Role, workspace: str) -> bool:
        place = await reader.find_workspace(workspace, viewer=principal.effective_id)
        return place is not None and has_role(principal, role, workspace, place.membership)


class _Page:
    """Gathers what is kept of one batch after the other."""

    def __init__(self, wanted: Wanted, keep: Keep | None) -> None:
        self.aspects: list[Aspect] = []
        self.place = wanted.after
        self._wanted = wanted
        self._keep = keep
        self._looked_at = 0

    @property
    def keeps_all(self) -> bool:
        return self._keep is None

    @property
    def is_full(self) -> bool:
        return len(self.aspects) > self._wanted.limit or self._has_seen_enough

    @property
    def _has_seen_enough(self) -> bool:
        """Never with an empty page, at which a reader would take the listing for finished."""
        return self._looked_at >= MOST_LOOKED_AT and bool(self.aspects)

    def take(self, batch: list[Aspect]) -> None:
        self.aspects += batch if self._keep is None else filter(self._keep, batch)
        self._looked_at += len(batch)
        if batch:
            self.place = place_of(batch[-1], self._wanted.order)

    @property
    def next(self) -> Place | None:
        if len(self.aspects) > self._wanted.limit:
            return place_of(self.aspects[self._wanted.limit - 1], self._wanted.order)
        return self.place if self._has_seen_enough else None


async def assert_aspect(
    tx: Transaction,
    clock: Clock,
    principal: Principal,
    workspace: str,
    statement: Statement,
    *,
    moment: int | None = None,
    replaces: str | None = None,
) -> Aspect:
    """Write a statement down; whether the caller may make it has been decided. Raises Invalid, TooLarge."""
    policy = statement.policy or BASE_METADATA
    content = statement.content
    if "$schema" not in content:
        content = {"$schema": statement.schema, **content}
    aspect = Aspect(
        id=clock.new_id(),
        workspace=workspace,
        entity=statement.entity,
        schema=statement.schema,
        content=encode_json("content", content),
        policy=policy,
        reach=reach_of(policy),
        asserter=principal.effective_id,
        valid_from=moment_of(clock) if moment is None else moment,
        replaces=replaces,
    )
    await tx.insert_aspect(aspect)
    await _tell(tx, clock, principal, aspect, "replace_aspect" if replaces else "add_aspect")
    return aspect


def moment_of(clock: Clock) -> int:
    """Now, in microseconds since the epoch."""
    return round(clock.now() * 1_000_000)


async def _tell(tx: Transaction, clock: Clock, principal: Principal, aspect: Aspect, action: str) -> None:
    await tx.add_event(
        Event(
            at=clock.now(),
            workspace=aspect.workspace,
            actor=principal.effective_id,
            action=action,
            artifact_id=artifact_of(aspect.entity),
            detail=aspect.id,
        )
    )


async def _artifact(reader: Reader, principal: Principal, entity: str | None) -> Found | None:
    """The artifact an entity is, where it is one and still there."""
    artifact_id = artifact_of(entity) if entity is not None else None
    if artifact_id is None:
        return None
    return await reader.find_artifact(ById(artifact_id), viewer=principal.effective_id)


def _hears_open(principal: Principal) -> bool:
    return not principal.is_anonymous and not principal.is_limited


def _text(path: JsonPath | None) -> str | None:
    """What must occur in the JSON of whatever matches a path, as JSON spells it."""
    text = required_text(path) if path is not None else None
    return msgspec.json.encode(text)[1:-1].decode() if text else None


def _matcher(path: JsonPath | None) -> Keep | None:
    if path is None:
        return None
    for regex in regexes_in(path.root):
        regexes.check("content-path", regex.pattern, regex.flags)
    return lambda aspect: matches(path, msgspec.json.decode(aspect.content), regexes.found)


def _both(first: Keep | None, second: Keep | None) -> Keep | None:
    if first is None or second is None:
        return first or second
    return lambda aspect: first(aspect) and second(aspect)
