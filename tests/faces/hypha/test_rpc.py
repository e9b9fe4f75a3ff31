import asyncio
import contextlib
import json
import os
import signal
import threading

import httpx
import msgpack
import pytest
import websockets
from hypha_rpc import connect_to_server
from hypha_rpc.rpc import RemoteException
from hypha_rpc.sync import connect_to_server as connect_sync

from armarium.faces.hypha.chunks import ChunkLimits
from armarium.faces.hypha.rpc import Limits
from armarium.faces.hypha.websocket import WebSocketDoor
from tests.faces.hypha.serving import free_port, serving_toy, toy_process, wait_for_port

READ_CALL = {"type": "method", "to": "public/armarium", "method": "services.toy.read", "session": "s1"}


@contextlib.asynccontextmanager
async def raw_socket(toy, client_id, token="alice-token", **hello):
    """A WebSocket that has said hello; what follows is up to the test."""
    async with websockets.connect(toy.ws_url, max_size=None) as socket:
        await socket.send(json.dumps({"client_id": client_id, "token": token, **hello}))
        yield socket, json.loads(await socket.recv())


async def refusal(toy, first_frame):
    """What a socket is told that begins with this frame: the message and the close code."""
    async with websockets.connect(toy.ws_url) as socket:
        await socket.send(first_frame)
        message = json.loads(await socket.recv())
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()
        return message, socket.close_code


def hello(**fields):
    return json.dumps({"client_id": "c1", "workspace": None, "token": None, "reconnection_token": None, **fields})


async def answer(socket):
    while not isinstance(frame := await socket.recv(), bytes):
        pass
    unpacker = msgpack.Unpacker()
    unpacker.feed(frame)
    return list(unpacker)


# calls


async def test_a_service_is_fetched_and_called(connect):
    server = await connect()
    toy = await server.get_service("public/toy")
    artifact = await toy.read("x", silent=True)
    assert artifact.manifest.nested.a[1].b == 7
    assert artifact["id"] == "ws-user-alice/dataset-gallery"
    assert await toy.nested.echo("hi") == "hi"
    assert toy.id == "public/armarium:toy"
    assert toy.config.workspace == "public"


async def test_the_connection_is_described_in_full(connect, toy):
    server = await connect(client_id="named-client")
    config = server.config
    assert config.workspace == "ws-user-alice"
    assert config.user["id"] == "alice"
    assert config.client_id == "named-client"
    assert config.public_base_url == toy.url


async def test_an_anonymous_visitor_gets_a_workspace_of_their_own(connect):
    server = await connect(token=None)
    caller = await (await server.get_service("public/toy")).who()
    assert caller.user.startswith("anonymouz-")
    assert caller.workspace == server.config.workspace == f"ws-user-{caller.user}"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("file", "FileNotFoundError: File 'a.txt' does not exist."),
        ("forbidden", "PermissionError: User does not have permission 'read' on the artifact."),
        ("invalid", "ValueError: That will not do."),
    ],
)
async def test_errors_are_told_in_words_clients_match(connect, kind, text):
    toy = await (await connect()).get_service("public/toy")
    with pytest.raises(RemoteException) as caught:
        await toy.fail(kind)
    assert text in str(caught.value)


async def test_a_missing_artifact_is_a_key_error(connect):
    toy = await (await connect()).get_service("public/toy")
    with pytest.raises(RemoteException, match=r"KeyError: .Artifact with ID 'ws-user-alice/missing' does not exist"):
        await toy.read("missing")


async def test_a_bug_tells_nothing_but_a_number(connect, caplog):
    toy = await (await connect()).get_service("public/toy")
    with pytest.raises(RemoteException, match=r"InternalError: .*request id \w+") as caught:
        await toy.fail("bug")
    assert "secret" not in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert "a secret of the server" in caplog.text


async def test_wrong_arguments_are_type_errors(connect):
    toy = await (await connect()).get_service("public/toy")
    with pytest.raises(RemoteException, match=r"TypeError: .*unexpected keyword argument 'colour'"):
        await toy.read("x", colour="red")
    with pytest.raises(RemoteException, match=r"TypeError: .*missing a required argument: 'artifact_id'"):
        await toy.read()
    with pytest.raises(RemoteException, match=r"TypeError: .*too many positional"):
        await toy.read("x", True, "v0", "more")


