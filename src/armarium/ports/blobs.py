"""Bytes: what the core needs from a store, and the abilities a store may add.

Every store has `Blobs`. `UploadsParts` and `SignsUrls` are separate protocols, asked for with
`isinstance`, so that no store carries stubs that raise. Keys come from
`domain/storage_keys.py`; blobs are immutable once put.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

import msgspec

from armarium.domain.file import ByteRange


class BlobStat(msgspec.Struct, frozen=True, kw_only=True):
    """What a store knows of one object. modified_at: seconds since the epoch, UTC.

    sha256 (hex), crc32: only where the bytes have just passed through the store's hands.
    """

    key: str
    size_bytes: int
    modified_at: float
    sha256: str | None = None
    crc32: int | None = None


@runtime_checkable
class FillsMemory(Protocol):
    """Chunks on their way in that can also be received straight into a store's memory, which saves copying them."""

    async def fill(self, memory: memoryview) -> int:
        """Fill memory with what comes next and return the number of bytes: less than it holds only at the end."""
        ...


class Blobs(Protocol):
    """Immutable bytes by key."""

    async def put(
        self,
        key: str,
        chunks: AsyncIterator[bytes],
        *,
        size_bytes: int | None = None,
        sha256: str | None = None,
        limit_bytes: int | None = None,
    ) -> BlobStat:
        """Write all chunks under a key that does not exist yet, durably, then make it visible at once.

        chunks: may be `FillsMemory` as well.
        size_bytes, sha256 (hex): when given, what must have arrived; else Invalid and nothing is left.
        limit_bytes: more than this is TooLarge and nothing is left.
        Returns the stat with `sha256` and, where it costs little, `crc32` of what was written.
        Raises AlreadyExists if the key is taken. A reader never sees a key with half its bytes.
        """
        ...

    def open(self, key: str, span: ByteRange | None = None) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of a key, or of a span of it, in chunks of at most a few MiB.

        A reader who stops early closes it (`contextlib.aclosing`), which lets go of what it holds.
        Raises NotFound on the first step if the key is not there, Unavailable rather than end too early.
        """
        ...

    async def read(self, key: str, span: ByteRange | None = None) -> bytes:
        """Return the bytes of a key, or of a span of it, at once: for what is small. Raises as `open` does."""
        ...

    async def read_many(self, wanted: Sequence[tuple[str, int]]) -> list[bytes]:
        """Return small blobs, each given as (key, size in bytes), in this order.

        A store that is far away fetches them side by side. Raises as `open` does.
        """
        ...

    async def stat(self, key: str) -> BlobStat | None:
        """Return size and time of a key, None if it is not there. `sha256` may be None."""
        ...

    def list(self, prefix: str, *, older_than: datetime) -> AsyncGenerator[BlobStat, None]:
        """Yield every object under a prefix that was last modified before a moment, in no order.

        prefix: a folder of keys with its slash, such as `blobs/` or `parts/<upload>/`.
        """
        ...

    async def delete(self, key: str) -> None:
        """Remove a key; a key that is not there is fine."""
        ...

    async def close(self) -> None:
        """Let go of connections; nothing is asked for afterwards."""
        ...


class PartStat(msgspec.Struct, frozen=True):
    """One received part of a multipart upload; `etag` is opaque, without quotes.

    modified_at: seconds since the epoch, only where a part has come from a client without the server's help.
    """

    number: int
    etag: str
    size_bytes: int
    modified_at: float = 0.0


@runtime_checkable
class UploadsParts(Protocol):
    """A store that takes an upload in numbered parts, in any order, each replaceable until joined."""

    async def put_part(
        self, upload_id: str, number: int, chunks: AsyncIterator[bytes], *, limit_bytes: int | None = None
    ) -> PartStat:
        """Store one part, in place of an earlier one of that number. Raises TooLarge."""
        ...

    async def list_parts(self, upload_id: str) -> list[PartStat]:
        """Return the parts received so far, by number."""
        ...

    async def join_parts(self, upload_id: str, parts: list[PartStat], key: str) -> BlobStat:
        """Make the parts one blob under a fresh key, in the order given, then forget them.

        Raises Invalid when a part is missing or its etag differs; then the parts stay.
        """
        ...

    async def drop_parts(self, upload_id: str) -> None:
        """Forget what has arrived; nothing having arrived is fine."""
        ...


@runtime_checkable
class SignsUrls(Protocol):
    """A store that clients may talk to themselves (S3 and its like), by URLs it signs.

    An upload is begun under the key its blob will have. Nothing is seen there before the upload is finished, and with
    that its URLs are dead: whoever still holds one cannot change the blob.
    """

    async def sign_get(self, key: str, *, expires_in: timedelta, filename: str, content_type: str) -> str:
        """A URL that gives the blob, saved under a name and told as a type."""
        ...

    async def begin_upload(self, key: str) -> str:
        """Return the store's own name for the upload; it stays open until it is finished or dropped."""
        ...

    async def sign_part(self, key: str, upload: str, number: int, *, expires_in: timedelta) -> str:
        """A URL that takes one part by PUT; the last one sent to a number counts."""
        ...

    async def arrived_parts(self, key: str, upload: str) -> list[PartStat]:
        """Return the parts received so far, by number, with `modified_at`.

        Raises NotFound when the upload is not open any more.
        """
        ...

    async def finish_upload(self, key: str, upload: str, parts: list[PartStat]) -> BlobStat:
        """Make the parts, ascending by number, the blob of the key.

        Raises Invalid when a part is missing or its etag differs, AlreadyExists if the key is taken, NotFound when
        the upload is not open any more.
        """
        ...

    async def drop_upload(self, key: str, upload: str) -> None:
        """Forget an upload and what arrived of it; one that is not open is fine."""
        ...

    def open_uploads(self, *, older_than: datetime) -> AsyncGenerator[tuple[str, str], None]:
        """Yield key and name of each upload begun before a moment and neither finished nor dropped."""
        ...
