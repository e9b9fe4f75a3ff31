"""Questions over artifacts and aspects: what bounds them."""

import pytest

from armarium.assembly import open_core
from armarium.core import statement_search
from armarium.core.aspects import Statement
from armarium.domain.datalog import parse_question
from armarium.domain.errors import Invalid
from armarium.domain.principal import ROOT, Principal, Role
from armarium.settings import Settings

ADA = Principal(id="ada", grants={"ws-user-ada": Role.READ_WRITE})
EVERY_NOTE = ':load_aspect(/note, "urn:lab:note", ["entity", ".words[*]"]).\n'


@pytest.fixture
async def core(tmp_path):
    async with open_core(Settings(data=tmp_path)) as opened:
        await opened.accounts.create_user(ROOT, "ada")
        for number in range(3):
            content = {"words": [f"w{number}", "all", 'a%_\\"b']}
            await opened.aspects.add(ADA, Statement(entity=f"urn:lab:{number}", schema="urn:lab:note", content=content))
        yield opened


async def test_every_page_is_read(core, monkeypatch):
    monkeypatch.setattr(statement_search, "_PAGE", 2)
    for name in "abc":
        await core.artifacts.create(ADA, type="artifact", manifest={"name": name})
    found = await core.statement_search.ask(ADA, parse_question(":- ivcap_artifact(_, Name, _)."))
    assert sorted(item["Name"] for item in found.items) == ["a", "b", "c"]
    found = await core.statement_search.ask(ADA, parse_question(EVERY_NOTE + 'query(E) :- note(E, "all").'))
    assert sorted(item["E"] for item in found.items) == ["urn:lab:0", "urn:lab:1", "urn:lab:2"]


async def test_a_text_is_found_as_it_stands(core):
    query = EVERY_NOTE + r':- note("urn:lab:1", W), W = "a%_\\\"b".'
    assert (await core.statement_search.ask(ADA, parse_question(query))).items == [{"W": 'a%_\\"b'}]


async def test_a_question_that_needs_too_many_rows_is_refused(core, monkeypatch):
    monkeypatch.setattr(statement_search, "MOST_ROWS", 9)
    assert len((await core.statement_search.ask(ADA, parse_question(EVERY_NOTE + ":- note(E, W)."))).items) == 9
    with pytest.raises(Invalid, match="more than 9 rows"):
        await core.statement_search.ask(ADA, parse_question(EVERY_NOTE + ":- note(E, W), note(E, V)."))


async def test_a_question_that_takes_too_long_is_refused(core, monkeypatch):
    monkeypatch.setattr(statement_search, "MOST_SECONDS", 0)
    with pytest.raises(Invalid, match="too long"):
        await core.statement_search.ask(ADA, parse_question(EVERY_NOTE + ":- note(E, W)."))