async def test_a_service_calls_back_into_its_caller(connect):
    toy = await (await connect()).get_service("public/toy")
    assert await toy.apply(lambda number: number + 1, 41) == 42

    def refuse(_):
        raise ValueError("no thanks")

    with pytest.raises(RemoteException, match="no thanks"):
        await toy.apply(refuse, 1)


async def test_a_context_the_client_claims_is_dropped(connect):
    toy = await (await connect()).get_service("public/toy")
    assert (await toy.who(context={"user": {"id": "root"}})).user == "alice"


async def test_odd_values_come_through(connect):
    numpy = pytest.importorskip("numpy")
    toy = await (await connect()).get_service("public/toy")
    assert await toy.odd_keys() == {"1": "one", "null": {"true": "yes"}, "pair": [1, 2], "set": [3]}
    assert await toy.echo({7: "seven", "t": (1, 2), "s": {1}}) == {"7": "seven", "t": [1, 2], "s": [1]}
    assert await toy.echo(numpy.ones((2, 2), dtype="float32")) == [[1.0, 1.0], [1.0, 1.0]]
    assert await toy.echo(b"\x00\xff") == b"\x00\xff"
    assert await toy.echo(items=1, keys=[None]) == {"items": 1, "keys": [None]}


async def test_functions_describe_themselves(connect):
    toy = await (await connect()).get_service("public/toy")
    schema = toy.read.__schema__
    assert schema["description"] == "Read an artifact."
    assert schema["parameters"]["required"] == ["artifact_id"]
    assert schema["parameters"]["properties"]["version"] == {"type": ["string", "null"], "default": None}


@pytest.mark.parametrize("size", [200_000, 262_144, 300_000, 2_000_000, 12_000_000])
async def test_big_values_go_both_ways(connect, size):
    toy = await (await connect()).get_service("public/toy")
    data = os.urandom(size)
    assert await toy.size(data) == size
    assert await toy.echo(data) == data


async def test_several_big_values_go_at_once(connect):
    toy = await (await connect()).get_service("public/toy")
    blobs = [os.urandom(700_000) for _ in range(6)]
    assert await asyncio.gather(*(toy.echo(blob) for blob in blobs)) == blobs


async def test_fifty_calls_run_at_once(connect):
    toy = await (await connect()).get_service("public/toy")
    assert await asyncio.gather(*(toy.echo(number) for number in range(50))) == list(range(50))


async def test_a_slow_call_outlives_the_timeout_of_the_client(connect):
    toy = await (await connect(method_timeout=1)).get_service("public/toy")
    assert await toy.slow(3) == "done"


async def test_calls_beyond_the_limit_wait_their_turn_and_stay_alive():
    with serving_toy(limits=Limits(calls=2)) as toy:
        server = await connect_to_server({"server_url": toy.url, "token": "alice-token", "method_timeout": 1})
        service = await server.get_service("public/toy")
        assert await asyncio.gather(*(service.slow(0.8) for _ in range(6))) == ["done"] * 6
        await server.disconnect()


async def test_two_thousand_calls_leave_nothing_behind(connect, toy):
    server = await connect(client_id="busy")
    service = await server.get_service("public/toy")
    for _ in range(20):
        await asyncio.gather(*(service.echo("x" * 100) for _ in range(100)))
    await asyncio.sleep(0.1)
    peer = toy.hub.peer("ws-user-alice", "busy")
    assert peer.unfinished_calls == 0
    assert not peer._questions
    assert not peer.incoming
    assert peer.carrier.outbox.size_bytes == 0


async def test_a_client_that_leaves_is_forgotten(connect, toy):
    async with raw_socket(toy, "short-visit"):
        assert toy.hub.peer("ws-user-alice", "short-visit") is not None
    await asyncio.sleep(0.2)
    assert toy.hub.peer("ws-user-alice", "short-visit") is None


def test_the_sync_client_works(toy):
    server = connect_sync({"server_url": toy.url, "token": "alice-token"})
    service = server.get_service("public/toy")
    assert service.read("x").manifest.name == "G"
    assert service.echo(b"x" * 600_000) == b"x" * 600_000
    server.disconnect()


async def test_the_http_transport_carries_the_same_calls(toy):
    server = await connect_to_server({"server_url": toy.url, "token": "alice-token", "transport": "http"})
    service = await server.get_service("public/toy")
    assert (await service.read("x")).manifest.name == "G"
    data = os.urandom(700_000)
    assert await service.echo(data) == data
    with pytest.raises(RemoteException, match="KeyError"):
        await service.read("missing")
    await server.disconnect()


