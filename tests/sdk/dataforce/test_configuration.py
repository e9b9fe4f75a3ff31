"""Which organization, orbit and collection a client works in, and what it says when it does not know."""

from typing import Any

import pytest

from armarium import (
    APIConnectionError,
    AsyncDataForceClient,
    AuthenticationError,
    CollectionResourceNotFoundError,
    ConfigurationError,
    DataForceAPIError,
    DataForceClient,
    OrbitResourceNotFoundError,
    OrganizationResourceNotFoundError,
    ResourceNotFoundError,
)
from tests.sdk.dataforce.awaiting import done
from tests.sdk.dataforce.conftest import Place

UNKNOWN = "0199c455-21ec-7c74-8efe-41470e29bae5"


async def configured(
    kind: str, place: Place, key: str | None = None, **defaults: Any
) -> DataForceClient | AsyncDataForceClient:
    """A client of either kind whose defaults are chosen and checked."""
    if kind == "sync":
        return DataForceClient(place.url, key or place.key, **defaults)
    client = AsyncDataForceClient(place.url, key or place.key)
    await client.setup_config(**defaults)
    return client


both = pytest.mark.parametrize("kind", ["sync", "async"])


@both
async def test_a_default_may_be_an_id_or_a_name(kind: str, place: Place):
    (collection,) = [one for one in place.root.collections.list() if one.id == place.collection]
    by_name = await configured(kind, place, orbit="research", collection=collection.name)
    by_id = await configured(kind, place, **{level: value.upper() for level, value in place.ids.items()})
    for client in (by_name, by_id):
        assert {name: getattr(client, name) for name in place.ids} == place.ids


@both
async def test_the_only_one_there_is_becomes_the_default_and_of_several_none(kind: str, place: Place):
    place.root.collections.create("another", "another", "model")
    client = await configured(kind, place)
    assert (client.organization, client.orbit, client.collection) == (place.organization, place.orbit, None)


@both
@pytest.mark.parametrize("value", ["nowhere", UNKNOWN, "RESEARCH"])
@pytest.mark.parametrize(
    ("level", "error"),
    [
        ("organization", OrganizationResourceNotFoundError),
        ("orbit", OrbitResourceNotFoundError),
        ("collection", CollectionResourceNotFoundError),
    ],
)
async def test_an_unknown_default_says_what_there_is(
    kind: str, level: str, value: str, error: type[ResourceNotFoundError], place: Place
):
    with pytest.raises(error, match=rf"'{value}' was not found\. There are: ") as missing:
        await configured(kind, place, **{level: value})
    assert level == "collection" or place.ids[level] in str(missing.value)  # of many only some are named
    assert not isinstance(missing.value, DataForceAPIError)


@both
async def test_a_bad_key_is_told_at_once(kind: str, place: Place):
    with pytest.raises(AuthenticationError, match="401") as refused:
        await configured(kind, place, "dfs_wrong")
    assert refused.value.status_code == 401
    assert refused.value.body == {"detail": "Not authenticated"}
    assert (refused.value.request.method, refused.value.response.status_code) == ("GET", 401)


@pytest.mark.parametrize("kind", [DataForceClient, AsyncDataForceClient])
def test_without_a_key_there_is_no_client(kind: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("DFS_API_KEY", raising=False)
    with pytest.raises(DataForceAPIError, match="DFS_API_KEY"):
        kind("http://127.0.0.1:1")


def test_address_and_key_may_come_from_the_environment(place: Place, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DFS_BASE_URL", place.url + "/")
    monkeypatch.setenv("DFS_API_KEY", place.key)
    client = DataForceClient()
    assert (client.base_url, client.organization) == (place.url, place.organization)


def test_a_server_that_is_not_there_is_a_connection_error(place: Place, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("armarium.sdk.transport.random.uniform", lambda *_: 0.001)
    with pytest.raises(APIConnectionError, match="No complete answer from"):
        DataForceClient("http://127.0.0.1:1", place.key)


def test_the_async_client_asks_nothing_before_it_must():
    client = AsyncDataForceClient("http://127.0.0.1:1", "dfs_any")
    client.setup_config(UNKNOWN, UNKNOWN, UNKNOWN)
    assert (client.organization, client.orbit, client.collection) == (UNKNOWN, UNKNOWN, UNKNOWN)


async def test_names_given_to_a_set_up_nobody_awaits_are_found_when_they_are_needed(place: Place):
    (collection,) = [one for one in place.root.collections.list() if one.id == place.collection]
    client = AsyncDataForceClient(place.url, place.key)
    client.setup_config(orbit="research", collection=collection.name)
    assert await client.artifacts.list() == []
    assert client.collection == place.collection


def test_defaults_may_be_assigned_and_the_levels_below_stay(place: Place):
    client = place.sync()
    client.orbit = UNKNOWN
    assert (client.orbit, client.collection) == (UNKNOWN, place.collection)


def test_artifacts_have_their_earlier_name_too(client: Any):
    assert client.model_artifacts is client.artifacts


METHODS = {
    "get": ("x",),
    "list": (),
    "download_url": (UNKNOWN,),
    "delete_url": (UNKNOWN,),
    "upload": ("nothing.fnnx", "x"),
    "download": (UNKNOWN,),
    "update": (UNKNOWN,),
    "delete": (UNKNOWN,),
}


@pytest.mark.parametrize("method", sorted(METHODS))
@pytest.mark.parametrize("level", ["organization", "orbit", "collection"])
async def test_a_missing_default_says_how_to_give_it_and_what_there_is(
    level: str, method: str, client: Any, place: Place
):
    setattr(client, level, None)
    with pytest.raises(ConfigurationError, match=f'client.{level} = "') as missing:
        await done(getattr(client.artifacts, method)(*METHODS[method]))
    assert level == "collection" or place.ids[level] in str(missing.value)


@pytest.mark.parametrize("level", ["organization", "orbit"])
async def test_a_collection_does_not_stand_in_for_its_orbit(level: str, client: Any, place: Place):
    setattr(client, level, None)
    with pytest.raises(ConfigurationError):
        await done(client.artifacts.list(collection_id=place.collection))


async def test_a_collection_of_the_call_goes_before_the_default(client: Any, place: Place):
    client.collection = UNKNOWN
    assert await done(client.artifacts.list(collection_id=place.collection)) == []


async def test_a_collection_may_be_given_by_position_where_it_comes_first(client: Any, place: Place):
    client.collection = None
    created = await done(client.artifacts.create(place.collection, "m.fnnx", {}, {}, "", {}, 1))
    assert created["model"].collection_id == place.collection
