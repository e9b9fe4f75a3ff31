import msgpack
import pytest
from hypha_rpc.rpc import RemoteException

from armarium.domain.errors import Invalid
from armarium.faces.hypha.directory import ServiceId

ESSENTIAL = {
    "get_service", "register_service", "unregister_service", "subscribe", "unsubscribe", "list_services",
    "get_service_info", "generate_token", "parse_token", "revoke_token", "create_workspace", "delete_workspace",
    "list_workspaces", "get_workspace_info", "get_summary", "list_clients", "check_status", "echo", "ping",
}  # fmt: skip


async def test_the_manager_offers_what_clients_ask_for(connect):
    server = await connect()
    assert set(server) >= ESSENTIAL


@pytest.mark.parametrize(
    "service_id",
    ["public/toy", "public/armarium:toy", "public/toy@some-app", "public/*:toy"],
)
async def test_a_public_service_is_found_under_every_form_of_its_id(connect, service_id):
    service = await (await connect()).get_service(service_id)
    assert service.id == "public/armarium:toy"
    assert service.config.url.endswith("/public/services/armarium:toy")


async def test_the_manager_itself_is_a_service(connect):
    server = await connect()
    manager = await server.get_service("~")
    assert await manager.echo({"a": [1]}) == {"a": [1]}


@pytest.mark.parametrize(
    "service_id", ["toy", "public/nothing", "ws-shared/toy", "public/other:toy", "a/b/c", "public/"]
)
async def test_an_unknown_service_is_a_key_error(connect, service_id):
    with pytest.raises(RemoteException, match=r"KeyError: .Service not found: "):
        await (await connect()).get_service(service_id)


@pytest.mark.parametrize("service_id", ["", 5, "x" * 5000])
async def test_what_is_no_service_id_is_refused(service_id):
    with pytest.raises(Invalid):
        ServiceId.parse(service_id, "ws")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name", ServiceId("here", None, "name")),
        ("client:name", ServiceId("here", "client", "name")),
        ("*:name", ServiceId("here", None, "name")),
        ("ws/name", ServiceId("ws", None, "name")),
        ("ws/client:name", ServiceId("ws", "client", "name")),
        ("ws/client:name@app", ServiceId("ws", "client", "name")),
        ("ws-user-google|1/name", ServiceId("ws-user-google|1", None, "name")),
    ],
)
def test_service_ids_are_taken_apart(text, expected):
    assert ServiceId.parse(text, "here") == expected


async def test_a_description_stays_small(toy):
    described = toy.hub.manager.services["default"].describe("*/manager-armarium", toy.url)
    assert len(msgpack.packb(described)) < 20_000


async def test_services_are_described_and_listed(connect):
    server = await connect()
    info = await server.get_service_info("public/toy")
    assert (info.id, info.name, info.type) == ("public/armarium:toy", "Toy", "generic")
    assert (await server.get_service_info("~")).name == "Workspace manager"
    listed = await server.list_services("public")
    assert [service.id for service in listed] == ["public/armarium:toy"]
    assert [service.id for service in await server.list_services({"service_id": "toy", "type": "*"})] == [
        "public/armarium:toy"
    ]
    assert await server.list_services({"workspace": "ws-shared"}) == []
    own = await server.list_services()
    assert {service.config.workspace for service in own} <= {"ws-user-alice"}


async def test_a_service_comes_and_goes(connect):
    server = await connect(client_id="comer")
    await server.register_service({"id": "brief", "config": {"visibility": "public"}, "f": lambda: 1})
    assert (await server.get_service_info("brief")).id == "ws-user-alice/comer:brief"
    await server.unregister_service("brief")
    with pytest.raises(RemoteException, match="Service not found"):
        await server.get_service_info("brief")


async def test_a_reader_connects_but_offers_nothing(connect):
    server = await connect("reader-token")
    with pytest.raises(Exception, match="PermissionError"):
        await server.register_service({"id": "sly", "config": {"visibility": "public"}, "f": lambda: 1})
    assert (await server.check_status()).user_permission == "r"


async def test_a_generated_token_connects_as_a_child(connect):
    server = await connect()
    token = await server.generate_token({"expires_in": 60})
    assert (await server.parse_token(token)).parent == "alice"
    child = await connect(token)
    assert child.config.user["parent"] == "alice"
    await server.revoke_token(token)
    with pytest.raises(ConnectionAbortedError):
        await connect(token)
    assert isinstance(await server.generate_token(), str)
    assert isinstance(await server.generate_token(config={"permission": "read"}), str)


async def test_workspaces_are_created_listed_and_deleted(connect):
    server = await connect()
    made = await server.create_workspace({"id": "ws-made", "description": "d"})
    assert made.id == "ws-made"
    with pytest.raises(RemoteException, match="RuntimeError: Workspace already exists: ws-made"):
        await server.create_workspace({"id": "ws-made"})
    assert (await server.create_workspace({"id": "ws-made"}, overwrite=True)).id == "ws-made"
    assert "ws-made" in [workspace.id for workspace in await server.list_workspaces()]
    assert [workspace.id for workspace in await server.list_workspaces({"id": "ws-made"})] == ["ws-made"]
    assert (await server.get_workspace_info("ws-made")).id == "ws-made"
    assert (await server.get_workspace_info()).id == "ws-user-alice"
    await server.delete_workspace("ws-made")
    assert "ws-made" not in [workspace.id for workspace in await server.list_workspaces()]


async def test_the_state_of_the_workspace_is_told(connect):
    server = await connect(client_id="counted")
    status = await server.check_status()
    assert (status.status, status.errors, status.user_permission) == ("ready", None, "a")
    summary = await server.get_summary()
    assert summary.name == "ws-user-alice"
    assert summary.client_count == len(summary.clients)
    assert "ws-user-alice/counted" in [client.id for client in await server.list_clients()]
    assert (await server.whoami()).id == "alice"
    with pytest.raises(RemoteException, match="PermissionError"):
        await server.list_clients("ws-user-bob")


async def test_pings_reach_the_client_they_name(connect):
    server = await connect(client_id="pinged")
    assert await server.ping() == "pong"
    assert await server.ping("pinged") == "pong"
    assert await server.ping("ws-user-alice/pinged") == "pong"
    with pytest.raises(RemoteException, match="Client not found"):
        await server.ping("nobody")
