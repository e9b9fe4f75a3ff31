"""Artifacts in the order of a question, through the unmodified Hypha client and over HTTP."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.faces.hypha.wire import refusal
from tests.faces.people import Person

SEMANTIC = {"semantic_search": {"embedding_model": "hashing:", "dimension": 256}}
BOOKS = {
    "tides": ("Tides and moons", "How the sea rises and falls"),
    "waves": ("Waves", "The sea in a storm"),
    "rocks": ("Rocks", "What mountains are made of"),
    "birds": ("Sea birds", "Gulls, terns and their nests"),
}


async def a_library(store: Any, alias: str = "library", **config: Any) -> Any:
    library = await store.create(
        alias=alias, type="collection", manifest={"name": "Library"}, config={**SEMANTIC, **config}
    )
    for name, (title, description) in BOOKS.items():
        manifest = {"name": title, "description": description, "shelf": len(name)}
        await store.create(alias=f"{alias}-{name}", parent_id=library.id, manifest=manifest)
    return library


async def found(store: Any, parent: str | None, query: str, **asked: Any) -> list[str]:
    ask = store.search if parent is None else store.list
    listed = await ask(**({} if parent is None else {"parent_id": parent}), query=query, **asked)
    return [item["alias"].rpartition("-")[2] for item in listed]


async def until(question: Callable[[], Any], answer: Callable[[Any], bool], seconds: float = 20) -> Any:
    """Ask again until the index has followed."""
    for _ in range(int(seconds / 0.1)):
        if answer(got := await question()):
            return got
        await asyncio.sleep(0.1)
    raise AssertionError(f"still {got}")


async def all_are_there(store: Any, parent: str, number: int) -> None:
    await until(lambda: found(store, parent, "sea"), lambda names: len(names) == number)


@pytest.fixture
async def library(store: Any) -> str:
    """Ada's library, indexed."""
    made = await a_library(store)
    await all_are_there(store, made.id, 4)
    return str(made.id)


async def test_what_says_more_of_the_question_comes_first(store, library):
    assert (await found(store, library, "the sea in a storm"))[0] == "waves"
    assert (await found(store, library, "nests of gulls"))[0] == "birds"
    listed = await store.list(library, query="sea birds", limit=2)
    assert listed[0]["alias"] == "library-birds"
    assert listed[0]["_score"] == pytest.approx(2 / 61)  # first by words and by meaning
    assert listed[0]["_score"] > listed[1]["_score"]
    assert "_score" not in (await store.list(library))[0]


async def test_keywords_and_filters_go_with_a_question(store, library):
    assert (await found(store, library, "sea", keywords=["MOUNTAIN"]))[0] == "rocks"
    assert await found(store, library, "sea", filters={"manifest": {"name": "Rocks"}}) == ["rocks"]
    assert await found(store, library, "sea", filters={"manifest": {"shelf": {"$gte": 6}}}) == []
    both = await found(store, library, "sea", keywords=["nests", "mountains"], mode="OR")
    assert set(both[:2]) == {"birds", "rocks"}


async def test_the_index_follows_what_changes(store, library):
    await store.edit("library-rocks", manifest={"name": "Volcanoes", "description": "Fire and ashes"})
    await until(lambda: found(store, library, "fire and ashes", limit=1), lambda names: names == ["rocks"])
    await store.edit("library-waves", version="new", manifest={"name": "Ashes of fire", "description": "fire, ashes"})
    await until(lambda: found(store, library, "ashes fire fire", limit=1), lambda names: names == ["waves"])
    await store.create(alias="library-late", parent_id=library, manifest={"name": "Comets and asteroids"})
    await until(lambda: found(store, library, "asteroids", limit=1), lambda names: names == ["late"])
    await store.delete("library-tides")
    assert "tides" not in await found(store, library, "tides")
    await store.set_parent("library-birds", None)
    assert "birds" not in await found(store, library, "birds")
    await store.set_parent("library-birds", library)
    await until(lambda: found(store, library, "sea birds", limit=1), lambda names: names == ["birds"])


async def test_drafts_are_not_in_it(store, library):
    await store.create(alias="library-draft", parent_id=library, manifest={"name": "Secret caves"}, stage=True)
    await store.edit("library-rocks", stage=True, manifest={"name": "Secret caves"})
    await store.create(alias="library-mark", parent_id=library, manifest={"name": "Marked"})
    await until(lambda: found(store, library, "marked", limit=1), lambda names: names == ["mark"])
    assert "draft" not in await found(store, library, "secret caves")
    assert (await store.list(library, query="rocks", limit=1))[0]["manifest"]["name"] == "Rocks"
    await store.commit("library-draft")
    await until(lambda: found(store, library, "secret caves", limit=1), lambda names: names == ["draft"])


async def test_it_is_switched_on_and_off_by_the_config(store):
    made = await a_library(store, "plain", semantic_search=None)
    with refusal("not searched by meaning"):
        await store.list(made.id, query="sea")
    await store.edit(made.id, config=SEMANTIC)
    await all_are_there(store, made.id, 4)
    narrow = {"semantic_search": {**SEMANTIC["semantic_search"], "dimension": 64, "fields": ["name"]}}
    await store.edit(made.id, config=narrow)
    await all_are_there(store, made.id, 4)
    assert (await found(store, made.id, "rocks"))[0] == "rocks"
    await store.edit(made.id, config={})
    with refusal("not searched by meaning"):
        await store.list(made.id, query="sea")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("hashing:", "must be an object"),
        ({}, "needs an 'embedding_model'"),
        ({"embedding_model": "hashing:", "dimension": 0}, "Invalid dimension"),
        ({"embedding_model": "hashing:", "fields": "name"}, "'fields'"),
        ({"embedding_model": "hashing:", "fields": []}, "'fields'"),
        ({"embedding_model": "hashing:", "k": 1}, "no setting 'k'"),
    ],
)
async def test_a_setting_that_means_nothing_is_refused(store, setting, words):
    with refusal(words):
        await store.create(type="collection", manifest={"name": "x"}, config={"semantic_search": setting})


