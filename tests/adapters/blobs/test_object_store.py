"""The contract over any store of obstore; in memory, which is one of them."""

import pytest
from obstore.store import MemoryStore

from armarium.adapters.blobs.object_store import ObjectBlobs
from armarium.testing.contracts.blobs import BlobsContract, PartsContract


class TestObjectBlobs(BlobsContract, PartsContract):
    @pytest.fixture
    def blobs(self):
        return ObjectBlobs(MemoryStore())
