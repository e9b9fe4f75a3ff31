"""Where the doors of the Hypha wire are mounted."""

from starlette.routing import BaseRoute, Route, WebSocketRoute

from armarium.faces.hypha.hub import Hub
from armarium.faces.hypha.manager import open_services
from armarium.faces.hypha.stream import StreamDoor
from armarium.faces.hypha.websocket import WebSocketDoor


def hypha_rpc_routes(hub: Hub) -> list[BaseRoute]:
    """Put the server's own services on the hub and return the routes that lead to it."""
    open_services(hub)
    return [
        WebSocketRoute("/ws", WebSocketDoor(hub), name="hypha-ws"),
        Route("/rpc", StreamDoor(hub), methods=["GET", "POST"], name="hypha-rpc"),
    ]
