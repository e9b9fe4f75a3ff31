"""The meeting point of all connections of one process: who is there, and where a frame goes."""

import asyncio
import contextlib
import logging
import time
from typing import Any

import msgspec

from armarium.domain.errors import ArmariumError, Conflict, Invalid, NotAuthenticated, Unavailable
from armarium.faces.hypha import frames
from armarium.faces.hypha.errors import NoSuchClient, error_text
from armarium.faces.hypha.frames import Routing
from armarium.faces.hypha.identity import Identity
from armarium.faces.hypha.rpc import VISITOR_LIMITS, Carrier, Encoded, Endpoint, Limits, Peer
from armarium.faces.hypha.schemas import Hello
from armarium.faces.hypha.services import Service

log = logging.getLogger(__name__)

# Proxies that clients hold survive a restart of the server only if these ids do.
MANAGER_ID = "manager-armarium"
PROVIDER_ID = "armarium"
PUBLIC_WORKSPACE = "public"

_SERVER_EVENTS = {"method", "error", "peer_not_found", "force-exit", "client_connected", "client_disconnected"}


class Refused(Exception):  # noqa: N818 - the error tree is told in words, and so is this
    """A client is not let in.

    code, status: how WebSocket and HTTP say so.
    is_final: whether the client should give up; otherwise it comes back on its own.
    """

    def __init__(self, message: str, code: int, status: int, *, is_final: bool = True) -> None:
        super().__init__(message)
        self.is_final = is_final
        self.message = message
        self.code = code
        self.status = status