async def test_a_post_without_the_authorization_of_the_stream_is_refused(toy):
    server = await connect_to_server(
        {"server_url": toy.url, "token": "alice-token", "transport": "http", "client_id": "streamer"}
    )
    body = msgpack.packb(READ_CALL) + msgpack.packb({"args": ["x"], "promise": "*", "t": 1})
    query = {"client_id": "streamer", "workspace": "ws-user-alice"}
    async with httpx.AsyncClient(base_url=toy.url) as client:
        for headers, status in (({}, 400), ({"Authorization": "Bearer bob-token"}, 400)):
            reply = await client.post("/rpc", params=query, content=body, headers=headers)
            assert reply.status_code == status
            assert reply.json()["detail"]
        right = {"Authorization": "Bearer alice-token"}
        assert (await client.post("/rpc", params=query, content=body, headers=right)).status_code == 200
        wrong = {"Authorization": "Bearer x"}
        assert (await client.get("/rpc", params={"client_id": "c"}, headers=wrong)).status_code == 401
    await server.disconnect()


# clients among themselves


async def test_a_client_calls_a_service_of_another_client(connect):
    provider = await connect(client_id="provider", workspace="ws-shared")
    caller = await connect(token="bob-token", workspace="ws-shared")

    async def double(number, context=None):
        return {"number": number * 2, "caller": context["user"]["id"]}

    await provider.register_service(
        {"id": "maths", "config": {"visibility": "protected", "require_context": True}, "double": double}
    )
    for service_id in ("maths", "ws-shared/maths", "provider:maths", "ws-shared/provider:maths"):
        maths = await caller.get_service(service_id)
        assert await maths.double(21) == {"number": 42, "caller": "bob"}
    services = await caller.list_services()
    assert "ws-shared/provider:maths" in [service["id"] for service in services]


async def test_big_values_pass_between_clients(connect):
    provider = await connect(client_id="big-provider", workspace="ws-shared")
    caller = await connect(token="bob-token", workspace="ws-shared")
    await provider.register_service({"id": "mirror", "config": {"visibility": "public"}, "show": lambda data: data})
    mirror = await caller.get_service("mirror")
    data = os.urandom(900_000)
    assert await mirror.show(data) == data


async def test_callbacks_work_between_clients(connect):
    provider = await connect(client_id="caller-back", workspace="ws-shared")
    caller = await connect(token="bob-token", workspace="ws-shared")

    async def tell(callback):
        return await callback("hello")

    await provider.register_service({"id": "teller", "config": {"visibility": "public"}, "tell": tell})
    heard = []

    def listen(word):
        heard.append(word)
        return "thanks"

    assert await (await caller.get_service("teller")).tell(listen) == "thanks"
    assert heard == ["hello"]


async def test_clients_of_other_workspaces_are_out_of_reach(connect, toy):
    await connect(client_id="private-client")
    async with raw_socket(toy, "nosy", token="bob-token") as (socket, _):
        for target in ("ws-user-alice/private-client", "private-client", "ws-user-alice/*"):
            call = {"type": "method", "to": target, "method": "services.built-in.ping", "session": "s1"}
            await socket.send(msgpack.packb(call))
            main, extra = await answer(socket)
            assert main["method"] == "s1.reject"
            assert main["from"] == target
            assert "is not connected" in extra["args"][0]["_rvalue"]


async def test_the_sender_of_a_frame_cannot_be_forged(toy):
    async with (
        raw_socket(toy, "receiver", workspace="ws-shared") as (receiver, _),
        raw_socket(toy, "forger", token="bob-token", workspace="ws-shared") as (forger, _),
    ):
        call = {
            "type": "method",
            "from": "*/manager-armarium",
            "to": "receiver",
            "method": "x.y",
            "user": {"id": "root"},
        }
        await forger.send(msgpack.packb(call) + msgpack.packb({"args": [1]}))
        main, extra = await answer(receiver)
        assert main["from"] == "ws-shared/forger"
        assert main["user"]["id"] == "bob"
        assert extra == {"args": [1]}


async def test_events_reach_those_who_subscribed(connect, toy):
    listener = await connect(workspace="ws-shared")
    heard = asyncio.Event()
    listener.on("client_disconnected", lambda _: heard.set())
    async with raw_socket(toy, "leaver", token="bob-token", workspace="ws-shared"):
        pass
    await asyncio.wait_for(heard.wait(), 5)


