"""Organizations, orbits, collections and bucket secrets."""

import builtins

from armarium.sdk.dataforce.api import as_id, given, only, part
from armarium.sdk.dataforce.configuration import Configuration
from armarium.sdk.dataforce.errors import DataForceAPIError
from armarium.sdk.dataforce.values import BucketSecret, Collection, Orbit, Organization


class AsyncOrganizationResource:
    """Groups of people; an organization is made on the server, not here."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    async def list(self) -> builtins.list[Organization]:
        """The organizations the key gives access to."""
        return await self._configuration.organizations()

    async def get(self, organization_value: str | None = None) -> Organization | None:
        """An organization by id or exact name, the default one without a value; None if there is none.

        Raises MultipleResourcesFoundError if several have that name.
        """
        value = organization_value or self._configuration.organization
        if value is None:
            return None
        uid = as_id(value)
        return only([one for one in await self.list() if value == one.name or uid == one.id], value)


class AsyncOrbitResource:
    """Workspaces of the default organization; every method needs one (ConfigurationError)."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    async def list(self) -> builtins.list[Orbit]:
        """The orbits of the default organization that the key gives access to."""
        await self._configuration.organization_path()
        return await self._configuration.orbits(self._configuration.organization or "")

    async def get(self, orbit_value: str | None = None) -> Orbit | None:
        """An orbit by id or exact name, the default one without a value; None if there is none.

        Raises NotFoundError for an unknown id, MultipleResourcesFoundError if several have that name.
        """
        value = orbit_value or self._configuration.orbit
        if value is None:
            return None
        if uid := as_id(value):
            return await self._configuration.api.get(await self._path(uid), Orbit)
        return only([one for one in await self.list() if one.name == value], value)

    async def create(self, name: str, bucket_secret_id: str) -> Orbit:
        """Make an orbit whose bytes are kept where a bucket secret says."""
        values = {"name": name, "bucket_secret_id": bucket_secret_id}
        return await self._configuration.api.send("POST", await self._path(), Orbit, values)

    async def update(self, name: str | None = None, bucket_secret_id: str | None = None) -> Orbit:
        """Change the default orbit."""
        path = await self._configuration.orbit_path()
        return await self._configuration.api.send(
            "PATCH", path, Orbit, given(name=name, bucket_secret_id=bucket_secret_id)
        )

    async def delete(self, orbit_id: str) -> None:
        """Remove an orbit with everything in it; the default one is refused (DataForceAPIError)."""
        if (as_id(orbit_id) or orbit_id) == self._configuration.orbit:
            raise DataForceAPIError("The default orbit is not deleted. Make another one the default first.")
        await self._configuration.api.delete(await self._path(orbit_id))

    async def _path(self, orbit_id: str | None = None) -> str:
        path = f"{await self._configuration.organization_path()}/orbits"
        return path if orbit_id is None else f"{path}/{part(orbit_id)}"


class AsyncCollectionResource:
    """Collections of the default orbit; every method needs one (ConfigurationError)."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    async def list(self) -> builtins.list[Collection]:
        """The collections of the default orbit, oldest first."""
        return await self._configuration.api.list(await self._path(), Collection)

    async def get(self, collection_value: str | None = None) -> Collection | None:
        """A collection by id or exact name, the default one without a value; None if there is none.

        Raises NotFoundError for an unknown id, MultipleResourcesFoundError if several have that name.
        """
        value = collection_value or self._configuration.collection
        if value is None:
            return None
        if uid := as_id(value):
            return await self._configuration.api.get(await self._path(uid), Collection)
        return only([one for one in await self.list() if one.name == value], value)

    async def create(
        self, description: str, name: str, collection_type: str, tags: builtins.list[str] | None = None
    ) -> Collection:
        """Make a collection. collection_type: model, dataset, experiment, a pair like model_dataset, or mixed."""
        values = {"description": description, "name": name, "type": collection_type, "tags": tags}
        return await self._configuration.api.send("POST", await self._path(), Collection, values)

    async def update(
        self,
        value: str | None = None,
        /,
        description: str | None = None,
        tags: builtins.list[str] | None = None,
        *,
        name: str | None = None,
        collection_id: str | None = None,
    ) -> Collection:
        """Change what is given and leave the rest.

        value: the collection's id, or its new name where it is no id and no `name` is given.
        collection_id: None is the default collection.
        """
        if value is not None and (name is not None or as_id(value)):
            collection_id = value
        elif value is not None:
            name = value
        path = await self._configuration.collection_path(collection_id)
        changes = given(name=name, description=description, tags=tags)
        return await self._configuration.api.send("PATCH", path, Collection, changes)

    async def delete(self, collection_id: str | None = None) -> None:
        """Remove an empty collection; one with artifacts is a ConflictError. collection_id: None is the default."""
        await self._configuration.api.delete(await self._configuration.collection_path(collection_id))

    async def _path(self, collection_id: str | None = None) -> str:
        path = f"{await self._configuration.orbit_path()}/collections"
        return path if collection_id is None else f"{path}/{part(collection_id)}"


class AsyncBucketSecretResource:
    """Where orbits keep their bytes; every method needs a default organization (ConfigurationError)."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    async def list(self) -> builtins.list[BucketSecret]:
        """The buckets the organization knows."""
        return await self._configuration.api.get(await self._path(), builtins.list[BucketSecret])

    async def get(self, secret_value: str) -> BucketSecret | None:
        """A bucket by id or exact bucket name; None if there is none.

        Raises NotFoundError for an unknown id, MultipleResourcesFoundError if several have that name.
        """
        if uid := as_id(secret_value):
            return await self._configuration.api.get(await self._path(uid), BucketSecret)
        return only([one for one in await self.list() if one.bucket_name == secret_value], secret_value)

    async def create(
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
        """Make a bucket known; its keys are stored encrypted and never shown again."""
        values = {
            "type": "s3",
            "endpoint": endpoint,
            "bucket_name": bucket_name,
            "access_key": access_key,
            "secret_key": secret_key,
            "session_token": session_token,
            "secure": secure,
            "region": region,
            "cert_check": cert_check,
        }
        return await self._configuration.api.send("POST", await self._path(), BucketSecret, values)

    async def update(
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
        """Change what is given and leave the rest."""
        changes = given(
            endpoint=endpoint,
            bucket_name=bucket_name,
            access_key=access_key,
            secret_key=secret_key,
            session_token=session_token,
            secure=secure,
            region=region,
            cert_check=cert_check,
        )
        return await self._configuration.api.send("PATCH", await self._path(secret_id), BucketSecret, changes)

    async def delete(self, secret_id: str) -> None:
        """Forget a bucket; one that an orbit uses is a ConflictError."""
        await self._configuration.api.delete(await self._path(secret_id))

    async def _path(self, secret_id: str | None = None) -> str:
        path = f"{await self._configuration.organization_path()}/bucket-secrets"
        return path if secret_id is None else f"{path}/{part(secret_id)}"
