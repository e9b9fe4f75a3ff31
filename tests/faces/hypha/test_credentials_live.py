"""Credentials as an unmodified client meets them, on a real server."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import jwt
import pytest
from hypha_rpc import connect_to_server
from hypha_rpc.rpc import RemoteException

from armarium.testing.server import RunningServer

JWT_SECRET = "a secret that another program has as well"
ROOT_TOKEN = "operator-token-of-more-than-32-characters"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    settings = {"ARMARIUM_JWT_SECRET": JWT_SECRET, "ARMARIUM_ROOT_TOKEN": ROOT_TOKEN}
    with RunningServer(tmp_path_factory.mktemp("served") / "data", settings=settings) as running:
        yield running


def minted(user: str, **claims) -> str:
    payload = {"sub": user, "exp": int(time.time()) + 600, "scope": f"ws:ws-user-{user}#a", "aud": "x", "iss": "y"}
    return jwt.encode(payload | claims, JWT_SECRET, algorithm="HS256")


@asynccontextmanager
async def client(server: RunningServer, token: str | None = None, **config):
    connected = await connect_to_server({"server_url": server.url, "token": token, **config})
    try:
        yield connected
    finally:
        await connected.disconnect()


async def test_a_user_of_another_program_lands_at_home_and_generates_tokens(server):
    async with client(server, minted("user-1", **{"https://amun.ai/email": "u1@example.org"})) as api:
        assert api.config.workspace == "ws-user-user-1"
        assert api.config.user["id"] == "user-1"
        token = await api.generate_token({"permission": "read", "expires_in": 60})
    async with client(server, token) as child:
        assert child.config.workspace == "ws-user-user-1"
        assert child.config.user["parent"] == "user-1"
        assert child.config.user["email"] == "u1@example.org"
        with pytest.raises(RemoteException, match="PermissionError"):
            await child.generate_token()


async def test_a_workspace_is_made_entered_and_deleted(server):
    async with client(server, minted("user-1")) as api:
        made = await api.create_workspace({"id": "live-lab", "description": "d"})
        assert (made["id"], made["owners"]) == ("live-lab", ["user-1"])
        with pytest.raises(RemoteException, match="already exists"):
            await api.create_workspace({"id": "live-lab"})
        with pytest.raises(RemoteException, match="hyphen"):
            await api.create_workspace({"id": "livelab"})
        async with client(server, minted("user-1"), workspace="live-lab") as inside:
            assert inside.config.workspace == "live-lab"
        await api.delete_workspace("live-lab")
    with pytest.raises(Exception, match="live-lab"):
        async with client(server, minted("user-1"), workspace="live-lab"):
            pass


async def test_a_visitor_has_a_workspace_where_nothing_can_be_kept(server):
    async with client(server) as visitor:
        assert visitor.config.user["is_anonymous"]
        assert visitor.config.workspace == f"ws-user-{visitor.config.user['id']}"
        artifacts = await visitor.get_service("public/artifact-manager")
        with pytest.raises(RemoteException, match="PermissionError"):
            await artifacts.create(alias="x", manifest={"name": "x"})


async def test_the_operator_and_the_admin_come_in_anywhere(server):
    async with client(server, ROOT_TOKEN, workspace="public") as root:
        assert root.config.workspace == "public"
    async with client(server, server.admin_token, workspace="public") as admin:
        assert admin.config.user["id"] == "admin"


async def test_a_revoked_token_is_refused(server):
    async with client(server, minted("user-1")) as api:
        token = await api.generate_token()
        await api.revoke_token(token)
    with pytest.raises(ConnectionAbortedError, match="revoked"):
        async with client(server, token):
            pass


def test_two_servers_that_start_at_once_share_keys_and_one_admin(tmp_path: Path):
    servers = [RunningServer(tmp_path / "data") for _ in range(2)]
    try:
        with ThreadPoolExecutor() as threads:
            list(threads.map(RunningServer.start, servers))
        said = ["".join(server._lines).count("admin token: ") for server in servers]
        assert sum(said) == 1
    finally:
        for server in servers:
            server.stop()
