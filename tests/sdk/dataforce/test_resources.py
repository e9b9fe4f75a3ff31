"""Organizations, orbits, collections and bucket secrets."""

from typing import Any

import pytest

from armarium import (
    ConfigurationError,
    ConflictError,
    DataForceAPIError,
    DataForceClient,
    MultipleResourcesFoundError,
    NotFoundError,
)
from tests.sdk.dataforce.awaiting import done
from tests.sdk.dataforce.conftest import Place

UNKNOWN = "0199c455-21ed-7aba-9fe5-5231611220de"


async def test_organizations_are_found_by_id_by_name_and_as_default(client: Any, place: Place):
    (organization,) = await done(client.organizations.list())
    assert organization.id == place.organization
    for value in (organization.id, organization.name, None):
        assert await done(client.organizations.get(value)) == organization
    assert await done(client.organizations.get("nobody")) is None


async def test_an_orbit_lives_from_create_to_delete(client: Any, place: Place):
    bucket = (await done(client.bucket_secrets.list()))[0]
    orbit = await done(client.orbits.create("short-lived", bucket.id))
    try:
        assert (orbit.organization_id, orbit.bucket_secret_id) == (place.organization, bucket.id)
        assert (await done(client.orbits.get("short-lived"))).id == orbit.id
        assert (await done(client.orbits.get(orbit.id))).name == "short-lived"
        client.orbit = orbit.id
        assert (await done(client.orbits.update(name="renamed"))).name == "renamed"
        with pytest.raises(DataForceAPIError, match="default orbit"):
            await done(client.orbits.delete(orbit.id))
    finally:
        client.orbit = place.orbit
        await done(client.orbits.delete(orbit.id))
    assert {one.id for one in await done(client.orbits.list())} == {place.orbit}
    assert (await done(client.orbits.get())).id == place.orbit
    with pytest.raises(NotFoundError):
        await done(client.orbits.get(orbit.id))


async def test_a_collection_lives_from_create_to_delete(client: Any, place: Place):
    collection = await done(client.collections.create("about", "fruit", "model_dataset", ["a"]))
    assert (collection.description, collection.name, collection.tags) == ("about", "fruit", ["a"])
    assert collection.type == collection.collection_type == "model_dataset"
    changed = await done(client.collections.update(tags=["b"], collection_id=collection.id))
    assert (changed.name, changed.description, changed.tags) == ("fruit", "about", ["b"])
    assert (await done(client.collections.update(collection.id, description="new"))).description == "new"
    assert (await done(client.collections.update(collection.id, name="fruit"))).id == collection.id
    assert (await done(client.collections.get(collection.id))).tags == ["b"]
    assert (await done(client.collections.get("fruit"))).id == collection.id
    assert collection.id in {one.id for one in await done(client.collections.list())}
    await done(client.collections.delete(collection.id))
    assert await done(client.collections.get("fruit")) is None


async def test_the_default_collection_is_meant_when_none_is_named(client: Any, place: Place):
    assert (await done(client.collections.get())).id == place.collection
    assert (await done(client.collections.update("renamed"))).id == place.collection
    await done(client.collections.delete())
    with pytest.raises(NotFoundError):
        await done(client.collections.get(place.collection))


async def test_a_collection_with_artifacts_is_not_deleted(client: Any):
    await done(client.artifacts.create(None, "m.fnnx", {}, {}, "", {}, 1))
    with pytest.raises(ConflictError, match="has artifacts"):
        await done(client.collections.delete())


async def test_a_name_of_several_collections_is_refused(client: Any):
    for _ in range(2):
        await done(client.collections.create("", "twins", "mixed"))
    with pytest.raises(MultipleResourcesFoundError):
        await done(client.collections.get("twins"))
    for one in await done(client.collections.list()):
        if one.name == "twins":
            await done(client.collections.delete(one.id))


async def test_a_bucket_secret_is_kept_and_never_shown(client: Any):
    made = await done(
        client.bucket_secrets.create("https://store.example", "models", "AKIA", "the-secret", region="eu-1")
    )
    try:
        assert (made.endpoint, made.bucket_name, made.type, made.region) == ("store.example", "models", "s3", "eu-1")
        shown = [made, await done(client.bucket_secrets.get(made.id)), await done(client.bucket_secrets.get("models"))]
        assert {one.id for one in shown} == {made.id}
        assert "the-secret" not in str(shown)
        changed = await done(client.bucket_secrets.update(made.id, region="eu-2"))
        assert (changed.bucket_name, changed.region) == ("models", "eu-2")
    finally:
        await done(client.bucket_secrets.delete(made.id))
    with pytest.raises(NotFoundError):
        await done(client.bucket_secrets.get(made.id))


@pytest.mark.parametrize("call", ["orbits.list", "bucket_secrets.list", "collections.list"])
async def test_without_an_organization_nothing_below_it_can_be_asked(call: str, client: Any):
    client.organization = None
    resource, method = call.split(".")
    with pytest.raises(ConfigurationError, match="organization"):
        await done(getattr(getattr(client, resource), method)())


def test_every_method_of_the_blocking_resources_says_what_it_does(place: Place):
    client: DataForceClient = place.sync()
    for resource in (client.organizations, client.orbits, client.collections, client.bucket_secrets):
        methods = [name for name, value in vars(type(resource)).items() if callable(value) and not name.startswith("_")]
        assert all(getattr(resource, name).__doc__ for name in methods)
