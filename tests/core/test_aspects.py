"""Aspects: random histories against a model, what holds when, and who may say and hear what."""

import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from armarium.adapters.catalog.sqlite import SqliteCatalog
from armarium.assembly import open_core
from armarium.core import Core
from armarium.core.aspects import Aspects, Statement, Wanted, moment_of
from armarium.domain.account import Workspace
from armarium.domain.aspect import artifact_urn
from armarium.domain.errors import Forbidden, Invalid, NotFound, NotUnique
from armarium.domain.json_path import parse_json_path
from armarium.domain.principal import ROOT, Principal, Role
from armarium.settings import Settings
from armarium.testing.builders import FixedClock

ADA = Principal(id="ada", grants={"ws-user-ada": Role.ADMIN})
BOB = Principal(id="bob", grants={"ws-user-bob": Role.ADMIN})
READER = Principal(id="ada", grants={"ws-user-ada": Role.READ}, current_workspace="ws-user-ada", read_only=True)
ENTITY, SCHEMA = "urn:lab:thing", "urn:lab:schema:note.1"
OPEN, PRIVATE = "urn:ivcap:policy:ivcap.open.metadata", "urn:ivcap:policy:private"


@pytest.fixture
async def core(tmp_path):
    async with open_core(Settings(data=tmp_path)) as opened:
        for name in ("ada", "bob"):
            await opened.accounts.create_user(ROOT, name)
        yield opened


def note(text: Any = "hello", **values: Any) -> Statement:
    return Statement(**{"entity": ENTITY, "schema": SCHEMA, "content": {"text": text}, **values})


async def texts(core: Core, who: Principal, at: int | None = None, **values: Any) -> list[Any]:
    page = await core.aspects.list(who, Wanted(entity=ENTITY, at=at, limit=50, descending=False, **values))
    return [msgspec.json.decode(aspect.content)["text"] for aspect in page.aspects]


class Histories(RuleBasedStateMachine):
    """Adds, replacements and retractions in any order; the model keeps everything it was ever told."""

    places = st.tuples(st.sampled_from(["urn:e:1", "urn:e:2"]), st.sampled_from(["urn:s:1", "urn:s:2"]))

    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.catalog, self.clock = SqliteCatalog(), FixedClock()
        self.told: list[list[Any]] = []  # id, place, number, from, to
        self.moments: list[int] = []
        self.run(self.prepare())
        self.aspects = Aspects(self.catalog, self.clock)

    def run(self, work):
        return self.loop.run_until_complete(work)

    async def prepare(self):
        await self.catalog.open()
        async with self.catalog.transaction() as tx:
            await tx.insert_workspace(Workspace(name="ws-user-ada"))

    def teardown(self):
        self.run(self.catalog.close())
        self.loop.close()

    def statement(self, place):
        entity, schema = place
        return Statement(entity=entity, schema=schema, content={"n": len(self.told)})

    def active(self, place):
        return [one for one in self.told if one[1] == place and one[4] is None]

    @rule(seconds=st.sampled_from([0.000002, 1.0]))
    def time_passes(self, seconds):
        self.clock.advance(seconds)
        self.moments.append(moment_of(self.clock))

    @rule(place=places)
    def add(self, place):
        aspect = self.run(self.aspects.add(ADA, self.statement(place)))
        self.told.append([aspect.id, place, len(self.told), aspect.valid_from, None])

    @rule(place=places)
    def replace(self, place):
        active = self.active(place)
        if len(active) > 1:
            with pytest.raises(NotUnique):
                self.run(self.aspects.replace(ADA, self.statement(place)))
            return
        aspect = self.run(self.aspects.replace(ADA, self.statement(place)))
        assert aspect.replaces == (active[0][0] if active else None)
        for former in active:
            former[4] = aspect.valid_from
        self.told.append([aspect.id, place, len(self.told), aspect.valid_from, None])

    @rule(data=st.data())
    def retract(self, data):
        if self.told:
            one = data.draw(st.sampled_from(self.told))
            self.run(self.aspects.retract(ADA, one[0]))
            if one[4] is None:
                one[4] = self.run(self.aspects.read(ADA, one[0])).valid_to

    @invariant()
    def every_moment_reads_as_it_was(self):
        moments = [*self.moments[-3:], *(one[3] for one in self.told[-2:])]
        for entity in ("urn:e:1", "urn:e:2"):
            assert self.seen(entity, None) == {one[2] for one in self.told if one[1][0] == entity and one[4] is None}
            for at in moments:
                holding = {
                    n for _, place, n, start, end in self.told if place[0] == entity and start <= at < (end or at + 1)
                }
                assert self.seen(entity, at) == holding

    @invariant()
    def replaced_ones_leave_no_gap(self):
        for id_, *_, start, _ in self.told:
            aspect = self.run(self.aspects.read(ADA, id_))
            if aspect.replaces:
                assert self.run(self.aspects.read(ADA, aspect.replaces)).valid_to == start

    def seen(self, entity, at):
        numbers, after = [], None
        while True:
            page = self.run(self.aspects.list(ADA, Wanted(entity=entity, at=at, limit=2, after=after)))
            numbers += [msgspec.json.decode(aspect.content)["n"] for aspect in page.aspects]
            if page.next is None:
                assert len(numbers) == len(set(numbers))
                return set(numbers)
            after = page.next


def test_random_histories_read_back_as_they_were_told():
    run_state_machine_as_test(Histories, settings=settings(max_examples=25, stateful_step_count=20, deadline=None))


