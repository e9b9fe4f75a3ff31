"""The service every address of ours has: what it offers, and the pieces of big messages."""

from typing import Any

from armarium.domain.errors import Invalid, NotFound
from armarium.faces.hypha.frames import FrameError
from armarium.faces.hypha.rpc import Endpoint, Peer
from armarium.faces.hypha.services import Service, connection_function, functions


def builtin_service(endpoint: Endpoint, base_url: str) -> Service:
    """Make the `built-in` service of an endpoint."""

    @connection_function
    async def get_service(peer: Peer, service_id: str) -> dict[str, Any]:
        service = endpoint.services.get(service_id)
        if service is None:
            raise NotFound("service", str(service_id)[:200], f"Service not found: {str(service_id)[:200]}")
        return service.describe(endpoint.address, base_url)

    @connection_function
    async def process(peer: Peer, key: str, heartbeat: bool = False) -> None:
        try:
            peer.receive_assembled(peer.incoming.take(key), endpoint.address)
        except FrameError as exc:
            raise Invalid("key", "The message cannot be read.") from exc

    calls = {
        "ping": _ping,
        "get_service": get_service,
        "message_cache.create": _create,
        "message_cache.append": _append,
        "message_cache.set": _set,
        "message_cache.process": process,
        "message_cache.remove": _remove,
    }
    return Service(id="built-in", name="built-in", type="built-in", functions=functions(calls))


@connection_function
async def _ping(peer: Peer, message: str = "ping") -> str:
    return "pong"


@connection_function
async def _create(peer: Peer, key: str, heartbeat: bool = False, overwrite: bool = False) -> None:
    peer.incoming.create(key)


@connection_function
async def _append(peer: Peer, key: str, data: bytes, heartbeat: bool = False) -> None:
    peer.incoming.append(key, data)


@connection_function
async def _set(peer: Peer, key: str, index: int, data: bytes, heartbeat: bool = False) -> None:
    peer.incoming.set(key, index, data)


@connection_function
async def _remove(peer: Peer, key: str) -> None:
    peer.incoming.remove(key)
