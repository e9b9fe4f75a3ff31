"""Buckets: stores elsewhere whose keys a workspace keeps here, sealed.

Bytes always go to armarium's own store, which every workspace sees as a bucket of its own that cannot be changed.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from armarium.core.links import Links
from armarium.core.permissions import require_role
from armarium.domain.account import Workspace
from armarium.domain.artifact import Artifact
from armarium.domain.bucket import Bucket
from armarium.domain.errors import AlreadyExists, Conflict, Invalid, NotFound
from armarium.domain.file import BlobId
from armarium.domain.identifiers import workspace_uuid
from armarium.domain.principal import Principal, Role
from armarium.ports.catalog import Catalog, Event, Transaction
from armarium.ports.cipher import Cipher
from armarium.ports.clock import Clock

OWN_NAME = "armarium"
PROBE_LIFE = timedelta(minutes=15)


class BucketChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to store of a bucket. settings: what may be shown; keys: what may not, None removes one."""

    endpoint: str | None = None
    name: str | None = None
    settings: Mapping[str, Any] = {}
    keys: Mapping[str, str | None] = {}


class Buckets:
    """Use cases around the buckets of a workspace, which are its admins' business."""

    def __init__(self, catalog: Catalog, clock: Clock, cipher: Cipher, links: Links) -> None:
        self._catalog = catalog
        self._clock = clock
        self._cipher = cipher
        self._links = links

    def own(self, workspace: Workspace) -> Bucket:
        """Armarium's own store as a bucket of a workspace."""
        scheme, _, host = self._links.base_url.partition("://")
        return Bucket(
            id=own_bucket_id(workspace.name),
            workspace=workspace.name,
            endpoint=host,
            name=OWN_NAME,
            settings={"type": "s3", "secure": scheme == "https", "region": "local", "cert_check": True},
            sealed=b"",
            created_at=workspace.created_at,
        )

    async def list(self, principal: Principal, workspace: Workspace) -> list[Bucket]:
        """The store itself, then the others, oldest first. Raises Forbidden."""
        _require_admin(principal, workspace)
        return [self.own(workspace), *await self._catalog.list_buckets(workspace.name)]

    async def find(self, principal: Principal, workspace: Workspace, bucket_id: str) -> Bucket:
        """Raises NotFound, Forbidden."""
        _require_admin(principal, workspace)
        own = self.own(workspace)
        found = own if bucket_id == own.id else await self._catalog.find_bucket(workspace.name, bucket_id)
        if found is None:
            raise NotFound("bucket", bucket_id)
        return found

    async def create(self, principal: Principal, workspace: Workspace, wanted: BucketChanges) -> Bucket:
        """Keep the keys of a bucket. Raises Forbidden, Invalid, AlreadyExists (its name and endpoint)."""
        _require_admin(principal, workspace)
        now = self._clock.now()
        blank = Bucket(
            id=self._clock.new_id(),
            workspace=workspace.name,
            endpoint="",
            name="",
            settings={},
            sealed=b"",
            created_at=now,
        )
        async with self._catalog.transaction() as tx:
            return await self._put(tx, principal, blank, self._changed(blank, wanted), "create_bucket")

    async def edit(self, principal: Principal, workspace: Workspace, bucket_id: str, wanted: BucketChanges) -> Bucket:
        """Change what is given and keep the rest. Raises NotFound, Forbidden, Invalid, AlreadyExists, Conflict."""
        _require_admin(principal, workspace)
        _refuse_own(workspace, bucket_id)
        async with self._catalog.transaction() as tx:
            bucket = await tx.find_bucket(workspace.name, bucket_id)
            if bucket is None:
                raise NotFound("bucket", bucket_id)
            changed = msgspec.structs.replace(self._changed(bucket, wanted), updated_at=self._clock.now())
            return await self._put(tx, principal, bucket, changed, "edit_bucket")

    async def delete(
        self, principal: Principal, workspace: Workspace, bucket_id: str, users: Sequence[Artifact]
    ) -> None:
        """Forget a bucket. users: what still names it. Raises NotFound, Forbidden, Conflict while it is in use."""
        _require_admin(principal, workspace)
        _refuse_own(workspace, bucket_id)
        async with self._catalog.transaction() as tx:
            bucket = await tx.find_bucket(workspace.name, bucket_id)
            if bucket is None:
                raise NotFound("bucket", bucket_id)
            if users:
                raise Conflict("The bucket is in use.")
            await tx.delete_bucket(bucket_id)
            await self._tell(tx, principal, bucket, "delete_bucket")

    def probe_urls(self) -> dict[str, str]:
        """URLs to write, read and remove one small object in the store, by method; leftovers are swept."""
        blob_id = BlobId(self._clock.new_id())
        return {
            method: self._links.probe(blob_id, method, expires_in=PROBE_LIFE) for method in ("PUT", "GET", "DELETE")
        }

    def _changed(self, bucket: Bucket, wanted: BucketChanges) -> Bucket:
        keys = {**self._opened(bucket), **wanted.keys}
        given = {name: key for name, key in keys.items() if key is not None}
        changed = msgspec.structs.replace(
            bucket,
            endpoint=wanted.endpoint if wanted.endpoint is not None else bucket.endpoint,
            name=wanted.name if wanted.name is not None else bucket.name,
            settings={**bucket.settings, **wanted.settings},
            sealed=self._cipher.seal(msgspec.json.encode(given).decode(), context=_context(bucket)),
        )
        if not changed.name or not changed.endpoint:
            raise Invalid("bucket_name", "A bucket needs a name and an endpoint.")
        return changed

    def _opened(self, bucket: Bucket) -> dict[str, str]:
        if not bucket.sealed:
            return {}
        return msgspec.json.decode(self._cipher.open(bucket.sealed, context=_context(bucket)), type=dict[str, str])

    async def _put(self, tx: Transaction, principal: Principal, before: Bucket, after: Bucket, action: str) -> Bucket:
        if not await tx.put_bucket(after):
            raise AlreadyExists("bucket", after.name)
        await self._tell(tx, principal, before, action)
        return after

    async def _tell(self, tx: Transaction, principal: Principal, bucket: Bucket, action: str) -> None:
        at, who = self._clock.now(), principal.effective_id
        await tx.add_event(Event(at=at, workspace=bucket.workspace, actor=who, action=action, detail=bucket.id))


def own_bucket_id(workspace: str) -> str:
    """The id of armarium's own store as a bucket of a workspace; it never changes."""
    return str(uuid.uuid5(uuid.UUID(workspace_uuid(workspace)), OWN_NAME))


def _refuse_own(workspace: Workspace, bucket_id: str) -> None:
    if bucket_id == own_bucket_id(workspace.name):
        raise Conflict("Armarium's own store can be neither changed nor removed.")


def _require_admin(principal: Principal, workspace: Workspace) -> None:
    require_role(principal, Role.ADMIN, workspace.name, workspace.membership, to="manage buckets")


def _context(bucket: Bucket) -> str:
    return f"bucket/{bucket.id}"