@pytest.mark.parametrize(
    "asked",
    [
        {"query": ""}, {"query": "  "}, {"query": 7}, {"query": "x" * 9000}, {"order_by": "manifest.name"},
        {"stage": True}, {"filters": {"version": "stage"}}, {"facets": ["shelf"], "pagination": True},
        {"cursor": "made-up"}, {"keywords": ["x"] * 3 + [str(n) for n in range(20)]}, {"filters": {"parent_id": None}},
    ],
)  # fmt: skip
async def test_a_question_that_means_nothing_is_refused(store, library, asked):
    with refusal("query|cursor|keywords|parent"):
        await store.list(library, **{"query": "sea", **asked})
    if "query" not in asked and "cursor" not in asked:
        return
    with refusal("cursor|query"):
        await store.list(library, cursor="made-up")


@pytest.mark.parametrize("question", ["' OR 1=1 --", "\" OR '1'='1", "%", "*", "\\", "a\u0000b", "NEAR(sea)", "🌊"])
async def test_a_hostile_question_finds_no_more_than_there_is(store, library, question):
    assert set(await found(store, library, question)) <= set(BOOKS)
    assert set(await found(store, library, "sea", keywords=[question])) <= set(BOOKS)


async def test_a_cursor_pages_through_the_ranking_while_artifacts_arrive(store, library):
    seen: list[str] = []
    cursor = None
    for turn in range(4):
        page = await store.list(library, query="the sea", limit=1, pagination=True, cursor=cursor)
        assert page["total"] == 4
        seen += [item["alias"].rpartition("-")[2] for item in page["items"]]
        cursor = page["next"]
        await store.create(alias=f"library-late{turn}", parent_id=library, manifest={"name": "the sea the sea"})
        here = await store.list(library, query="the sea", limit=1)
        assert here
    assert cursor is None
    assert sorted(seen) == sorted(BOOKS)
    page = await store.list(library, query="the sea", limit=1, pagination=True)
    with refusal("another search"):
        await store.list(library, query="the land", limit=1, cursor=page["next"])


async def test_a_workspace_is_searched_as_far_as_the_caller_may_list(store, bobs_store, ada):
    private = await a_library(store, "private")
    shared = await a_library(store, "shared", permissions={"@": "r"})
    for made in (private, shared):
        await all_are_there(store, made.id, 4)
    ours = await store.search(query="sea birds", limit=2)
    assert {item["alias"] for item in ours} == {"private-birds", "shared-birds"}
    page = await store.search(query="sea", pagination=True, limit=3)
    assert page["total"] == 8
    rest = await store.search(query="sea", pagination=True, limit=9, cursor=page["next"])
    assert len({item["alias"] for item in page["items"] + rest["items"]}) == 8
    with refusal("permission"):
        await bobs_store.list(private.id, query="sea")
    assert len(await found(bobs_store, shared.id, "sea")) == 4


def over_http(web: requests.Session, url: str, person: Person | None, path: str, **query: Any) -> Any:
    answer = web.get(f"{url}/{path}", params=query, headers=person.headers if person else {}, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_http_ranks_the_same(store, library, web, url, ada, bob):
    workspace = library.partition("/")[0]
    children, search = f"{workspace}/artifacts/library/children", f"{workspace}/artifacts/-/search"
    by_client = [item["alias"] for item in await store.list(library, query="sea storm")]
    by_http = await asyncio.to_thread(over_http, web, url, ada, children, query="sea storm")
    assert [item["alias"] for item in by_http] == by_client
    page = await asyncio.to_thread(over_http, web, url, ada, search, query="sea storm", pagination="true", limit=3)
    assert (page["total"], len(page["items"])) == (4, 3)
    last = await asyncio.to_thread(
        over_http, web, url, ada, search, query="sea storm", pagination="true", limit=3, cursor=page["next"]
    )
    assert [item["alias"] for item in [*page["items"], *last["items"]]] == by_client
    assert await asyncio.to_thread(over_http, web, url, bob, search, query="sea storm") == []
    assert await asyncio.to_thread(over_http, web, url, None, search, query="sea storm") == []


async def test_private_children_are_found_by_their_addressee_alone(store, bobs_store, bob):
    rules = {**SEMANTIC, "private_children": True, "recipient_field": "to", "permissions": {"@": "lf+"}}
    inbox = await store.create(alias="inbox", type="collection", manifest={"name": "Inbox"}, config=rules)
    for alias, to in (("bob", bob.email), ("eve", "eve@example.org")):
        await store.create(alias=f"to-{alias}", parent_id=inbox.id, manifest={"name": f"Letter {alias}", "to": to})
    await all_are_there(store, inbox.id, 2)
    assert await found(bobs_store, inbox.id, "letter eve") == ["bob"]
    page = await bobs_store.list(inbox.id, query="letter", pagination=True)
    assert page["total"] == 1
    sneaky = {"manifest": {"to": "eve@example.org"}}
    assert await found(bobs_store, inbox.id, "letter", filters=sneaky) == ["bob"]
    workspace = inbox["workspace"]
    assert await found(bobs_store, None, "letter", filters={"workspace": workspace}) == []
