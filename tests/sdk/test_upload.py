"""Sending files whole and in parts."""

from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest
from aiohttp import web

from armarium.sdk.transport import Transport, never
from armarium.sdk.upload import FileSlice, Part, Stream, put_file, put_parts
from tests.sdk.shaky_server import serving
from tests.sdk.test_transport import RequestError

CONTENT = bytes(range(256)) * 12_000  # 3 MB, so several pieces


def transport() -> Transport:
    return Transport("", failed=RequestError)


class Taking:
    """Keeps what is PUT, by path; refuses the first `refuse` requests."""

    def __init__(self, refuse: int = 0) -> None:
        self.bodies: dict[str, bytes] = {}
        self.lengths: list[str | None] = []
        self._refuse = refuse

    async def __call__(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.lengths.append(request.headers.get("Content-Length"))
        if self._refuse:
            self._refuse -= 1
            return web.Response(status=503, headers={"Retry-After": "0"})
        self.bodies[request.path] = body
        return web.Response(headers={"ETag": f'"{request.path.strip("/")}"'})


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.bin"
    path.write_bytes(CONTENT)
    return path


async def test_a_file_arrives_whole_with_its_length_and_its_progress(source: Path):
    told: list[tuple[int, int | None]] = []
    taking = Taking()
    async with serving(taking) as url:
        await put_file(transport(), f"{url}/f", source, len(CONTENT), lambda *at: told.append(at))
    assert taking.bodies == {"/f": CONTENT}
    assert taking.lengths == [str(len(CONTENT))]
    assert told == sorted(told)
    assert told[-1] == (len(CONTENT), len(CONTENT))


async def test_an_empty_file_arrives(tmp_path: Path):
    (tmp_path / "empty").touch()
    taking = Taking()
    async with serving(taking) as url:
        await put_file(transport(), f"{url}/f", tmp_path / "empty", 0)
    assert (taking.bodies, taking.lengths) == ({"/f": b""}, ["0"])


async def test_a_slice_of_a_file_arrives(source: Path):
    taking = Taking()
    async with serving(taking) as url:
        await transport().call("PATCH", f"{url}/f", body=FileSlice(source, 1000, 2_000_000))
    assert taking.bodies == {"/f": CONTENT[1000:2_000_000]}


async def test_an_upload_to_a_busy_store_is_sent_again_and_progress_starts_again(source: Path):
    told: list[int] = []
    taking = Taking(refuse=1)
    async with serving(taking) as url:
        await put_file(transport(), f"{url}/f", source, len(CONTENT), lambda done, _: told.append(done))
    assert taking.bodies == {"/f": CONTENT}
    assert max(told) == len(CONTENT)


async def test_parts_arrive_each_at_its_place_and_return_their_etags(source: Path):
    bounds = [0, 1_000_000, 2_000_000, len(CONTENT)]
    told: list[tuple[int, int | None]] = []
    taking = Taking(refuse=1)
    async with serving(taking) as url:
        parts = [
            Part(number=number, url=f"{url}/{number}", start=start, stop=stop)
            for number, (start, stop) in enumerate(pairwise(bounds), 1)
        ]
        etags = await put_parts(transport(), parts, source, lambda *at: told.append(at))
    assert b"".join(taking.bodies[f"/{number}"] for number in (1, 2, 3)) == CONTENT
    assert etags == {1: "1", 2: "2", 3: "3"}
    assert told[-1] == (len(CONTENT), len(CONTENT))


async def test_a_part_that_is_refused_ends_the_upload_with_its_error(source: Path):
    async def refuse(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=403 if request.path == "/2" else 200)

    async with serving(refuse) as url:
        parts = [Part(number=number, url=f"{url}/{number}", start=0, stop=10) for number in range(1, 9)]
        with pytest.raises(RequestError) as refused:
            await put_parts(transport(), parts, source)
    assert refused.value.failure.status == 403


def iterable() -> Iterator[bytes]:
    yield b"one "
    yield b"two"


async def aiterable() -> AsyncIterator[bytes]:
    for piece in iterable():
        yield piece


@pytest.mark.parametrize("length", [7, None])
@pytest.mark.parametrize("source", [iterable, aiterable, lambda: BytesIO(b"one two")])
async def test_bytes_from_anywhere_arrive_with_or_without_a_known_length(source, length: int | None):
    taking = Taking()
    async with serving(taking) as url:
        await transport().call("PUT", f"{url}/f", body=Stream(source(), length))
    assert taking.bodies == {"/f": b"one two"}
    assert taking.lengths == [None if length is None else "7"]


async def test_what_can_be_read_only_once_is_not_sent_again():
    taking = Taking(refuse=1)
    async with serving(taking) as url:
        with pytest.raises(RequestError):
            await transport().call("PUT", f"{url}/f", body=Stream(iterable()))
    assert len(taking.lengths) == 1


async def test_a_file_that_shrinks_meanwhile_is_a_failure_and_no_hang(source: Path):
    async with serving(Taking()) as url:
        client = Transport("", failed=RequestError, retry=never)
        with pytest.raises(RequestError):
            await put_file(client, f"{url}/f", source, len(CONTENT) + 1)
