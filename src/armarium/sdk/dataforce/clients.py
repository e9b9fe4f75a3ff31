"""`DataForceClient` and `AsyncDataForceClient`: where a program that uses the dataforce door begins."""

import os
from functools import cached_property

from armarium.sdk.dataforce.api import Api
from armarium.sdk.dataforce.artifacts import ArtifactResource, AsyncArtifactResource
from armarium.sdk.dataforce.blocking import (
    BucketSecretResource,
    CollectionResource,
    OrbitResource,
    OrganizationResource,
)
from armarium.sdk.dataforce.configuration import Configuration, Setup
from armarium.sdk.dataforce.errors import DataForceAPIError
from armarium.sdk.dataforce.resources import (
    AsyncBucketSecretResource,
    AsyncCollectionResource,
    AsyncOrbitResource,
    AsyncOrganizationResource,
)
from armarium.sdk.loop import run

DEFAULT_BASE_URL = "http://127.0.0.1:8100"


class DataForceClientBase:
    """What both clients have: a server, a key, and the defaults.

    base_url: of the server; None takes DFS_BASE_URL, and then a server on this machine.
    api_key: an armarium token; None takes DFS_API_KEY. Raises DataForceAPIError if there is neither.
    """

    def __init__(self, base_url: str | None = None, api_key: str | None = None) -> None:
        key = api_key or os.environ.get("DFS_API_KEY")
        if not key:
            raise DataForceAPIError("An API key is needed: pass api_key, or set DFS_API_KEY.")
        self._configuration = Configuration(Api(base_url or os.environ.get("DFS_BASE_URL") or DEFAULT_BASE_URL, key))

    @property
    def base_url(self) -> str:
        """Address of the server."""
        return self._configuration.api.base_url

    @property
    def organization(self) -> str | None:
        """Id of the default organization; assigning does not ask the server, nor change the levels below."""
        return self._configuration.organization

    @organization.setter
    def organization(self, id: str | None) -> None:
        self._configuration.assign("organization", id)

    @property
    def orbit(self) -> str | None:
        """Id of the default orbit."""
        return self._configuration.orbit

    @orbit.setter
    def orbit(self, id: str | None) -> None:
        self._configuration.assign("orbit", id)

    @property
    def collection(self) -> str | None:
        """Id of the default collection."""
        return self._configuration.collection

    @collection.setter
    def collection(self, id: str | None) -> None:
        self._configuration.assign("collection", id)


class DataForceClient(DataForceClientBase):
    """Organizations, orbits, collections and artifacts of a server, as blocking calls.

    organization, orbit, collection: the defaults, by id or exact name. One that is not given is the only one there
    is, if there is only one. They are checked at once: raises AuthenticationError for a bad key,
    ResourceNotFoundError (of its kind) for a default that does not exist, ConfigurationError for one whose
    organization or orbit is unknown.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        organization: str | None = None,
        orbit: str | None = None,
        collection: str | None = None,
    ) -> None:
        super().__init__(base_url, api_key)
        self.setup_config(organization, orbit, collection)

    def setup_config(
        self, organization: str | None = None, orbit: str | None = None, collection: str | None = None
    ) -> None:
        """Choose the defaults anew, as the constructor does."""
        run(self._configuration.choose(organization, orbit, collection))

    @cached_property
    def organizations(self) -> OrganizationResource:
        """The organizations that the key opens."""
        return OrganizationResource(self._configuration)

    @cached_property
    def orbits(self) -> OrbitResource:
        """The orbits of the default organization."""
        return OrbitResource(self._configuration)

    @cached_property
    def collections(self) -> CollectionResource:
        """The collections of the default orbit."""
        return CollectionResource(self._configuration)

    @cached_property
    def bucket_secrets(self) -> BucketSecretResource:
        """Where orbits of the default organization keep their bytes."""
        return BucketSecretResource(self._configuration)

    @cached_property
    def artifacts(self) -> ArtifactResource:
        """The artifacts of the default collection, or of one that is named."""
        return ArtifactResource(self._configuration)

    @property
    def model_artifacts(self) -> ArtifactResource:
        """The artifacts, under their earlier name."""
        return self.artifacts


class AsyncDataForceClient(DataForceClientBase):
    """The same as coroutines. Making one asks nothing; `setup_config` chooses the defaults."""

    def setup_config(
        self, organization: str | None = None, orbit: str | None = None, collection: str | None = None
    ) -> Setup:
        """Choose the defaults, by id or exact name.

        Awaited, they are checked, and raise what the constructor of `DataForceClient` raises. Not awaited, ids
        count at once and the server judges them when they are used; names are looked up when they are needed.
        """
        return self._configuration.begin(organization, orbit, collection)

    @cached_property
    def organizations(self) -> AsyncOrganizationResource:
        """The organizations that the key opens."""
        return AsyncOrganizationResource(self._configuration)

    @cached_property
    def orbits(self) -> AsyncOrbitResource:
        """The orbits of the default organization."""
        return AsyncOrbitResource(self._configuration)

    @cached_property
    def collections(self) -> AsyncCollectionResource:
        """The collections of the default orbit."""
        return AsyncCollectionResource(self._configuration)

    @cached_property
    def bucket_secrets(self) -> AsyncBucketSecretResource:
        """Where orbits of the default organization keep their bytes."""
        return AsyncBucketSecretResource(self._configuration)

    @cached_property
    def artifacts(self) -> AsyncArtifactResource:
        """The artifacts of the default collection, or of one that is named."""
        return AsyncArtifactResource(self._configuration)

    @property
    def model_artifacts(self) -> AsyncArtifactResource:
        """The artifacts, under their earlier name."""
        return self.artifacts
