"""Fetching files: names, resuming, checks."""

import asyncio
import hashlib
import os
from pathlib import Path

import pytest
from aiohttp import web

from armarium.sdk.download import download
from armarium.sdk.transport import Transport, never
from tests.sdk.shaky_server import Breaking, serving
from tests.sdk.test_transport import RequestError

CONTENT = os.urandom(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("armarium.sdk.download.PAUSE_SECONDS", 0.005)


def transport() -> Transport:
    return Transport("", failed=RequestError, retry=never)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_file_appears_under_its_name_and_nothing_else_is_left(tmp_path: Path):
    told: list[tuple[int, int | None]] = []
    async with serving(Breaking(CONTENT)) as url:
        await download(transport(), f"{url}/f", tmp_path / "f", sha256=SHA256, progress=lambda *at: told.append(at))
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert names(tmp_path) == ["f"]
    assert told[-1] == (len(CONTENT), len(CONTENT))


async def test_a_broken_connection_is_taken_up_where_it_broke(tmp_path: Path):
    server = Breaking(CONTENT, breaks=[100_000, 100_000])
    async with serving(server) as url:
        await download(transport(), f"{url}/f", tmp_path / "f", sha256=SHA256)
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=100000-", "bytes=200000-"]


async def test_the_next_call_goes_on_where_the_last_one_was_given_up(tmp_path: Path):
    server = Breaking(CONTENT, breaks=[100_000, 0, 0, 0])
    async with serving(server) as url:
        with pytest.raises(RequestError):
            await download(transport(), f"{url}/f", tmp_path / "f")
        assert not (tmp_path / "f").exists()
        await download(transport(), f"{url}/f", tmp_path / "f", sha256=SHA256)
    assert server.ranges[-1] == "bytes=99999-"
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert names(tmp_path) == ["f"]


async def test_a_cancelled_download_leaves_no_file_under_the_name(tmp_path: Path):
    server = Breaking(CONTENT, breaks=[50_000] * 9)
    async with serving(server) as url:
        task = asyncio.create_task(download(transport(), f"{url}/f", tmp_path / "f"))
        while len(server.ranges) < 2:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
    assert not (tmp_path / "f").exists()


async def test_a_file_that_changed_meanwhile_starts_anew(tmp_path: Path):
    server = Breaking(bytes(300_000), breaks=[100_000])

    async def changing(request: web.Request) -> web.StreamResponse:
        answer = await server(request)
        server.content, server.etag = CONTENT, '"v2"'
        return answer

    async with serving(changing) as url:
        await download(transport(), f"{url}/f", tmp_path / "f", sha256=SHA256)
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert names(tmp_path) == ["f"]


async def test_a_server_that_keeps_hanging_up_is_given_up(tmp_path: Path):
    async with serving(Breaking(CONTENT, breaks=[0] * 9)) as url:
        with pytest.raises(RequestError, match="No complete answer"):
            await download(transport(), f"{url}/f", tmp_path / "f")
    assert names(tmp_path) == []


async def test_without_an_etag_nothing_is_kept_for_later(tmp_path: Path):
    async with serving(Breaking(CONTENT, breaks=[1000, 0, 0, 0, 0], etag=None)) as url:
        with pytest.raises(RequestError):
            await download(transport(), f"{url}/f", tmp_path / "f")
    assert names(tmp_path) == []


async def test_bytes_with_another_digest_never_get_the_name(tmp_path: Path):
    (tmp_path / "f").write_bytes(b"old")
    async with serving(Breaking(CONTENT)) as url:
        with pytest.raises(RequestError, match="SHA-256 differs"):
            await download(transport(), f"{url}/f", tmp_path / "f", sha256="0" * 64)
    assert names(tmp_path) == ["f"]
    assert (tmp_path / "f").read_bytes() == b"old"


async def test_an_unknown_file_is_refused_and_leaves_nothing(tmp_path: Path):
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=404)

    async with serving(refuse) as url:
        with pytest.raises(RequestError) as refused:
            await download(transport(), f"{url}/f", tmp_path / "f")
    assert refused.value.failure.status == 404
    assert names(tmp_path) == []


async def test_two_downloads_to_one_place_do_not_mix(tmp_path: Path):
    async with serving(Breaking(CONTENT)) as url:
        await asyncio.gather(
            *(download(transport(), f"{url}/f", tmp_path / "f", sha256=SHA256) for _ in range(4)),
        )
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert names(tmp_path) == ["f"]


async def test_an_empty_file_and_a_very_long_name_are_fine(tmp_path: Path):
    target = tmp_path / ("n" * 250)
    async with serving(Breaking(b"")) as url:
        await download(transport(), f"{url}/f", target)
    assert target.read_bytes() == b""
    assert names(tmp_path) == [target.name]
