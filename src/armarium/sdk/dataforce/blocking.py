"""The resources as blocking calls; what each method does is said where it is written, in `resources`."""

import builtins
from collections.abc import Callable
from typing import Any, TypeVar

from armarium.sdk.dataforce.configuration import Configuration
from armarium.sdk.dataforce.resources import (
    AsyncBucketSecretResource,
    AsyncCollectionResource,
    AsyncOrbitResource,
    AsyncOrganizationResource,
)
from armarium.sdk.dataforce.values import BucketSecret, Collection, Orbit, Organization
from armarium.sdk.loop import run

C = TypeVar("C", bound=type)


def _documented_as(other: type[Any]) -> Callable[[C], C]:
    """Take over the docstrings of a class and of its methods."""

    def document(own: C) -> C:
        own.__doc__ = other.__doc__
        for name, method in vars(own).items():
            if callable(method) and not name.startswith("_"):
                method.__doc__ = getattr(other, name).__doc__
        return own

    return document


@_documented_as(AsyncOrganizationResource)
class OrganizationResource:
    def __init__(self, configuration: Configuration) -> None:
        self._operations = AsyncOrganizationResource(configuration)

    def list(self) -> builtins.list[Organization]:
        return run(self._operations.list())

    def get(self, organization_value: str | None = None) -> Organization | None:
        return run(self._operations.get(organization_value))


@_documented_as(AsyncOrbitResource)
class OrbitResource:
    def __init__(self, configuration: Configuration) -> None:
        self._operations = AsyncOrbitResource(configuration)

    def list(self) -> builtins.list[Orbit]:
        return run(self._operations.list())

    def get(self, orbit_value: str | None = None) -> Orbit | None:
        return run(self._operations.get(orbit_value))

    def create(self, name: str, bucket_secret_id: str) -> Orbit:
        return run(self._operations.create(name, bucket_secret_id))

    def update(self, name: str | None = None, bucket_secret_id: str | None = None) -> Orbit:
        return run(self._operations.update(name, bucket_secret_id))

    def delete(self, orbit_id: str) -> None:
        run(self._operations.delete(orbit_id))


@_documented_as(AsyncCollectionResource)
class CollectionResource:
    def __init__(self, configuration: Configuration) -> None:
        self._operations = AsyncCollectionResource(configuration)

    def list(self) -> builtins.list[Collection]:
        return run(self._operations.list())

    def get(self, collection_value: str | None = None) -> Collection | None:
        return run(self._operations.get(collection_value))

    def create(
        self, description: str, name: str, collection_type: str, tags: builtins.list[str] | None = None
    ) -> Collection:
        return run(self._operations.create(description, name, collection_type, tags))

    def update(
        self,
        value: str | None = None,
        /,
        description: str | None = None,
        tags: builtins.list[str] | None = None,
        *,
        name: str | None = None,
        collection_id: str | None = None,
    ) -> Collection:
        return run(self._operations.update(value, description, tags, name=name, collection_id=collection_id))

    def delete(self, collection_id: str | None = None) -> None:
        run(self._operations.delete(collection_id))


@_documented_as(AsyncBucketSecretResource)
class BucketSecretResource:
    def __init__(self, configuration: Configuration) -> None:
        self._operations = AsyncBucketSecretResource(configuration)

    def list(self) -> builtins.list[BucketSecret]:
        return run(self._operations.list())

    def get(self, secret_value: str) -> BucketSecret | None:
        return run(self._operations.get(secret_value))

    def create(
        self,
        endpoint: str,
        bucket_name: str,
        access_key: str | None = None,
        secret_key: str | None = None,
        session_token: str | None = None,
        secure: bool | None = None,
        region: str | None = None,
        cert_check: bool | None = None,
    ) -> BucketSecret:
        keys = (access_key, secret_key, session_token)
        return run(self._operations.create(endpoint, bucket_name, *keys, secure, region, cert_check))

    def update(
        self,
        secret_id: str,
        endpoint: str | None = None,
        bucket_name: str | None = None,
        access_key: str | None = None,
        secret_key: str | None = None,
        session_token: str | None = None,
        secure: bool | None = None,
        region: str | None = None,
        cert_check: bool | None = None,
    ) -> BucketSecret:
        keys = (access_key, secret_key, session_token)
        return run(self._operations.update(secret_id, endpoint, bucket_name, *keys, secure, region, cert_check))

    def delete(self, secret_id: str) -> None:
        run(self._operations.delete(secret_id))
