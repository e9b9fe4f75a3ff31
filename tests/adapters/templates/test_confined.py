"""Templates are strangers' programs: what they may do, and what ends them."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from armarium.adapters.templates.confined import ConfinedTemplates, Limits
from armarium.domain.errors import Invalid, TooLarge

ARTIFACT = {"manifest": {"name": "<b>Sea</b>", "tags": ["x", "y"]}, "view_count": 3.0}


@pytest.fixture
async def templates() -> AsyncIterator[ConfinedTemplates]:
    made = ConfinedTemplates(Limits(seconds=1, page_bytes=100_000))
    yield made
    await made.close()


async def page(templates: ConfinedTemplates, source: str, name: str = "index.html") -> str:
    return await templates.render(name, source, {"artifact": ARTIFACT, "workspace": "ws"})


async def failure(templates: ConfinedTemplates, source: str) -> str:
    with pytest.raises(Invalid, match="Template rendering failed") as caught:
        await page(templates, source)
    return str(caught.value)


async def test_variables_loops_macros_and_filters_work(templates: ConfinedTemplates):
    source = "{% macro tag(t) %}#{{ t }}{% endmacro %}{% for t in artifact.manifest.tags %}{{ tag(t) }}{% endfor %}"
    assert await page(templates, source) == "#x#y"
    assert await page(templates, "{{ workspace|upper }} {{ artifact['view_count']|int }}\n") == "WS 3\n"
    assert await page(templates, "{{ artifact.nothing }}|{{ artifact.nothing|default('none') }}") == "|none"


@pytest.mark.parametrize("name", ["index.html", "a/b.HTM", "feed.xml", "picture.svg"])
async def test_values_in_markup_are_escaped(templates: ConfinedTemplates, name: str):
    assert await page(templates, "{{ artifact.manifest.name }}", name) == "&lt;b&gt;Sea&lt;/b&gt;"


async def test_values_in_other_files_are_not(templates: ConfinedTemplates):
    assert await page(templates, "{{ artifact.manifest.name }}", "data.json") == "<b>Sea</b>"


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ ''|attr('__class__') }}",
        "{{ ''['__class__']['__base__'] }}",
        "{{ artifact.__init__.__globals__ }}",
        "{{ self._TemplateReference__context }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ '{0.__class__.__mro__}'.format(artifact) }}",
        "{{ '%s'|format(artifact).__class__ }}",
        "{{ artifact.update({'x': 1}) }}",
        "{{ artifact.manifest.tags.append('z') }}",
        "{% import 'os' as os %}",
        "{% include '/etc/passwd' %}",
        "{% extends 'base.html' %}",
        "{% macro m() %}{% endmacro %}{{ m.__globals__ }}",
        "{{ namespace.__init__.__globals__ }}",
        "{{ (lipsum or cycler).__globals__ }}",
        "{{ range(10**7) }}",
    ],
)
async def test_nothing_leads_out_of_the_sandbox(templates: ConfinedTemplates, source: str):
    try:
        text = await page(templates, source)
    except Invalid as error:
        text = str(error)
    assert "root:" not in text
    assert "<class" not in text
    assert "uid=" not in text


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{{ 9 ** 99999999 }}",
        "{% for i in range(10**9) %}{% endfor %}",
        "{{ 'a' * 10**10 }}",
        "{{ ['a' * 10**8] * 10**9 }}",
        "{% set n = namespace(s='aaaaaaaa') %}{% for i in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
        "{{ 'x'|center(10**10) }}",
        "{{ ('a' * 10**6)|replace('a', 'b' * 10**6) }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ 'x' * 200000 }}",
        "{% for i in range(99999) %}xxxxxxxxxx{% endfor %}",
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    ],
)
async def test_a_bomb_ends_its_own_page_and_no_other(templates: ConfinedTemplates, source: str):
    await failure(templates, source)
    assert await page(templates, "{{ workspace }}") == "ws"


async def test_a_mistake_is_told_with_its_line(templates: ConfinedTemplates):
    assert "line 2" in await failure(templates, "fine\n{% for %}")
    assert "ZeroDivisionError" in await failure(templates, "{{ 1 / 0 }}")


async def test_a_template_too_long_to_read_is_refused(templates: ConfinedTemplates):
    with pytest.raises(TooLarge):
        await page(templates, "x" * 300_000)


async def test_pages_are_rendered_beside_each_other_and_know_nothing_of_each_other(templates: ConfinedTemplates):
    pages = await asyncio.gather(*(page(templates, f"{{% set x = {n} %}}{{{{ x }}}}") for n in range(40)))
    assert pages == [str(n) for n in range(40)]


async def test_a_renderer_that_was_killed_is_started_again(templates: ConfinedTemplates):
    assert await page(templates, "one") == "one"
    assert templates._program is not None
    os.kill(templates._program.pid, signal.SIGKILL)
    assert await page(templates, "two") == "two"


async def test_the_renderer_knows_nothing_of_the_servers_environment(
    templates: ConfinedTemplates, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ARMARIUM_SECRET_KEY", "hidden from strangers")
    await page(templates, "x")
    assert templates._program is not None
    environment = Path(f"/proc/{templates._program.pid}/environ")
    if not environment.exists():
        pytest.skip("no /proc here")
    assert b"hidden from strangers" not in environment.read_bytes()


async def test_it_ends_with_the_server(templates: ConfinedTemplates):
    await page(templates, "x")
    program = templates._program
    assert program is not None
    await templates.close()
    assert program.poll() is not None


@given(source=st.text(alphabet="{}%# abc'\"()[]|.~_+*-/0123456789\n", max_size=60))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_text_is_a_page_or_a_mistake(source: str):
    templates = ConfinedTemplates(Limits(seconds=1))
    with contextlib.suppress(Invalid):
        await page(templates, source)
    assert await page(templates, "still there") == "still there"
    await templates.close()
