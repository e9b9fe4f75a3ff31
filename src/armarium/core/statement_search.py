"""Questions over artifacts and aspects: what a Datalog question needs is read as its asker may, then joined.

The artifacts are those of the asker's workspace that are complete; aspects are those of the workspace, and of an entity
the question names all the asker may hear.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import msgspec

from armarium.core.aspects import Aspects, Wanted, moment_of
from armarium.core.contents import Contents
from armarium.core.search import NO_COLLECTION, Search
from armarium.domain.artifact import Artifact
from armarium.domain.aspect import Aspect, artifact_of, artifact_urn
from armarium.domain.datalog import EACH, Atom, Column, Load, Question
from armarium.domain.datalog_answers import Bindings, Row, answers, constants_of, rows_of
from armarium.domain.errors import Invalid
from armarium.domain.json_path import AllOf as Both
from armarium.domain.json_path import Compare, Exists, Items, JsonPath, Key, Literally, Path, Predicate, Step, Where
from armarium.domain.principal import Principal
from armarium.domain.query import AllOf, Between, Condition, Equals, Field, Query
from armarium.ports.clock import Clock

MOST_ROWS = 20_000
"""Rows one question may need of all its relations."""
MOST_SECONDS = 10
_PAGE = 500


class Answers(msgspec.Struct, frozen=True):
    """What was found. at: the moment it is true for, in microseconds since the epoch."""

    items: list[Bindings]
    at: int


class StatementSearch:
    """Use cases of those who ask in Datalog."""

    def __init__(self, aspects: Aspects, search: Search, contents: Contents, clock: Clock) -> None:
        self._aspects = aspects
        self._search = search
        self._contents = contents
        self._clock = clock

    async def ask(self, principal: Principal, question: Question, *, at: int | None = None, limit: int = 10) -> Answers:
        """Return the first distinct answers. Raises Invalid for a question that takes too many rows or too long."""
        moment = moment_of(self._clock) if at is None else at
        try:
            async with asyncio.timeout(MOST_SECONDS):
                relations = await self._relations(principal, question, moment)
                items = await asyncio.to_thread(answers, question, relations, limit=limit)
        except TimeoutError:
            raise Invalid("query", "The query takes too long; make it narrower.") from None
        return Answers(items, moment)

    async def _relations(self, principal: Principal, question: Question, at: int) -> list[list[Row]]:
        left = MOST_ROWS
        relations = []
        for atom in question.atoms:
            rows: list[Row] = []
            async for row in self._rows(principal, question, atom, at):
                rows.append(row)
                if len(rows) > left:
                    raise Invalid("query", f"The query needs more than {MOST_ROWS} rows; make it narrower.")
            left -= len(rows)
            relations.append(rows)
        return relations

    def _rows(self, principal: Principal, question: Question, atom: Atom, at: int) -> AsyncIterator[Row]:
        wanted = constants_of(question, atom)
        if atom.predicate in question.loads:
            return self._loaded(principal, question.loads[atom.predicate], wanted, at)
        if atom.predicate == "ivcap_artifact":
            return self._artifacts(principal, wanted, at)
        if atom.predicate == "ivcap_aspect":
            return self._stated(principal, wanted, at)
        return _nothing()  # jobs and services: there are none here

    async def _artifacts(self, principal: Principal, wanted: dict[int, Any], at: int) -> AsyncIterator[Row]:
        """(Id, Name, MimeType); one without a name has an empty one."""
        query = Query(where=AllOf(tuple(_conditions(wanted, at))), limit=_PAGE)
        while True:
            page = await self._search.workspace(principal, principal.workspace, query)
            artifacts = [view.artifact for view in page.views]
            contents = await self._contents.of(artifacts)
            for artifact in artifacts:
                yield artifact_urn(artifact.id), _name(artifact), contents[artifact.id].content_type
            if page.next is None:
                return
            query = msgspec.structs.replace(query, after=page.next)

    async def _stated(self, principal: Principal, wanted: dict[int, Any], at: int) -> AsyncIterator[Row]:
        """(Entity, Schema, Content)."""
        entity, schema = wanted.get(0), wanted.get(1)
        async for aspect in self._listed(principal, entity, schema, None, at):
            yield aspect.entity, aspect.schema, msgspec.json.decode(aspect.content)

    async def _loaded(self, principal: Principal, load: Load, wanted: dict[int, Any], at: int) -> AsyncIterator[Row]:
        entity = next((wanted[place] for place, column in _places(load) if column.is_entity and place in wanted), None)
        async for aspect in self._listed(principal, entity, load.schema, _path(load, wanted), at):
            for row in rows_of(load.columns, aspect.entity, msgspec.json.decode(aspect.content)):
                yield row

    async def _listed(
        self, principal: Principal, entity: Any, schema: Any, path: JsonPath | None, at: int
    ) -> AsyncIterator[Aspect]:
        """The aspects that held at a moment; no number is the name of any."""
        if not all(isinstance(name, str | None) for name in (entity, schema)):
            return
        wanted = Wanted(entity=entity, schema=schema, path=path, at=at, limit=_PAGE)
        while True:
            page = await self._aspects.list(principal, wanted)
            for aspect in page.aspects:
                yield aspect
            if page.next is None:
                return
            wanted = msgspec.structs.replace(wanted, after=page.next)


async def _nothing() -> AsyncIterator[Row]:
    no_rows: tuple[Row, ...] = ()
    for row in no_rows:
        yield row


def _conditions(wanted: dict[int, Any], at: int) -> Iterable[Condition]:
    """What the catalog can narrow down of artifacts; the whole question is held against what it finds."""
    yield NO_COLLECTION
    yield Between(Field("artifact", "created_at"), None, at / 1_000_000)
    if 0 in wanted:
        yield Equals(Field("artifact", "id"), artifact_of(str(wanted[0])) or "")
    if isinstance(wanted.get(1), str) and wanted[1]:
        yield Equals(Field("manifest", "name"), wanted[1])


def _name(artifact: Artifact) -> str:
    name = msgspec.json.decode(artifact.manifest).get("name")
    return name if isinstance(name, str) else ""


def _places(load: Load) -> Iterable[tuple[int, Column]]:
    """The columns, each with the position of its first term."""
    at = 0
    for column in load.columns:
        yield at, column
        at += column.width


def _path(load: Load, wanted: dict[int, Any]) -> JsonPath | None:
    """What the content must match to make a row at all, so that the catalog can look before anything is read."""
    needed: list[Predicate] = []
    for at, column in _places(load):
        for place, field in enumerate(column.fields or ("",), at):
            if isinstance(wanted.get(place), str) and not column.is_entity:
                steps: list[Step] = [Items() if step == EACH else Key(step) for step in column.steps]
                equal = Where(Compare(Path(False), "==", Literally(wanted[place])))
                needed.append(Exists(Path(True, (*steps, *([Key(field)] if field else []), equal))))
    return JsonPath(Both(tuple(needed))) if needed else None
