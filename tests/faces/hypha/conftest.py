import contextlib

import pytest
from hypha_rpc import connect_to_server

from tests.faces.hypha.serving import serving_toy


@pytest.fixture(scope="module")
def toy():
    with serving_toy() as running:
        yield running


@pytest.fixture
async def connect(toy):
    """Connect unmodified clients; all of them are disconnected afterwards."""
    async with contextlib.AsyncExitStack() as stack:

        async def connect_client(token="alice-token", **config):
            client = await connect_to_server({"server_url": toy.url, "token": token, **config})
            stack.push_async_callback(client.disconnect)
            return client

        yield connect_client
