"""Uploads that break: what arrived is kept, the rest is sent, and the bytes end up equal."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from armarium.sdk.ivcap import AsyncIVCAP, NotAuthorizedException, UploadFailed
from tests.sdk.ivcap.shaky_uploads import WHOLE, ShakyUploads
from tests.sdk.shaky_server import serving

CONTENT = os.urandom(300_000)


class Pipe(io.RawIOBase):
    """Bytes that come once, some at a time."""

    def __init__(self, content: bytes) -> None:
        self._rest = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._rest.read(min(size, 7_000) if size > 0 else size)


async def upload(service: ShakyUploads, stream: BinaryIO | Any, **how: Any) -> Any:
    async with serving(service) as url:
        client = AsyncIVCAP(url=url, token="t")
        return await client.upload_artifact(
            io_stream=stream, content_type="text/plain", **({"retries": 3, "retry_delay": 0} | how)
        )


def offsets(service: ShakyUploads) -> list[int]:
    return [int(headers["Upload-Offset"]) for headers in service.patches]


@pytest.mark.parametrize("source", [io.BytesIO, Pipe], ids=["a file", "a pipe"])
@pytest.mark.parametrize("breaks", [[0], [1], [150_000], [WHOLE], [1, 1, 1], [100_000, WHOLE]], ids=str)
@pytest.mark.parametrize("size", [-1, len(CONTENT)], ids=["size unknown", "size known"])
async def test_a_connection_that_breaks_is_taken_up_where_the_service_stands(
    source: Callable[[bytes], Any], breaks: list[int], size: int
):
    service = ShakyUploads(breaks=breaks)
    artifact = await upload(service, source(CONTENT), content_size=size)
    assert bytes(service.content) == CONTENT
    assert artifact.status == "ready"


@settings(max_examples=25, deadline=None)
@given(
    content=st.binary(max_size=5000),
    chunk_size=st.integers(1, 3000),
    breaks=st.lists(st.integers(0, 3000) | st.just(WHOLE), max_size=3),
    seekable=st.booleans(),
    size_is_known=st.booleans(),
)
async def test_whatever_the_chunks_and_wherever_it_breaks_the_bytes_are_equal(
    content: bytes, chunk_size: int, breaks: list[int], seekable: bool, size_is_known: bool
):
    service = ShakyUploads(breaks=breaks)
    chunk_size = max(chunk_size, len(content) // 20 + 1)
    size = len(content) if size_is_known else -1
    source: Any = io.BytesIO(content) if seekable else Pipe(content)
    artifact = await upload(service, source, content_size=size, chunk_size=chunk_size)
    assert bytes(service.content) == content
    assert artifact.status == "ready"
    assert all(int(headers["Content-Length"]) <= chunk_size for headers in service.patches)


async def test_the_end_of_a_stream_of_unknown_length_is_told(tmp_path: Path):
    service = ShakyUploads()
    await upload(service, Pipe(b"x" * 25), chunk_size=10)
    ends = [(headers.get("Upload-Defer-Length"), headers.get("Upload-Length")) for headers in service.patches]
    assert ends == [("1", None), ("1", None), (None, "25")]
    assert offsets(service) == [0, 10, 20]


async def test_without_retries_the_first_failure_is_told_and_says_what_is_stored():
    service = ShakyUploads(refuses=[503])
    with pytest.raises(UploadFailed, match="not now") as failed:
        await upload(service, io.BytesIO(CONTENT), retries=0, chunk_size=None)
    assert (failed.value.status_code, failed.value.artifact_id) == (503, "urn:ivcap:artifact:1")


async def test_failures_in_a_row_are_counted_and_progress_forgives_them():
    service = ShakyUploads(breaks=[1, 1, 1, 1])
    await upload(service, io.BytesIO(CONTENT), retries=1)
    assert bytes(service.content) == CONTENT
    with pytest.raises(UploadFailed):
        await upload(ShakyUploads(refuses=[503, 503]), io.BytesIO(CONTENT), retries=1)


async def test_a_service_that_is_busy_at_first_is_asked_again_under_one_key():
    keys: list[str] = []

    class Busy(ShakyUploads):
        async def __call__(self, request: web.Request) -> web.StreamResponse:
            if request.method == "POST":
                keys.append(request.headers["Idempotency-Key"])
                if len(keys) < 3:
                    return web.Response(status=503)
            return await super().__call__(request)

    service = Busy()
    await upload(service, io.BytesIO(CONTENT))
    assert bytes(service.content) == CONTENT
    assert (len(keys), len(set(keys))) == (3, 1)


@pytest.mark.parametrize("status", [400, 403, 404, 413])
async def test_what_will_be_refused_again_is_not_tried_again(status: int):
    service = ShakyUploads(refuses=[status, status])
    with pytest.raises(UploadFailed):
        await upload(service, io.BytesIO(CONTENT))
    assert len(service.patches) == 1


async def test_an_upload_that_was_killed_goes_on_in_the_next_one(csv: Path):
    service = ShakyUploads(breaks=[60_000])
    async with serving(service) as url:
        client = AsyncIVCAP(url=url, token="t")
        with pytest.raises(UploadFailed):
            await client.upload_artifact(file_path=csv)
        assert await client.artifact_for_file(csv) is None
        artifact = await client.upload_artifact(file_path=csv)
        assert bytes(service.content) == csv.read_bytes()
        assert offsets(service) == [0, 60_000]
        assert await client.artifact_for_file(csv) == artifact
    assert sorted(path.name for path in csv.parent.iterdir()) == [".ivcap-file.csv.txt", "file.csv"]


async def test_progress_is_told_up_to_the_last_byte():
    told: list[tuple[int, int | None]] = []
    await upload(ShakyUploads(), io.BytesIO(CONTENT), progress_callback=lambda *at: told.append(at))
    assert told == sorted(told)
    assert told[-1] == (len(CONTENT), len(CONTENT))


async def test_a_stream_must_have_the_size_that_was_said():
    for stream in (io.BytesIO(b"12345"), Pipe(b"12345")):
        with pytest.raises(ValueError, match="5"):
            await upload(ShakyUploads(), stream, content_size=9)


async def test_a_stream_of_text_is_refused():
    with pytest.raises(TypeError, match="rb"):
        await upload(ShakyUploads(), io.StringIO("text"))


async def test_a_stranger_is_told_so():
    class Closed(ShakyUploads):
        async def __call__(self, request: Any) -> Any:
            return web.Response(status=401)

    with pytest.raises(NotAuthorizedException):
        await upload(Closed(), io.BytesIO(CONTENT))
