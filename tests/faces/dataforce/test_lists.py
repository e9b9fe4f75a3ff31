"""Lists: pages, cursors, searches and orders, and arrays for clients that know no pages."""

from typing import Any

import pytest
import requests

from tests.faces.dataforce.conftest import Api, Shelf, a_shelf, organization_of, put
from tests.faces.people import Person


def all_pages(api: Api, path: str, **query: Any) -> list[str]:
    """The names on all pages."""
    names: list[str] = []
    while True:
        page = api.get(path, **query)
        names += [item["name"] for item in page["items"]]
        if page["cursor"] is None:
            return names
        assert len(page["items"]) == query["limit"]
        query["cursor"] = page["cursor"]


@pytest.fixture
def five(shelf: Shelf) -> Shelf:
    """A collection of five artifacts, two of them uploaded."""
    metrics = [0.5, 3, None, -1, 2]
    for number, (name, metric) in enumerate(zip("bDaec", metrics, strict=True)):
        make = shelf.upload if number < 2 else shelf.announce
        kind = {"type": ["model", "dataset"][number % 2], "file_index": {}}
        values = {} if metric is None else {"f1": metric}
        make(b"x" * (number + 1), name=name, extra_values=values, tags=[f"t{number % 2}", name], **kind)
    return shelf


def test_pages_come_newest_first_and_end(five: Shelf):
    assert five.names() == list("ceaDb")
    assert five.names(order="asc") == list("bDaec")
    path = f"{five.orbit}/artifacts"
    for order in ("asc", "desc"):
        query = {"collection_ids": five.collection["id"], "order": order}
        assert all_pages(five.api, path, limit=2, **query) == five.names(order=order)
        assert all_pages(five.api, five.artifacts, limit=2, order=order) == five.names(order=order)


@pytest.mark.parametrize(
    ("sort_by", "ascending"),
    [("name", "Dabce"), ("size", "bDaec"), ("f1", "ebcDa"), ("type", "Debac")],
)
def test_a_list_is_sorted(five: Shelf, sort_by: str, ascending: str):
    assert "".join(five.names(sort_by=sort_by, order="asc")) == ascending
    query = {"collection_ids": five.collection["id"], "sort_by": sort_by, "order": "asc"}
    assert "".join(all_pages(five.api, f"{five.orbit}/artifacts", limit=2, **query)) == ascending


def test_what_lacks_a_metric_comes_last(five: Shelf):
    assert five.names(sort_by="f1", order="desc")[-1] == "a"
    assert five.names(sort_by="f1", order="asc")[-1] == "a"


def test_an_unknown_order_is_refused(five: Shelf):
    query = {"collection_ids": five.collection["id"], "sort_by": "extra_values"}
    refusal = (400, "Invalid sorting column: extra_values")
    assert five.api.refused("GET", f"{five.orbit}/artifacts", params=query) == refusal
    assert "".join(five.names(sort_by="status", order="desc")) == "bDaec"
    assert list(all_pages(five.api, f"{five.orbit}/artifacts", limit=2, sort_by="zoo")) == list("ceaDb")


def test_a_search_looks_at_names_whatever_their_case(five: Shelf):
    assert five.names(search="d") == ["D"]
    assert five.names(search="zoo") == []
    for name in ('say "cheese"', "Grüße \\ both", "a_b%c"):
        five.announce(name=name)
    assert five.names(search='y "CHE') == ['say "cheese"']
    assert five.names(search="grüße \\") == ["Grüße \\ both"]
    assert five.names(search="_b%") == ["a_b%c"]
    assert five.names(search="sü") == []


def test_types_and_tags_narrow_a_list(five: Shelf):
    assert five.names(types="dataset") == ["e", "D"]
    assert five.names(types=["dataset", "experiment", "model"]) == list("ceaDb")
    assert five.names(tags=["t0", "a"]) == ["a"]


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 101}, {"limit": "x"}, {"order": "up"}, {"types": "zoo"}])
def test_a_query_that_cannot_be_is_named(shelf: Shelf, query: dict[str, Any]):
    status, detail = shelf.api.refused("GET", f"{shelf.orbit}/artifacts", params=query)
    assert status == 422
    assert detail[0]["loc"][:2] == ["query", *query]


def test_a_cursor_that_fits_nothing_starts_again(five: Shelf):
    path = f"{five.orbit}/artifacts"
    page = five.api.get(path, limit=2, collection_ids=five.collection["id"])
    for query in ({"order": "asc"}, {"search": "e"}, {"sort_by": "name"}):
        names = five.names(**query)
        assert five.names(limit=100, cursor=page["cursor"], **query) == names
    assert five.names(cursor="nonsense") == five.names()


def test_a_list_without_prefix_and_limit_is_an_array_oldest_first(web: requests.Session, url: str, ada: Person):
    shelf = a_shelf(Api(web, url, ada.token, ""), ada)
    for name in "abc":
        shelf.announce(name=name)
    assert [artifact["name"] for artifact in shelf.api.get(shelf.artifacts)] == list("abc")
    assert [artifact["name"] for artifact in shelf.api.get(shelf.artifacts, limit=2)["items"]] == list("cb")
    assert [found["name"] for found in shelf.api.get(f"{shelf.orbit}/collections")] == ["models"]
    assert shelf.api.get(f"{shelf.orbit}/collections", limit=1, order="desc")["cursor"] is None


# -- several collections -----------------------------------------------------------------------------------------------