async def test_events_of_the_server_cannot_be_forged(toy):
    async with (
        raw_socket(toy, "target", workspace="ws-shared") as (target, _),
        raw_socket(toy, "prankster", token="bob-token", workspace="ws-shared") as (prankster, _),
    ):
        for kind in ("force-exit", "peer_not_found", "client_disconnected", "error"):
            await prankster.send(msgpack.packb({"type": kind, "to": "ws-shared/target", "data": {"id": "x"}}))
            await prankster.send(msgpack.packb({"type": kind, "to": "*", "data": {"id": "x"}}))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(target.recv(), 0.3)


# coming back


@pytest.mark.parametrize("transport", ["websocket", "http"])
async def test_a_proxy_works_again_after_the_server_was_killed(transport):
    port = free_port()
    config = {"server_url": f"http://127.0.0.1:{port}", "token": "alice-token", "transport": transport}
    with toy_process(port):
        server = await connect_to_server(config)
        toy = await server.get_service("public/toy")
        assert await toy.echo(1) == 1
    with toy_process(port):
        assert await _until_it_works(toy.echo, 2) == 2
        await server.disconnect()


async def _until_it_works(function, *args):
    for _ in range(20):
        with contextlib.suppress(Exception):
            return await asyncio.wait_for(function(*args), 3)
        await asyncio.sleep(0.3)
    return None


async def test_calls_finish_before_the_server_stops():
    with serving_toy() as toy:
        server = await connect_to_server({"server_url": toy.url, "token": "alice-token"})
        service = await server.get_service("public/toy")
        call = asyncio.ensure_future(service.slow(1))
        await asyncio.sleep(0.2)
        toy.server.should_exit = True
        assert await call == "done"
        await server.disconnect()


async def test_a_lost_connection_is_replaced_by_the_same_client(toy):
    async with raw_socket(toy, "again") as (_, info):
        with contextlib.suppress(websockets.ConnectionClosed):
            async with raw_socket(toy, "again", reconnection_token=info["reconnection_token"]) as (_, second):
                assert second["type"] == "connection_info"
    async with raw_socket(toy, "again"):
        refused, code = await refusal(toy, hello(client_id="again", token="alice-token"))
        assert "already active" in refused["message"]
        assert code == 1001


async def test_a_good_token_outweighs_a_bad_reconnection_token(toy):
    async with raw_socket(toy, "weighed", reconnection_token="stale") as (_, info):
        assert info["type"] == "connection_info"


async def test_tokens_are_refreshed_and_pings_answered(toy):
    async with raw_socket(toy, "refresher") as (socket, info):
        await socket.send('{"type":"ping"}')
        assert json.loads(await socket.recv()) == {"type": "pong"}
        await socket.send('{"type":"refresh_token"}')
        fresh = json.loads(await socket.recv())
        assert fresh["type"] == "reconnection_token"
        assert fresh["reconnection_token"] != info["reconnection_token"]


# strangers


