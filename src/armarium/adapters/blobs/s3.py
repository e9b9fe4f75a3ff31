"""Blobs in an S3 store: what obstore does, and what only the store itself can do well.

Long objects are multipart uploads of the store, so that nothing is seen before the last byte, and parts that came
through the server are put together inside the store. `PublicS3Blobs` also lets clients talk to the store themselves.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec

from armarium.adapters.blobs.object_store import AT_ONCE, ObjectBlobs, absorb, whole_group
from armarium.adapters.blobs.s3_bucket import S3Bucket
from armarium.adapters.blobs.s3_multipart import S3Multipart
from armarium.adapters.blobs.s3_requests import S3Requests
from armarium.adapters.blobs.sigv4 import AccessKey, UrlSigner
from armarium.adapters.blobs.tally import Tally, batches
from armarium.domain.errors import AlreadyExists, Invalid
from armarium.domain.file import ByteRange
from armarium.domain.media import content_disposition, content_type_header
from armarium.ports.blobs import BlobStat, PartStat

if TYPE_CHECKING:
    from obstore.store import S3Credential, S3Store

MiB = 1 << 20
LEAST_PART_BYTES = 5 * MiB
COPIED_BYTES = 512 * MiB
HASHED_BYTES = 8 * MiB
_PARTS_UNDER_WAY = 3
_PARTS_OF_ONE_SIZE = 1000


class S3Blobs(ObjectBlobs):
    """Implements `Blobs` and `UploadsParts` over a bucket."""

    def __init__(self, bucket: S3Bucket) -> None:
        super().__init__(_opened(bucket))
        self._requests = S3Requests(bucket)
        self._multipart = S3Multipart(bucket, self._requests)

    async def close(self) -> None:
        await self._requests.close()

    async def _write_long(
        self, key: str, pieces: AsyncIterator[list[bytes]], tally: Tally, *, sha256: str | None, replace: bool
    ) -> str:
        async with _Assembly(self._multipart, key) as assembly:
            async for piece in _grown(pieces):
                hashing = asyncio.create_task(absorb(tally, [piece]))
                try:
                    await assembly.add(piece)
                finally:
                    await hashing
            tally.check(sha256=sha256)
            return await assembly.complete(replace=replace)

    async def _join(self, key: str, sources: list[tuple[str, int]], tally: Tally) -> None:
        """Let the store copy what is long enough for a part of its own, and read everything once to know its hash."""
        if await self.stat(key) is not None:
            raise AlreadyExists("blob", key.rpartition("/")[2])
        plan = list(joined(sources))
        if not plan:
            await self._put_at_once(key, b"", replace=False)
            return
        async with _Assembly(self._multipart, key) as assembly:
            async with whole_group() as group:
                group.create_task(self._tally(sources, tally))
                for step in plan:
                    await self._add(assembly, step)
            await assembly.complete(replace=False)

    async def _add(self, assembly: "_Assembly", step: "Step") -> None:
        if step.is_copy:
            await assembly.copy(*step.spans[0])
            return
        await assembly.add(b"".join([await self.read(key, span) for key, span in step.spans]))

    async def _tally(self, sources: Sequence[tuple[str, int]], tally: Tally) -> None:
        async with contextlib.aclosing(self._whole(sources)) as chunks:
            async for batch, _ in batches(tally.admitted(chunks), lambda: HASHED_BYTES):
                await absorb(tally, batch)


class PublicS3Blobs(S3Blobs):
    """Implements `SignsUrls` besides, for a bucket that clients can reach."""

    def __init__(self, bucket: S3Bucket) -> None:
        super().__init__(bucket)
        self._bucket = bucket
        self._signer = UrlSigner(bucket.public_url or bucket.url, bucket.access_key, bucket.region)

    async def sign_get(self, key: str, *, expires_in: timedelta, filename: str, content_type: str) -> str:
        query = {
            "response-content-disposition": content_disposition(filename, inline=True),
            "response-content-type": content_type_header(content_type),
        }
        return self._sign("GET", key, query, expires_in)

    async def begin_upload(self, key: str) -> str:
        return await self._multipart.begin(key)

    async def sign_part(self, key: str, upload: str, number: int, *, expires_in: timedelta) -> str:
        return self._sign("PUT", key, {"partNumber": str(number), "uploadId": upload}, expires_in)

    def _sign(self, method: str, key: str, query: dict[str, str], expires_in: timedelta) -> str:
        full_key = self._bucket.full_key(key)
        return self._signer.sign(method, full_key, now=datetime.now(UTC), expires_in=expires_in, query=query)

    async def arrived_parts(self, key: str, upload: str) -> list[PartStat]:
        return await self._multipart.parts(key, upload)

    async def finish_upload(self, key: str, upload: str, parts: list[PartStat]) -> BlobStat:
        if not parts:
            await self._multipart.parts(key, upload)
            raise Invalid("parts", "An upload needs at least one part.")
        # A part without bytes is nothing to a store, unless it is all there is.
        filled = [part for part in parts if part.size_bytes] or parts[:1]
        await self._multipart.complete(key, upload, filled)
        return BlobStat(
            key=key,
            size_bytes=sum(part.size_bytes for part in filled),
            modified_at=max(part.modified_at for part in filled),
        )

    async def drop_upload(self, key: str, upload: str) -> None:
        await self._multipart.abort(key, upload)

    async def open_uploads(self, *, older_than: datetime) -> AsyncGenerator[tuple[str, str], None]:
        async with contextlib.aclosing(self._multipart.open(older_than=older_than)) as uploads:
            async for upload in uploads:
                yield upload


class Step(msgspec.Struct, frozen=True):
    """One part of a joined object: copied inside the store, or read from some spans and sent."""

    is_copy: bool
    spans: list[tuple[str, ByteRange]]


def joined(sources: Sequence[tuple[str, int]]) -> Iterator[Step]:
    """Cut objects, given as (key, size in bytes), into parts of which all but the last are long enough for S3.

    A short object is read together with as much of what follows as makes a part; the rest is copied.
    """
    short: list[tuple[str, ByteRange]] = []
    missing = LEAST_PART_BYTES
    for key, size_bytes in sources:
        at = 0
        if size_bytes and (short or size_bytes < LEAST_PART_BYTES):
            at = min(missing, size_bytes)
            short.append((key, ByteRange(0, at - 1)))
            missing -= at
            if missing == 0:
                yield Step(False, short)
                short, missing = [], LEAST_PART_BYTES
        while size_bytes - at >= LEAST_PART_BYTES:
            length = COPIED_BYTES if size_bytes - at >= COPIED_BYTES + LEAST_PART_BYTES else size_bytes - at
            yield Step(True, [(key, ByteRange(at, at + length - 1))])
            at += length
        if at < size_bytes:
            short.append((key, ByteRange(at, size_bytes - 1)))
            missing -= size_bytes - at
    if short:
        yield Step(False, short)


class _Assembly:
    """A multipart upload of ours: parts side by side, a few at a time; left without completing, it is aborted."""

    def __init__(self, multipart: S3Multipart, key: str) -> None:
        self._multipart = multipart
        self._key = key
        self._tasks: list[asyncio.Task[PartStat]] = []
        self._room = asyncio.Semaphore(_PARTS_UNDER_WAY)
        self._copies = asyncio.Semaphore(AT_ONCE)
        self._upload = ""
        self._failure: BaseException | None = None
        self._done = False

    async def __aenter__(self) -> Self:
        self._upload = await self._multipart.begin(self._key)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._done:
            return
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # The sweeper takes what cannot be aborted now; the first error is the one to tell.
        with contextlib.suppress(Exception):
            await asyncio.shield(self._multipart.abort(self._key, self._upload))

    async def add(self, body: bytes) -> None:
        """Send a part; waits for room, and raises what became of parts before."""
        await self._room.acquire()
        self._begin(self._multipart.put(self._key, self._upload, self._next, body), self._room)

    async def copy(self, source: str, span: ByteRange) -> None:
        """Have the store copy a part; waits and raises as `add` does."""
        await self._copies.acquire()
        self._begin(self._multipart.copy(self._key, self._upload, self._next, source, span), self._copies)

    @property
    def _next(self) -> int:
        return len(self._tasks) + 1

    def _begin(self, work: Coroutine[Any, Any, PartStat], room: asyncio.Semaphore) -> None:
        task = asyncio.create_task(work)
        self._tasks.append(task)
        task.add_done_callback(lambda done: self._ended(done, room))
        if self._failure is not None:
            raise self._failure

    def _ended(self, task: asyncio.Task[PartStat], room: asyncio.Semaphore) -> None:
        room.release()
        if not task.cancelled():
            self._failure = self._failure or task.exception()

    async def complete(self, *, replace: bool) -> str:
        parts = await asyncio.gather(*self._tasks)
        etag = await self._multipart.complete(self._key, self._upload, parts, replace=replace)
        self._done = True
        return etag


def _opened(bucket: S3Bucket) -> "S3Store":
    from obstore.store import S3Store  # noqa: PLC0415 - part of an extra

    return S3Store(
        bucket.name,
        prefix=bucket.prefix or None,
        config={
            "endpoint": bucket.endpoint_url,
            "region": bucket.region,
            "skip_signature": False,
            "virtual_hosted_style_request": False,
            "unsigned_payload": True,
        },
        credential_provider=lambda: _credential(bucket.access_key),
        client_options={
            "allow_http": bucket.is_plain_http,
            "connect_timeout": timedelta(seconds=5),
            "read_timeout": timedelta(seconds=20),
            "timeout": timedelta(days=1),  # of a whole transfer, which may be long while bytes come
        },
        retry_config={
            "max_retries": 3,
            "retry_timeout": timedelta(seconds=15),
            "backoff": {
                "init_backoff": timedelta(milliseconds=100),
                "max_backoff": timedelta(seconds=2),
                "base": 2,
            },
        },
    )


def _credential(access_key: AccessKey) -> "S3Credential":
    """Given apart from the config, where a session token of the environment would mix with another's key."""
    return {
        "access_key_id": access_key.id,
        "secret_access_key": access_key.secret,
        "token": access_key.session_token,
        "expires_at": None,
    }


async def _grown(pieces: AsyncIterator[list[bytes]]) -> AsyncIterator[bytes]:
    """Join batches to pieces that double every thousand, so that ten thousand of them hold any object."""
    count, gathered, held = 0, [], 0
    async for batch in pieces:
        gathered += batch
        batch.clear()  # whoever gathered it may hold it while the piece is on its way
        held += 1
        if held >= 1 << (count // _PARTS_OF_ONE_SIZE):
            count, held = count + 1, 0
            yield _emptied(gathered)
    if gathered:
        yield _emptied(gathered)


def _emptied(pieces: list[bytes]) -> bytes:
    joined = b"".join(pieces)
    pieces.clear()
    return joined
