"""Words in manifests: how they are matched and how the index keeps up."""

import asyncio
import re

from hypothesis import given
from hypothesis import strategies as st

from armarium.adapters.catalog.sqlite import SqliteCatalog
from armarium.adapters.catalog.text_search import contains, fold, match_expression, matches
from armarium.domain.manifest import encode_json
from armarium.domain.query import Keyword, Query, Stage
from armarium.testing.contracts.catalog_fixtures import an_artifact


@given(st.text("aAbß.*\n", max_size=12), st.text("aAbBs.*", max_size=6))
def test_a_pattern_matches_as_the_regular_expression_of_it_would(text, pattern):
    expression = ".*".join(re.escape(piece) for piece in fold(pattern).split("*"))
    assert matches(text, pattern) == (re.fullmatch(expression, fold(text), re.DOTALL) is not None)


def test_a_pattern_of_many_stars_is_no_trap():
    assert not matches("a" * 100_000, "*a" * 2000 + "*b")


def test_nothing_contains_nothing():
    assert not contains(None, "a")
    assert not matches(None, "*")


def test_short_words_have_no_trigrams():
    assert match_expression("ab") is None
    assert match_expression('a"bc') == '"a""b" AND """bc"'


async def _settled(catalog):
    for _ in range(200):
        if catalog._writer.execute("SELECT count(*) FROM text_pending").fetchone() == (0,):
            return
        await asyncio.sleep(0.02)


async def _found(catalog, text):
    page = await catalog.list_artifacts(Query(stage=Stage.ANY, where=Keyword(text)))
    return [artifact.alias for artifact in page.artifacts]


async def test_the_index_catches_up_with_changes_and_removals(tmp_path):
    catalog = SqliteCatalog(tmp_path / "catalog.db")
    await catalog.open()
    first = await an_artifact(catalog, "first", manifest={"name": "Apfelkuchen"})
    second = await an_artifact(catalog, "second", manifest={"name": "Apfelmus"})
    await _settled(catalog)
    assert await _found(catalog, "APFEL") == ["first", "second"]
    async with catalog.transaction() as tx:
        empty = encode_json("config", {})
        changed = encode_json("manifest", {"name": "Birnenkuchen"})
        await tx.publish(first, type="t", manifest=changed, config=empty, now=2, fields=[])
        await tx.delete_artifacts([second])
    for _ in range(2):
        assert await _found(catalog, "apfel") == []
        assert await _found(catalog, "birnen") == ["first"]
        await _settled(catalog)
    await catalog.close()


async def test_what_one_process_left_pending_the_next_takes_in(tmp_path):
    for alias in ("first", "second"):
        catalog = SqliteCatalog(tmp_path / "catalog.db")
        await catalog.open()
        await an_artifact(catalog, alias, manifest={"name": "Apfelkuchen"})
        await catalog.close()
    catalog = SqliteCatalog(tmp_path / "catalog.db")
    await catalog.open()
    assert await _found(catalog, "kuchen") == ["first", "second"]
    await _settled(catalog)
    assert await _found(catalog, "kuchen") == ["first", "second"]
    await catalog.close()
