"""What the client makes of answers that our own service never gives."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from armarium.sdk.ivcap import AsyncIVCAP, IvcapApiError
from tests.sdk.shaky_server import serving


def record(href: str | None) -> dict[str, Any]:
    known = {"id": "urn:ivcap:artifact:1", "status": "ready", "links": []}
    return known if href is None else known | {"data-href": href}


async def test_bytes_may_lie_elsewhere_and_the_token_stays_here(tmp_path: Path):
    asked: list[str | None] = []

    async def store(request: web.Request) -> web.Response:
        asked.append(request.headers.get("Authorization"))
        return web.Response(body=b"from the store", headers={"ETag": '"1"'})

    async with serving(store) as elsewhere:

        async def service(request: web.Request) -> web.Response:
            if request.path.startswith("/1/artifacts/"):
                return web.json_response(record("/blob"))
            raise web.HTTPTemporaryRedirect(f"{elsewhere}/signed?signature=1")

        async with serving(service) as url:
            artifact = await AsyncIVCAP(url=url, token="secret").get_artifact("urn:ivcap:artifact:1")
            assert (await artifact.open()).read() == b"from the store"
            assert (await artifact.as_local_file(tmp_path / "copy")).read_bytes() == b"from the store"
    assert asked == [None, None]


@pytest.mark.parametrize("host", ["", "https://elsewhere.example", "//elsewhere.example"])
async def test_a_host_named_in_a_record_is_not_believed(host: str):
    async def service(request: web.Request) -> web.Response:
        if request.path.startswith("/1/artifacts/"):
            return web.json_response(record(f"{host}/blob?part=1"))
        return web.Response(text=request.path_qs)

    async with serving(service) as url:
        artifact = await AsyncIVCAP(url=url, token="t").get_artifact("urn:ivcap:artifact:1")
        assert (await artifact.open()).read() == b"/blob?part=1"


async def test_a_record_that_names_no_place_of_its_bytes_cannot_be_read():
    async def service(_request: web.Request) -> web.Response:
        return web.json_response(record(None))

    async with serving(service) as url:
        artifact = await AsyncIVCAP(url=url, token="t").get_artifact("urn:ivcap:artifact:1")
        with pytest.raises(IvcapApiError, match="where the bytes are"):
            await artifact.open()


async def test_an_error_keeps_what_the_service_said():
    async def service(_request: web.Request) -> web.Response:
        return web.json_response({"message": "not this one", "name": "filter"}, status=422)

    async with serving(service) as url:
        with pytest.raises(IvcapApiError, match="'aspect' failed with status 422: not this one") as refused:
            await AsyncIVCAP(url=url, token="t").get_aspect("urn:ivcap:aspect:1")
    assert refused.value.content == b'{"message":"not this one","name":"filter"}'
    assert refused.value.headers["content-type"].startswith("application/json")
