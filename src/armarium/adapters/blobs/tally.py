"""What passes on its way into a store: counted against what was declared, hashed, summed up."""

import hashlib
import zlib
from collections.abc import AsyncIterator, Callable, Iterable

from armarium.domain.errors import Invalid, TooLarge


class Tally:
    """Size, SHA-256 and CRC-32 of the bytes so far."""

    def __init__(self, *, size_bytes: int | None = None, limit_bytes: int | None = None) -> None:
        """size_bytes: what is expected, if known; limit_bytes: what is allowed."""
        self.size_bytes = 0
        self.crc32 = 0
        self._expected_bytes = size_bytes
        self._limit_bytes = limit_bytes
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    async def admitted(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield chunks, not yet hashed; raises as `admit` does."""
        async for chunk in chunks:
            self.admit(len(chunk))
            yield chunk

    def admit(self, count: int) -> None:
        """Count bytes; raises TooLarge or Invalid as soon as there are too many."""
        self.size_bytes += count
        if self._limit_bytes is not None and self.size_bytes > self._limit_bytes:
            raise TooLarge(f"The upload is larger than the {self._limit_bytes} bytes allowed.")
        if self._expected_bytes is not None and self.size_bytes > self._expected_bytes:
            raise Invalid("size_bytes", f"Expected {self._expected_bytes} bytes, got at least {self.size_bytes}.")

    def hash(self, chunks: Iterable[bytes | memoryview]) -> None:
        for chunk in chunks:
            self._digest.update(chunk)

    def sum(self, chunks: Iterable[bytes | memoryview]) -> None:
        for chunk in chunks:
            self.crc32 = zlib.crc32(chunk, self.crc32)

    def check(self, *, sha256: str | None = None) -> None:
        """Raise Invalid if what arrived is not what was declared."""
        if self._expected_bytes is not None and self.size_bytes != self._expected_bytes:
            raise Invalid("size_bytes", f"Expected {self._expected_bytes} bytes, got {self.size_bytes}.")
        if sha256 is not None and sha256.lower() != self.sha256:
            raise Invalid("sha256", f"Expected SHA-256 {sha256.lower()}, got {self.sha256}.")


async def batches(
    chunks: AsyncIterator[bytes], batch_bytes: Callable[[], int]
) -> AsyncIterator[tuple[list[bytes], bool]]:
    """Gather chunks into full batches and a last one, which may be empty; the flag says which it is."""
    batch: list[bytes] = []
    gathered = 0
    async for chunk in chunks:
        batch.append(chunk)
        gathered += len(chunk)
        if gathered >= batch_bytes():
            yield batch, False
            batch, gathered = [], 0
    yield batch, True