def test_several_collections_are_listed_as_one(shelf: Shelf):
    other = shelf.seen_by(shelf.api)
    made = shelf.api.post(f"{shelf.orbit}/collections", name="other", description="", type="mixed")
    other = Shelf(shelf.api, shelf.organization, shelf.orbit_id, made)
    for number in range(3):
        (shelf if number % 2 else other).announce(name=str(number))
    path = f"{shelf.orbit}/artifacts"
    assert all_pages(shelf.api, path, limit=2) == ["2", "1", "0"]
    both = [shelf.collection["id"], made["id"]]
    assert all_pages(shelf.api, path, limit=2, collection_ids=both, order="asc") == ["0", "1", "2"]
    unknown = shelf.orbit_id[:-4] + "ffff"
    words = f"You don't have access to the following collections: {unknown}"
    for ids in ([unknown], [unknown, made["id"]]):
        assert shelf.api.refused("GET", path, params={"collection_ids": ids}) == (404, words)


# -- collections -------------------------------------------------------------------------------------------------------


@pytest.fixture
def orbit(shelf: Shelf) -> str:
    """The path of an orbit with four collections, `models` among them."""
    for name, kind, tags in (("Beta", "dataset", ["red"]), ("alpha", "model", ["RED", "blue"]), ("gamma", "mixed", [])):
        body = {"name": name, "description": name[::-1], "type": kind, "tags": tags}
        made = shelf.api.post(f"{shelf.orbit}/collections", **body)
        for _ in range(len(tags)):
            Shelf(shelf.api, shelf.organization, shelf.orbit_id, made).announce(type=kind, file_index={})
    return shelf.orbit


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"order": "asc"}, ["models", "Beta", "alpha", "gamma"]),
        ({"sort_by": "name", "order": "asc"}, ["Beta", "alpha", "gamma", "models"]),
        ({"sort_by": "total_artifacts", "order": "desc"}, ["alpha", "Beta", "models", "gamma"]),
        ({"sort_by": "description", "order": "desc"}, ["Beta", "gamma", "alpha", "models"]),
        ({"search": "ET"}, ["Beta"]),
        ({"search": "re", "order": "asc"}, ["Beta", "alpha"]),
        ({"types": ["mixed", "dataset"], "order": "asc"}, ["models", "Beta", "gamma"]),
        ({"tags": ["RED"]}, ["alpha"]),
    ],
)
def test_collections_are_searched_and_sorted(api: Api, orbit: str, query: dict[str, Any], names: list[str]):
    assert [found["name"] for found in api.get(f"{orbit}/collections", **query)["items"]] == names
    assert all_pages(api, f"{orbit}/collections", limit=2, **query) == names


def test_tags_and_metrics_are_gathered(api: Api, orbit: str, shelf: Shelf):
    assert api.get(f"{orbit}/collections/tags") == ["RED", "blue", "red"]
    assert api.get(orbit)["collections_tags"] == ["RED", "blue", "red"]
    shelf.announce(tags=["b", "a"], extra_values={"f1": 1, "auc": 0.5})
    details = api.get(shelf.path)
    assert (details["artifacts_tags"], details["artifacts_extra_values"]) == (["a", "b"], ["auc", "f1"])


def test_totals_are_counted(api: Api, ada: Person, orbit: str, shelf: Shelf):
    assert put(shelf.announce(b"x")["upload_details"]["url"], b"x").ok
    described = api.get(orbit)
    assert (described["total_collections"], described["total_artifacts"]) == (4, 4)
    listed = api.get(f"/organizations/{organization_of(api, ada)}/orbits")
    assert [(each["total_collections"], each["total_artifacts"]) for each in listed] == [(4, 4)]
    assert api.get(shelf.path)["total_artifacts"] == 1


def test_a_collection_changes_and_goes(shelf: Shelf):
    changed = shelf.api.patch(shelf.path, description="only this", tags=["x"])
    same = {"description": "only this", "tags": ["x"], "updated_at": changed["updated_at"]}
    assert changed == {**shelf.collection, **same}
    artifact = shelf.announce()
    words = "Collection has artifacts and cant be deleted"
    assert shelf.api.refused("DELETE", shelf.path) == (409, words)
    shelf.api.delete(shelf.at(artifact))
    shelf.api.delete(shelf.path)
    assert shelf.api.refused("GET", shelf.path) == (404, "Collection not found")


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x" * 101},
        {"description": "x" * 1001},
        {"tags": ["x" * 65]},
        {"tags": ["x"] * 51},
        {"type": "zoo"},
    ],
)
def test_a_collection_that_cannot_be_is_refused(shelf: Shelf, body: dict[str, Any]):
    known = {"name": "n", "description": "", "type": "model"}
    assert shelf.api.refused("POST", f"{shelf.orbit}/collections", json={**known, **body})[0] == 422
    known.pop("type")
    assert shelf.api.refused("POST", f"{shelf.orbit}/collections", json=known)[1][0]["loc"] == ["body", "type"]


def test_what_is_elsewhere_is_not_found_here(shelf: Shelf, api: Api, ada: Person):
    other = a_shelf(api, ada)
    artifact = shelf.announce()
    misplaced = f"{other.path}/artifacts/{artifact['artifact']['id']}"
    assert api.refused("GET", misplaced) == (404, "Artifact not found")
    collection = f"{other.orbit}/collections/{shelf.collection['id']}"
    assert api.refused("GET", collection) == (404, "Collection not found")
    assert api.refused("GET", f"{shelf.orbit}/collections/no-uuid")[0] == 422
    orbit = f"/organizations/{shelf.organization}/orbits/{shelf.collection['id']}"
    assert api.refused("GET", orbit) == (404, "Orbit not found")
    assert api.refused("GET", f"{orbit}/collections/{shelf.collection['id']}") == (404, "Orbit not found")
