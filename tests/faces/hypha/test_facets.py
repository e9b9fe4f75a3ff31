"""Facets and plans of listings, through the unmodified Hypha client and over HTTP."""

from typing import Any

import pytest
from hypha_rpc import connect_to_server

from tests.faces.hypha.wire import refusal

BIRDS = [
    {"name": "heron", "tags": ["water", "grey"], "legs": 2, "place": {"country": "PT"}},
    {"name": "stork", "tags": ["water"], "legs": 2, "place": {"country": "PT"}},
    {"name": "snake", "tags": ["land"], "legs": 0},
]


@pytest.fixture
async def birds(store: Any) -> Any:
    await store.create(alias="birds", type="collection", manifest={"name": "Birds"})
    for bird in BIRDS:
        await store.create(parent_id="birds", manifest=bird)
    return "birds"


async def test_values_are_counted_over_all_that_matches(store, birds):
    facets = ["tags", "manifest.legs", "place.country", "missing"]
    page = await store.list(birds, facets=facets, pagination=True, limit=1)
    assert (len(page["items"]), page["total"]) == (1, 3)
    told = {name: [(one["value"], one["count"]) for one in values] for name, values in page["facets"].items()}
    assert told == {
        "tags": [("water", 2), ("grey", 1), ("land", 1)],
        "legs": [(2, 2), (0, 1)],
        "place.country": [("PT", 2)],
        "missing": [],
    }
    grey = await store.search(filters={"manifest": {"tags": ["grey"]}}, facets=["name"], pagination=True)
    assert grey["facets"] == {"name": [{"value": "heron", "count": 1}]}


async def test_values_are_counted_over_http(store, birds, url, web, ada):
    headers = {"Authorization": f"Bearer {ada.token}"}
    place = f"{url}/{ada.workspace}/artifacts/{birds}/children"
    page = web.get(place, headers=headers, params={"pagination": "true", "facets": "tags,legs"}).json()
    assert page["facets"]["legs"] == [{"value": 2, "count": 2}, {"value": 0, "count": 1}]


@pytest.mark.parametrize("name", ["x') OR 1=1 --", '"; DROP TABLE field; --', "a'b", "%", "$.a", "\x00", "\x01"])
async def test_names_of_facets_are_only_ever_names(store, birds, name):
    page = await store.list(birds, facets=[name], pagination=True)
    assert (page["total"], page["facets"]) == (3, {name: []})


async def test_facets_that_make_no_sense_are_refused(store, birds):
    for asked, said in (({"facets": ["tags"]}, "pagination"), ({"facets": ["n"] * 5 + [*"abcdefghijk"]}, "at most 10")):
        with refusal(said):
            await store.list(birds, **{"pagination": len(asked["facets"]) > 1, **asked})
    with refusal("list"):
        await store.list(birds, facets=[3], pagination=True)


async def test_only_an_operator_is_told_a_plan(store, birds, armarium_server, ada):
    with refusal("PermissionError"):
        await store.list(birds, pagination=True, explain=True)
    client = await connect_to_server({"server_url": armarium_server.url, "token": armarium_server.admin_token})
    try:
        operator = await client.get_service("public/artifact-manager")
        page = await operator.list(f"{ada.workspace}/{birds}", order_by="manifest.legs", pagination=True, explain=True)
    finally:
        await client.disconnect()
    assert page["total"] == 3
    assert all(step["statement"] and step["plan"] for step in page["plan"])