async def test_pages_of_one_moment_do_not_change_while_members_are_retracted(core):
    for number in range(7):
        await core.aspects.add(ADA, note(number))
    first = await core.aspects.list(ADA, Wanted(entity=ENTITY, limit=3))
    seen = list(first.aspects)
    page = first
    while page.next is not None:
        for aspect in page.aspects:
            await core.aspects.retract(ADA, aspect.id)
        page = await core.aspects.list(ADA, Wanted(entity=ENTITY, limit=3, at=first.at, after=page.next))
        seen += page.aspects
    assert len({aspect.id for aspect in seen}) == 7


async def test_a_path_chooses_by_content(core):
    for value in ("a", 'b "quoted" \\ ä', 5, ["a", "z"]):
        await core.aspects.add(ADA, note(value))
    assert await texts(core, ADA, path=parse_json_path('$.text ? (@ == "a")')) == ["a", ["a", "z"]]
    assert await texts(core, ADA, path=parse_json_path(r'$.text ? (@ == "b \"quoted\" \\ ä")')) == ['b "quoted" \\ ä']
    assert await texts(core, ADA, path=parse_json_path("$.text ? (@ > 4)")) == [5]
    with pytest.raises(Invalid) as refused:
        await texts(core, ADA, path=parse_json_path('$.text ? (@ like_regex "(")'))
    assert refused.value.field == "content-path"


async def test_the_schema_is_written_into_content_that_does_not_name_one(core):
    added = await core.aspects.add(ADA, note())
    assert msgspec.json.decode(added.content) == {"$schema": SCHEMA, "text": "hello"}
    kept = await core.aspects.add(ADA, note(content={"$schema": "urn:other:1"}))
    assert msgspec.json.decode(kept.content) == {"$schema": "urn:other:1"}


@pytest.mark.parametrize(
    ("values", "field"),
    [({"entity": "thing"}, "entity"), ({"schema": "urn:x"}, "schema"), ({"policy": "urn:ivcap:policy:mine"}, "policy"),
     ({"policy": "public"}, "policy"), ({"entity": "urn:e:" + "x" * 2000}, "entity")],
)  # fmt: skip
async def test_what_names_nothing_is_refused(core, values, field):
    with pytest.raises(Invalid) as refused:
        await core.aspects.add(ADA, note(**values))
    assert refused.value.field == field


async def test_policies_say_who_may_hear(core):
    usual = await core.aspects.add(ADA, note("usual"))
    opened = await core.aspects.add(ADA, note("open", policy=OPEN))
    assert await texts(core, ADA) == await texts(core, READER) == ["usual", "open"]
    assert await texts(core, BOB) == ["open"]
    assert (await core.aspects.read(BOB, opened.id)).id == opened.id
    for act in (core.aspects.read, core.aspects.retract):
        with pytest.raises(NotFound):
            await act(BOB, usual.id)
    with pytest.raises(Forbidden):
        await core.aspects.retract(BOB, opened.id)
    elsewhere = await core.aspects.list(BOB, Wanted(schema=SCHEMA))
    assert elsewhere.aspects == []


async def test_who_only_reads_makes_no_statements(core):
    mine = await core.aspects.add(ADA, note())
    for who in (READER, Principal(id="guest", is_anonymous=True)):
        with pytest.raises(Forbidden):
            await core.aspects.add(who, note())
        with pytest.raises((Forbidden, NotFound)):
            await core.aspects.retract(who, mine.id)


async def test_statements_about_an_artifact_follow_its_rights(core):
    permissions = {"bob": "r"}
    view = await core.artifacts.create(ADA, alias="a", manifest={"name": "a"}, config={"permissions": permissions})
    about = artifact_urn(view.artifact.id)
    usual = await core.aspects.add(ADA, note("usual", entity=about))
    private = await core.aspects.add(ADA, note("private", entity=about, policy=PRIVATE))
    assert usual.workspace == "ws-user-ada"
    heard = await core.aspects.list(BOB, Wanted(entity=about))
    assert [aspect.id for aspect in heard.aspects] == [usual.id]
    assert (await core.aspects.read(BOB, usual.id)).id == usual.id
    with pytest.raises(NotFound):
        await core.aspects.read(BOB, private.id)
    for act in (core.aspects.add, core.aspects.replace):
        with pytest.raises(Forbidden):
            await act(BOB, note("his", entity=about))
    await core.aspects.add(ROOT, note("by the operator", entity=about))
    assert len((await core.aspects.list(ADA, Wanted(entity=about))).aspects) == 3


async def test_what_the_server_states_itself_nobody_else_can(core):
    view = await core.artifacts.create(ADA, alias="a", manifest={"name": "a"})
    own = note(entity=artifact_urn(view.artifact.id), schema="urn:ivcap:schema:artifact.1")
    for act in (core.aspects.add, core.aspects.replace):
        with pytest.raises(Forbidden):
            await act(ADA, own)


async def test_accounts_do_not_replace_each_others_statements(core):
    await core.aspects.replace(ADA, note("ada's", policy=OPEN))
    await core.aspects.replace(BOB, note("bob's", policy=OPEN))
    assert await texts(core, ADA) == await texts(core, BOB) == ["ada's", "bob's"]
    await core.aspects.replace(ADA, note("ada's second"))
    assert await texts(core, ADA) == ["bob's", "ada's second"]
