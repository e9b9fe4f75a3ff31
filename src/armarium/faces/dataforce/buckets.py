"""Bucket secrets of an organization."""

from uuid import UUID

import msgspec

from armarium.core import Core
from armarium.core.buckets import BucketChanges
from armarium.domain.account import Workspace
from armarium.domain.artifact import Artifact
from armarium.domain.bucket import Bucket
from armarium.domain.errors import Conflict, Invalid, NotFound
from armarium.domain.principal import Principal, Role
from armarium.faces.dataforce import schemas as s
from armarium.faces.dataforce.mapping import Record, bucket_secret

_KEYS = ("access_key", "secret_key", "session_token")
_SHOWN = ("type", "secure", "region", "cert_check")
_DEFAULT_REGION = "us-east-1"
_SHORTEST_NAME = 3


class BucketSecrets:
    """Buckets a workspace has the keys of; bytes go to armarium's own store, which is the first of them."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def list_bucket_secrets(self, who: Principal, organization_id: UUID) -> list[s.BucketSecret]:
        """All bucket secrets, armarium's own store first."""
        workspace = await self._workspace(who, organization_id)
        buckets = await self._core.buckets.list(who, workspace)
        orbits = await self._orbits(who, workspace)
        return [bucket_secret(bucket, _users(orbits, bucket.id)) for bucket in buckets]

    async def find_bucket_secret(self, who: Principal, organization_id: UUID, secret_id: UUID) -> s.BucketSecret:
        """Describe a bucket secret."""
        workspace = await self._workspace(who, organization_id)
        return await self._described(who, workspace, await self._find(who, workspace, secret_id))

    async def create_bucket_secret(
        self, who: Principal, organization_id: UUID, body: s.NewBucketSecret
    ) -> s.BucketSecret:
        """Keep the keys of a bucket."""
        workspace = await self._workspace(who, organization_id)
        changes = _changes(body, type=body.type, region=body.region or _DEFAULT_REGION)
        return bucket_secret(await self._core.buckets.create(who, workspace, changes), [])

    async def update_bucket_secret(
        self, who: Principal, organization_id: UUID, secret_id: UUID, body: s.BucketSecretChanges
    ) -> s.BucketSecret:
        """Change what is given of a bucket secret and keep the rest."""
        workspace = await self._workspace(who, organization_id)
        await self._find(who, workspace, secret_id)
        bucket = await self._core.buckets.edit(who, workspace, str(secret_id), _changes(body))
        return await self._described(who, workspace, bucket)

    async def delete_bucket_secret(self, who: Principal, organization_id: UUID, secret_id: UUID) -> None:
        """Forget the keys of a bucket no orbit names."""
        workspace = await self._workspace(who, organization_id)
        bucket = await self._find(who, workspace, secret_id)
        users = _users(await self._orbits(who, workspace), bucket.id)
        try:
            await self._core.buckets.delete(who, workspace, bucket.id, users)
        except Conflict:
            raise Conflict("Cannot delete bucket secret that is currently used by orbits") from None

    async def get_test_urls(self, who: Principal, body: s.NewBucketSecret) -> s.TestUrls:
        """Return URLs to try the store with; it is armarium's own, whatever bucket is named."""
        if len(body.bucket_name) < _SHORTEST_NAME:
            raise Invalid("bucket_name", f"The bucket name must have at least {_SHORTEST_NAME} characters.")
        urls = self._core.buckets.probe_urls()
        return s.TestUrls(presigned_url=urls["PUT"], download_url=urls["GET"], delete_url=urls["DELETE"])

    async def _workspace(self, who: Principal, organization_id: UUID) -> Workspace:
        return await self._core.tree.workspace(who, str(organization_id), Role.ADMIN)

    async def _find(self, who: Principal, workspace: Workspace, secret_id: UUID) -> Bucket:
        try:
            return await self._core.buckets.find(who, workspace, str(secret_id))
        except NotFound:
            raise NotFound("secret", str(secret_id), "Secret not found") from None

    async def _described(self, who: Principal, workspace: Workspace, bucket: Bucket) -> s.BucketSecret:
        return bucket_secret(bucket, _users(await self._orbits(who, workspace), bucket.id))

    async def _orbits(self, who: Principal, workspace: Workspace) -> list[Artifact]:
        return await self._core.collections.list_roots(who, workspace.name)


def _users(orbits: list[Artifact], bucket_id: str) -> list[Artifact]:
    return [orbit for orbit in orbits if Record(orbit).bucket_secret_id == bucket_id]


def _changes(body: s.BucketSecretChanges, **settings: object) -> BucketChanges:
    shown = {name: getattr(body, name, None) for name in _SHOWN} | settings
    keys = {name: getattr(body, name) for name in _KEYS}
    return BucketChanges(
        endpoint=_without_scheme(body.endpoint),
        name=body.bucket_name,
        settings=s.given(**shown),
        keys={name: key for name, key in keys.items() if key is not msgspec.UNSET},
    )


def _without_scheme(endpoint: str | None) -> str | None:
    return endpoint.removeprefix("https://").removeprefix("http://") if endpoint is not None else None