class Hub:
    """All clients of this process, and the services the server itself offers them.

    base_url: the address under which clients reach the server; part of what they are told at connect.
    limits, visitor_limits: what one connection may ask for, with a credential and without.
    """

    def __init__(
        self,
        identity: Identity,
        *,
        base_url: str,
        version: str,
        limits: Limits | None = None,
        visitor_limits: Limits = VISITOR_LIMITS,
        most_connections: int = 10_000,
    ) -> None:
        self.identity = identity
        self.base_url = base_url
        self.version = version
        self.limits = limits or Limits()
        self.visitor_limits = visitor_limits
        self._most_connections = most_connections
        self.manager = Endpoint(f"*/{MANAGER_ID}")
        self.provider = Endpoint(f"{PUBLIC_WORKSPACE}/{PROVIDER_ID}")
        self._endpoints = {endpoint.address: endpoint for endpoint in (self.manager, self.provider)}
        self._workspaces: dict[str, dict[str, Peer]] = {}
        self._draining = False

    # who is there

    def peers_in(self, workspace: str) -> list[Peer]:
        return list(self._workspaces.get(workspace, {}).values())

    def peer(self, workspace: str, client_id: str) -> Peer | None:
        return self._workspaces.get(workspace, {}).get(client_id)

    def __len__(self) -> int:
        return sum(len(peers) for peers in self._workspaces.values())

    async def admit(self, hello: Hello, carrier: Carrier) -> Peer:
        """Let a client in. Raises Refused."""
        if self._draining:
            raise Refused("The server is restarting.", 1012, 503, is_final=False)
        try:
            return await self._admit(hello, carrier)
        except Unavailable as exc:
            raise Refused(exc.message, 1013, 503, is_final=False) from exc
        except NotAuthenticated as exc:
            raise Refused(f"Authentication error: {exc.message}", 1008, 401) from exc
        except ArmariumError as exc:
            raise Refused(f"Failed to establish connection: {exc.message}", 1001, 403) from exc
        except Exception as exc:
            raise Refused(error_text(exc), 1011, 500, is_final=False) from exc

    async def _admit(self, hello: Hello, carrier: Carrier) -> Peer:
        client_id = _checked_client_id(hello.client_id)
        if len(self) >= self._most_connections:
            raise Unavailable("The server has as many connections as it takes.", retry_after_seconds=10)
        identity = self.identity
        session = await identity.connect(hello.token, hello.reconnection_token, hello.workspace, client_id)
        session = msgspec.structs.replace(session, client_id=client_id)
        limits = self.visitor_limits if session.principal.is_anonymous else self.limits
        peer = Peer(session, client_id, carrier, self, limits)
        self._supersede(peer, came_back=hello.reconnection_token is not None)
        self._workspaces.setdefault(peer.workspace, {})[client_id] = peer
        return peer

    def _supersede(self, peer: Peer, *, came_back: bool) -> None:
        """Make room for a client that lost its connection before we noticed."""
        old = self.peer(peer.workspace, peer.client_id)
        if old is None:
            return
        if not came_back or old.session.principal.id != peer.session.principal.id:
            raise Conflict(f"Client '{peer.client_id}' is already active in the workspace.")
        old.close(1001, "replaced by a new connection of the same client")
        self.leave(old)

    def leave(self, peer: Peer) -> None:
        """Forget a client whose connection is gone."""
        peer.end()
        peers = self._workspaces.get(peer.workspace, {})
        if peers.get(peer.client_id) is not peer:
            return
        del peers[peer.client_id]
        if not peers:
            del self._workspaces[peer.workspace]
        self.emit(peer.workspace, "client_disconnected", {"id": peer.client_id, "workspace": peer.workspace})

    async def connection_info(self, peer: Peer) -> dict[str, Any]:
        """What a client is told once it is in."""
        token, lifetime = await self.identity.reconnection_token(peer.session, peer.client_id)
        return {
            "type": "connection_info",
            "hypha_version": self.version,
            "public_base_url": self.base_url,
            "local_base_url": self.base_url,
            "manager_id": MANAGER_ID,
            "workspace": peer.workspace,
            "client_id": peer.client_id,
            "user": peer.user,
            "reconnection_token": token,
            "reconnection_token_life_time": lifetime,
        }

    async def control(self, peer: Peer, kind: str) -> None:
        """Answer a control message; unknown ones are ignored."""
        peer.last_heard = time.monotonic()
        if kind == "ping":
            peer.carrier.tell({"type": "pong"})
        elif kind == "refresh_token":
            with contextlib.suppress(ArmariumError):
                token, _ = await self.identity.reconnection_token(peer.session, peer.client_id)
                peer.carrier.tell({"type": "reconnection_token", "reconnection_token": token})

    # where a frame goes

    def offer(self, service: Service) -> None:
        """Offer a service to everybody, as `public/<service id>`."""
        self.provider.offer(service)

    def endpoint_in(self, workspace: str, client_id: str | None) -> Endpoint | None:
        """The endpoint of ours with this address; without a client id, the one in the workspace."""
        if client_id is None:
            return self.provider if workspace == PUBLIC_WORKSPACE else None
        return self._endpoints.get(f"{workspace}/{client_id}")

    def route(self, peer: Peer, routing: Routing, payload: Encoded) -> None:
        """Answer a frame, pass it on within the workspace, or say that nobody is there."""
        endpoint = self._endpoints.get(routing.to)
        if endpoint is not None:
            if routing.type == "method":
                peer.serve(endpoint, routing, payload)
        elif routing.to == "*":
            self._broadcast(peer, routing)
        else:
            self._forward(peer, routing, payload)

    def emit(self, workspace: str, event: str, data: Any) -> None:
        """Tell every client of a workspace that subscribed to an event."""
        encoded = msgspec.Raw(msgspec.msgpack.encode(data))
        sender = self.manager.address
        self._publish(workspace, Routing(event, sender, f"{workspace}/*", ws=workspace, data=encoded))

    def _broadcast(self, peer: Peer, routing: Routing) -> None:
        if routing.type not in _SERVER_EVENTS:
            event = Routing(routing.type, peer.address, f"{peer.workspace}/*", ws=peer.workspace, data=routing.data)
            event.user = peer.user
            self._publish(peer.workspace, event)

    def _publish(self, workspace: str, event: Routing) -> None:
        listeners = [peer for peer in self.peers_in(workspace) if event.type in peer.subscriptions]
        if listeners:
            frame = frames.encode(event)
            for peer in listeners:
                peer.send(frame)

    def _forward(self, peer: Peer, routing: Routing, payload: Encoded) -> None:
        workspace, _, client_id = routing.to.rpartition("/")
        target = self.peer(peer.workspace, client_id) if workspace in {"", peer.workspace} else None
        if target is None or routing.type in _SERVER_EVENTS - {"method"}:
            peer.refuse(routing, NoSuchClient(f"Target peer {routing.to[:200]} is not connected."))
            return
        routing.sender = peer.address
        routing.to = target.address
        routing.ws = peer.workspace
        routing.user = peer.user
        target.send(frames.forward(routing, payload))

    # the end

    async def drain(self, grace_seconds: float = 10.0) -> None:
        """Take no new calls, let those under way finish, then close every connection."""
        self._draining = True
        peers = [peer for group in self._workspaces.values() for peer in group.values()]
        for peer in peers:
            peer.draining = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                await asyncio.gather(*(peer.finish() for peer in peers))
        for peer in peers:
            peer.close(1012, "the server is restarting")


def _checked_client_id(client_id: str) -> str:
    if not client_id or len(client_id) > 128:
        raise Invalid("client_id", "A client id of 1 to 128 characters is needed.")
    if any(character in "/:@*" or not character.isprintable() for character in client_id):
        raise Invalid("client_id", "A client id cannot contain '/', ':', '@' or '*'.")
    if client_id in {MANAGER_ID, PROVIDER_ID}:
        raise Invalid("client_id", "This client id belongs to the server.")
    return client_id
