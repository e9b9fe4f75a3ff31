"""What a client writes into a search is data in every place: it is refused, or finds what is really called that."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from armarium.adapters.catalog.postgres import PostgresCatalog
from armarium.adapters.catalog.sqlite import SqliteCatalog
from armarium.domain.errors import Invalid
from armarium.domain.query import Query, Stage
from armarium.faces.hypha.queries import parse_facets, parse_query
from armarium.ports.catalog import Catalog
from armarium.testing.contracts.catalog_fixtures import an_artifact
from armarium.testing.postgres import Databases

HOSTILE = [
    "x' OR '1'='1",
    "x') OR 1=1 --",
    '" OR ""="',
    "'; DROP TABLE artifact; --",
    "1; DELETE FROM field",
    "x' UNION SELECT ciphertext FROM secret --",
    "a' || (SELECT token FROM token) || '",
    "$1",
    "?",
    ":p0",
    "%(p0)s",
    "%s",
    "{0}",
    "\\' OR 1=1 --",
    "%' ESCAPE '%",
    "/**/",
    '" NEAR("a", 1) OR "',
    "name:* OR body:*",
    "a\x00b",
    "\x01",
    "\ud800",
    "\u2019 OR 1=1",
    "$.a') --",
    "a[0]",
    "{1,2}",
    "*",
    "",
    "x" * 10_000,
]


def searches(text: str) -> list[dict[str, Any]]:
    """A text in every place of a search that takes one."""
    return [
        {"keywords": [text]},
        {"keywords": text},
        {"filters": {text: 1}},
        {"filters": {text: {"$in": [1]}}},
        {"filters": {f"permissions/{text}": text}},
        *({"filters": {name: text}} for name in ("type", "alias", "workspace", "created_by", "parent_id", "version")),
        *({"filters": {name: [text]}} for name in ("type", "alias", "created_at", "view_count")),
        {"filters": {"created_at": text}},
        {"filters": {"config": {text: text}}},
        {"filters": {"config": {"a": {text: [text]}}}},
        {"filters": {"manifest": {text: text}}},
        {"filters": {"manifest": {text: {"$in": [text]}}}},
        {"filters": {"manifest": {"name": {f"${text}": text}}}},
        {"filters": {"manifest": {"name": {text: text}}}},
        *(
            {"filters": {"manifest": {"name": {operator: operand}}}}
            for operator in ("$like", "$in", "$all", "$eq", "$gt", "$gte", "$lt", "$lte")
            for operand in (text, [text])
        ),
        {"filters": {"manifest": {"$or": [{"name": text}, {text: 1}]}}},
        {"filters": {"manifest": {f"${text}": [text]}}},
        *({"order_by": order} for order in (text, f"{text}>", f"manifest.{text}", f"config.{text}<")),
        *({name: text} for name in ("mode", "stage", "limit", "offset")),
    ]


@pytest.fixture(params=["sqlite", "postgres"])
async def catalog(request: pytest.FixtureRequest) -> AsyncIterator[Catalog]:
    if request.param == "sqlite":
        made: Catalog = SqliteCatalog()
    else:
        databases: Databases = request.getfixturevalue("postgres")
        made = PostgresCatalog(databases.fresh())
    await made.open()
    try:
        yield made
    finally:
        await made.close()


async def test_nothing_hostile_finds_or_changes_anything(catalog: Catalog):
    for number in range(3):
        await an_artifact(catalog, f"n{number}", manifest={"name": "bird", "n": number}, config={"a": {"b": "c"}})
    everything = Query(workspace="ws", stage=Stage.ANY)
    before = await catalog.list_artifacts(everything)
    answers = refusals = 0
    for text in HOSTILE:
        for search in searches(text):
            try:
                query = parse_query(**{"stage": "all", **search})
                found = (await catalog.list_artifacts(query)).artifacts
                assert await catalog.count_artifacts(query) >= len(found)
            except Invalid:
                refusals += 1
                continue
            answers += 1
            assert found == [] or _asks_nothing(search, text), search
        await _ask_for_facets(catalog, everything, text)
    assert await catalog.list_artifacts(everything) == before
    assert min(answers, refusals) > 100


def _asks_nothing(search: dict[str, Any], text: str) -> bool:
    """Whether a search that finds something may: it only orders, or its pattern matches everything."""
    return ("filters" not in search and (text == "" or "keywords" not in search)) or text == "*"


async def _ask_for_facets(catalog: Catalog, query: Query, text: str) -> None:
    fields = parse_facets([text, f"manifest.{text}"])
    try:
        assert all(not values for values in (await catalog.facets(query, fields, most=5)).values())
    except Invalid:
        assert text == "\ud800"
