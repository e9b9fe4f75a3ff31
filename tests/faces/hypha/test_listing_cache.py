"""Listings that may be repeated: fresh by default, per caller and question where an operator allows a delay."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypha_rpc import connect_to_server

from armarium.domain.principal import Principal
from armarium.faces.hypha.listing_cache import MAX_ANSWER_BYTES, MAX_BYTES, ListingCache, key_of
from armarium.testing.server import RunningServer
from tests.faces.people import JWT_SECRET, Person, a_person


class Hand:
    """A clock that is moved by hand."""

    time = 1000.0

    def now(self) -> float:
        return self.time

    def new_id(self) -> str:
        raise NotImplementedError


ADA, BOB = Principal(id="ada"), Principal(id="bob")


def test_an_answer_lives_as_long_as_it_may():
    clock = Hand()
    cache = ListingCache(clock, 60)
    cache.keep(b"key", b"answer")
    assert (cache.find(b"key"), cache.find(b"other")) == (b"answer", None)
    clock.time += 60
    assert cache.find(b"key") is None


def test_with_no_life_nothing_is_kept():
    cache = ListingCache(Hand(), 0)
    cache.keep(b"key", b"answer")
    assert cache.find(b"key") is None


def test_what_is_kept_is_bounded():
    cache = ListingCache(Hand(), 60)
    cache.keep(b"large", b"x" * (MAX_ANSWER_BYTES + 1))
    assert cache.find(b"large") is None
    fitting = MAX_BYTES // MAX_ANSWER_BYTES
    for number in range(fitting + 2):
        cache.keep(b"%d" % number, b"x" * MAX_ANSWER_BYTES)
    assert cache.find(b"0") is None
    assert cache.find(b"%d" % (fitting + 1)) is not None


def test_who_asks_and_what_is_asked_is_the_key():
    keys = {
        key_of(ADA, "/a", {}),
        key_of(BOB, "/a", {}),
        key_of(Principal(id="ada", email="a@b.c"), "/a", {}),
        key_of(Principal(id="ada", scopes=("get_file:x:*",)), "/a", {}),
        key_of(ADA, "/b", {}),
        key_of(ADA, "/a", {"silent": "1"}),
        key_of(ADA, "/a", {"pagination": "true"}),
    }
    assert len(keys) == 7
    assert key_of(ADA, "/a", {"x": "1", "y": "2", "no_cache": "1"}) == key_of(ADA, "/a", {"y": "2", "x": "1"})


@pytest.fixture(scope="module")
def slow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    settings = {"ARMARIUM_JWT_SECRET": JWT_SECRET, "ARMARIUM_HYPHA_LISTING_CACHE_SECONDS": "600"}
    with RunningServer(tmp_path_factory.mktemp("slow") / "data", settings=settings) as server:
        yield server


@pytest.fixture
async def slow_store(slow_server: RunningServer, ada: Person) -> Any:
    async with connect_to_server({"server_url": slow_server.url, "token": ada.token}) as client:
        yield await client.get_service("public/artifact-manager")


@pytest.fixture
async def gallery(slow_store: Any) -> Any:
    gallery = await slow_store.create(alias="gallery", type="collection", manifest={"name": "Gallery"})
    await slow_store.create(alias="one", parent_id=gallery.id, manifest={"name": "One"})
    return gallery


def aliases(server: RunningServer, artifact: Any, query: str, person: Person | None) -> list[str]:
    answer = requests.get(
        f"{server.url}/{artifact.workspace}/artifacts/{query}", headers=person.headers if person else {}, timeout=10
    )
    assert answer.status_code == 200, answer.text
    listed = answer.json()
    return [item["alias"] for item in (listed["items"] if isinstance(listed, dict) else listed)]


async def test_a_repeated_question_gets_the_same_answer_until_no_cache_refreshes_it(
    slow_server: RunningServer, slow_store: Any, gallery: Any, ada: Person
):
    def children(query: str = "") -> list[str]:
        return aliases(slow_server, gallery, f"gallery/children{query}", ada)

    assert children() == ["one"]
    await slow_store.create(alias="two", parent_id=gallery.id, manifest={"name": "Two"})
    assert children() == ["one"]
    assert children("?limit=50") == ["one", "two"]
    assert children("?no_cache=1") == ["one", "two"]
    assert children() == ["one", "two"]
    assert (await slow_store.read(gallery.id, silent=True)).view_count == 3


async def test_an_empty_answer_is_not_repeated(slow_server: RunningServer, slow_store: Any, gallery: Any, ada: Person):
    for page in ("", "&pagination=true"):
        query = f"gallery/children?keywords=late{page}"
        assert aliases(slow_server, gallery, query, ada) == []
    await slow_store.create(alias="late", parent_id=gallery.id, manifest={"name": "Late"})
    for page in ("", "&pagination=true"):
        assert aliases(slow_server, gallery, f"gallery/children?keywords=late{page}", ada) == ["late"]


async def test_nobody_gets_the_answer_of_another(slow_server: RunningServer, gallery: Any, ada: Person):
    assert aliases(slow_server, gallery, "", ada) == ["gallery"]
    assert aliases(slow_server, gallery, "-/search", ada) == ["gallery", "one"]
    for person in (None, a_person("bob")):
        assert aliases(slow_server, gallery, "", person) == []
        assert aliases(slow_server, gallery, "-/search", person) == []
    url = f"{slow_server.url}/{gallery.workspace}/artifacts/gallery/children"
    assert requests.get(url, headers=ada.headers, timeout=10).status_code == 200
    assert requests.get(url, timeout=10).status_code == 403
    assert requests.get(url, headers={"Authorization": "Bearer nonsense"}, timeout=10).status_code == 401