@pytest.mark.parametrize(
    ("first_frame", "code", "words"),
    [
        (hello(token="forged"), 1008, "Authentication error"),
        (hello(token="bob-token", workspace="ws-user-alice"), 1001, "Failed to establish connection"),
        (hello(workspace="ws-user-alice"), 1001, "Permission denied"),
        (hello(client_id="a/b"), 1001, "client id"),
        (hello(client_id=""), 1001, "client id"),
        (hello(client_id="manager-armarium"), 1001, "client id"),
        (hello(workspace="x" * 3000), 1001, "Permission denied"),
        ("not json", 1003, "decode"),
        ('{"client_id": 5}', 1003, "decode"),
        ("[" * 5000, 1003, "decode"),
        (b"\x81\xa1", 1003, "decode"),
        ("x" * 100_000, 1003, "decode"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_strangers_are_told_why_they_are_refused(toy, first_frame, code, words):
    message, closed_with = await refusal(toy, first_frame)
    assert message["type"] == "error"
    assert words in message["message"]
    assert closed_with == code


async def test_the_client_shows_why_it_was_refused(toy):
    with pytest.raises(ConnectionAbortedError, match="Authentication error: The token is not valid"):
        await connect_to_server({"server_url": toy.url, "token": "forged"})


async def test_a_socket_that_says_nothing_is_closed():
    sent = []

    async def receive():
        if not sent:
            return {"type": "websocket.connect"}
        return await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    with serving_toy() as toy:
        await WebSocketDoor(toy.hub, hello_seconds=0.05)({"type": "websocket"}, receive, send)
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.send", "websocket.close"]
    assert sent[-1]["code"] == 1008


GARBAGE = [
    b"",
    b"\x00",
    os.urandom(1000),
    b"\x91" * 50_000,
    msgpack.packb([1, 2]),
    msgpack.packb({"type": "method", "to": 5}),
    msgpack.packb({"type": 1, "to": None}),
    msgpack.packb({**READ_CALL, "method": "services.toy"}),
    msgpack.packb({**READ_CALL, "method": "." * 10_000}),
    msgpack.packb({**READ_CALL, "method": "services.built-in.message_cache.process"}) + msgpack.packb({"args": ["k"]}),
    msgpack.packb({**READ_CALL, "session": None}) + msgpack.packb({"args": [{"_rtype": "ndarray"}]}),
    msgpack.packb(READ_CALL) + msgpack.packb({"args": "no list", "promise": 5}),
    msgpack.packb(READ_CALL) + msgpack.packb({"args": [], "with_kwargs": True}),
    msgpack.packb(READ_CALL) + b"\xc1",
    msgpack.packb({"type": "method", "to": "public/armarium", "method": "s1.resolve"}) + msgpack.packb({"args": 1}),
    msgpack.packb({"type": "method", "to": "*", "method": "services.built-in.ping", "session": "s2"}),
    msgpack.packb({"to": "*"}),
    "text that is no JSON",
    '{"type":"unknown"}',
    "[]",
    "x" * 100_000,
]


async def test_garbage_neither_stops_the_server_nor_cuts_the_connection(toy):
    async with raw_socket(toy, "vandal") as (socket, _):
        for frame in GARBAGE:
            await socket.send(frame)
        call = {**READ_CALL, "session": "after-all-that"}
        await socket.send(msgpack.packb(call) + msgpack.packb({"args": ["x"], "promise": "*", "t": 5}))
        while (frames := await answer(socket))[0]["method"] != "after-all-that.resolve":
            assert frames[0]["method"].endswith(".reject")


async def test_a_frame_beyond_the_limit_costs_only_its_own_connection(toy):
    async with raw_socket(toy, "huge") as (socket, _):
        with contextlib.suppress(websockets.ConnectionClosed):
            await socket.send(bytes(17 * 1024 * 1024))
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()
    async with raw_socket(toy, "next") as (_, info):
        assert info["type"] == "connection_info"


async def test_unfinished_messages_are_limited():
    limits = Limits(chunks=ChunkLimits(total_bytes=1_000_000, messages=3))
    with serving_toy(limits=limits) as toy:
        server = await connect_to_server({"server_url": toy.url, "token": "alice-token"})
        service = await server.get_service("public/toy")
        with pytest.raises(Exception, match="limited to"):
            await service.size(bytes(3_000_000))
        assert await service.size(bytes(600_000)) == 600_000
        await server.disconnect()


async def test_a_visitor_sends_little(connect):
    service = await (await connect(token=None)).get_service("public/toy")
    assert await service.size(bytes(3_000_000)) == 3_000_000
    with pytest.raises(Exception, match="limited to 4 MiB"):
        await service.size(bytes(5_000_000))


async def test_a_silent_connection_is_closed():
    with serving_toy(limits=Limits(idle_seconds=0.3)) as toy:
        async with raw_socket(toy, "silent") as (socket, _):
            with pytest.raises(websockets.ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 5)
            assert socket.close_code == 1001


async def test_a_client_that_vanishes_fails_what_others_asked_of_it(connect, toy):
    caller = await connect(token="bob-token", workspace="ws-shared")
    async with raw_socket(toy, "vanisher", workspace="ws-shared") as (socket, _):
        info = {"id": "ws-shared/vanisher:thing", "config": {}}
        call = {
            "type": "method",
            "to": "*/manager-armarium",
            "method": "services.default.register_service",
            "session": "r",
        }
        await socket.send(msgpack.packb(call) + msgpack.packb({"args": [info], "promise": "*", "t": 5}))
        await answer(socket)
        fetching = asyncio.ensure_future(caller.get_service("thing"))
        await answer(socket)
    with pytest.raises(RemoteException, match="client is gone"):
        await fetching


def test_a_stopped_server_leaves_no_thread():
    before = threading.active_count()
    with serving_toy() as toy:
        wait_for_port(toy.port)
    assert threading.active_count() == before


async def test_a_terminated_server_exits():
    port = free_port()
    with toy_process(port) as process:
        server = await connect_to_server({"server_url": f"http://127.0.0.1:{port}", "token": "alice-token"})
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 15) in {0, -signal.SIGTERM}
        await server.disconnect()
