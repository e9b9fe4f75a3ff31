"""Where the bytes of an artifact go: into the store of the server, or into a bucket its secrets name.

A bucket is recorded, sealed, when the first bytes go there, and the ids of its blobs begin with that record's. So a
blob is found wherever its file is copied to, also after the secrets have changed; the bytes are read with the key they
were written with.
"""

import msgspec

from armarium.core.publishing import secret_context
from armarium.domain.errors import NotFound, Unsupported
from armarium.domain.file import BlobId
from armarium.domain.identifiers import ArtifactId
from armarium.domain.own_store import KEYS, OwnStore, SealedStore, own_store
from armarium.domain.storage_keys import blob_in
from armarium.ports.catalog import Catalog
from armarium.ports.cipher import Cipher
from armarium.ports.clock import Clock


class OwnStores:
    """Use cases around the buckets of artifacts."""

    def __init__(
        self, catalog: Catalog, clock: Clock, cipher: Cipher, *, default_bucket: str | None, are_allowed: bool
    ) -> None:
        self._catalog = catalog
        self._clock = clock
        self._cipher = cipher
        self._default_bucket = default_bucket
        self._are_allowed = are_allowed

    async def new_blob(self, artifact_id: ArtifactId) -> BlobId:
        """An id for bytes of an artifact, which says where they go. Raises Invalid, Unsupported."""
        wanted = await self.wanted(artifact_id)
        blob_id = BlobId(self._clock.new_id())
        return blob_id if wanted is None else blob_in(await self._recorded(artifact_id, wanted), blob_id)

    async def wanted(self, artifact_id: ArtifactId) -> OwnStore | None:
        """The bucket that an artifact's secrets name, or its parent's; its own count more."""
        named = await self._catalog.secrets_named(artifact_id, KEYS)
        if not named:
            return None
        secrets = {key: self._cipher.open(sealed, context=_context(owner, key)) for owner, key, sealed in named}
        wanted = own_store(secrets, bucket=self._default_bucket)
        if wanted is not None and not self._are_allowed:
            raise Unsupported("This server keeps all files in its own store: remove the secret S3_ACCESS_KEY_ID.")
        return wanted

    async def _recorded(self, artifact_id: ArtifactId, wanted: OwnStore) -> str:
        for store in await self._catalog.stores_of(artifact_id):
            if self._opened(store) == wanted:
                return store.id
        store_id = self._clock.new_id()
        sealed = self._cipher.seal(msgspec.json.encode(wanted).decode(), context=_of(store_id))
        record = SealedStore(id=store_id, artifact_id=artifact_id, sealed=sealed, created_at=self._clock.now())
        async with self._catalog.transaction() as tx:
            await tx.insert_store(record)
        return store_id

    async def find(self, store_id: str) -> OwnStore:
        """What is needed to reach a recorded store. Raises NotFound, Unavailable."""
        store = await self._catalog.find_store(store_id)
        if store is None:
            raise NotFound("store", store_id, "The store of this file is not known any more.")
        return self._opened(store)

    def _opened(self, store: SealedStore) -> OwnStore:
        return msgspec.json.decode(self._cipher.open(store.sealed, context=_of(store.id)), type=OwnStore)


def _context(owner: str, key: str) -> str:
    return secret_context(ArtifactId(owner), key)


def _of(store_id: str) -> str:
    return f"store/{store_id}"
