import pytest

from armarium.adapters.blobs.memory import MemoryBlobs
from armarium.testing.contracts.blobs import BlobsContract, PartsContract


class TestMemoryBlobs(BlobsContract, PartsContract):
    @pytest.fixture
    def blobs(self):
        return MemoryBlobs()
