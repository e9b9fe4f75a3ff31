"""The workspace manager: what Hypha clients ask the server itself."""

from typing import Any

from armarium.domain.errors import Forbidden, Invalid, NotFound
from armarium.domain.principal import Role
from armarium.faces.hypha.builtin import builtin_service
from armarium.faces.hypha.directory import Directory
from armarium.faces.hypha.hub import Hub
from armarium.faces.hypha.identity import Session, role_letter, user_info
from armarium.faces.hypha.rpc import Peer
from armarium.faces.hypha.services import Service, connection_function, functions

Config = dict[str, Any] | None
_MAX_SERVICES = 200
_MAX_EVENTS = 100


class Manager:
    """The functions of the `default` service, one method each."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._identity = hub.identity
        self._directory = Directory(hub)

    def service(self) -> Service:
        names = [name for name in vars(type(self)) if not name.startswith("_") and name != "service"]
        calls = {name: getattr(self, name) for name in names}
        return Service(
            id="default",
            name="Workspace manager",
            description="Finds services, mints tokens and keeps workspaces.",
            type="workspace-manager",
            functions=functions(calls),
        )

    # services

    async def get_service(self, session: Session, service_id: str, config: Config = None) -> Any:
        """Fetch a service with its functions."""
        return await self._directory.fetch(session, service_id)

    async def get_service_info(self, session: Session, service_id: str, config: Config = None) -> dict[str, Any]:
        """Describe one service without its functions."""
        return self._directory.info(session, service_id)

    async def list_services(
        self, session: Session, query: dict[str, Any] | str | None = None, pagination: bool = False
    ) -> list[dict[str, Any]]:
        """List the services of the current workspace, or those a query selects."""
        return self._directory.select(session, query)

    @connection_function
    async def register_service(self, peer: Peer, service: dict[str, Any], config: Config = None) -> None:
        """Announce a service of this client to its workspace."""
        name = _local_name(service.get("id"))
        if name == "built-in":
            # Every client announces it at connect and tries for ever if it is refused.
            return
        await self._require(peer.session, peer.workspace, Role.READ_WRITE)
        if name not in peer.services and len(peer.services) >= _MAX_SERVICES:
            raise Invalid("service", "This client has registered too many services.")
        peer.services[name] = {key: value for key, value in service.items() if isinstance(key, str)}

    @connection_function
    async def unregister_service(self, peer: Peer, service_id: str) -> None:
        """Withdraw a service of this client."""
        if peer.services.pop(_local_name(service_id), None) is None:
            raise NotFound("service", service_id, f"Service not found: {service_id}")

    # events

    @connection_function
    async def subscribe(self, peer: Peer, event_type: str | list[str]) -> bool:
        """Ask to be told of events of the workspace."""
        events = _event_names(event_type)
        if len(peer.subscriptions | events) > _MAX_EVENTS:
            raise Invalid("event_type", "This client has subscribed to too many events.")
        peer.subscriptions |= events
        return True

    @connection_function
    async def unsubscribe(self, peer: Peer, event_type: str | list[str]) -> bool:
        """Stop being told of events."""
        peer.subscriptions -= _event_names(event_type)
        return True

    # tokens

    async def generate_token(self, session: Session, config: Config = None) -> str:
        """Mint a token for the current workspace, or as config says."""
        return await self._identity.generate_token(session, config or {})

    async def parse_token(self, session: Session, token: str) -> dict[str, Any]:
        """Say whom a token stands for."""
        return await self._identity.parse_token(session, token)

    async def revoke_token(self, session: Session, token: str) -> None:
        """Make a token worthless."""
        await self._identity.revoke_token(session, token)

    # workspaces

    async def create_workspace(
        self, session: Session, config: dict[str, Any], overwrite: bool = False
    ) -> dict[str, Any]:
        """Create a workspace owned by the caller."""
        return await self._identity.create_workspace(session, config, overwrite)

    async def delete_workspace(self, session: Session, workspace: str) -> None:
        """Delete a workspace and what is in it."""
        await self._identity.delete_workspace(session, workspace)

    async def list_workspaces(
        self, session: Session, match: Config = None, offset: int = 0, limit: int = 256
    ) -> list[dict[str, Any]]:
        """List the workspaces the caller belongs to."""
        found = await self._identity.list_workspaces(session, max(offset, 0), min(max(limit, 0), 256))
        wanted = match or {}
        return [item for item in found if all(item.get(key) == value for key, value in wanted.items())]

    async def get_workspace_info(self, session: Session, workspace: str | None = None) -> dict[str, Any]:
        """Describe a workspace."""
        return await self._identity.workspace_info(session, workspace or session.workspace)

    # the state of things

    async def get_summary(self, session: Session) -> dict[str, Any]:
        """Count the clients and services of the current workspace."""
        clients = self._hub.peers_in(session.workspace)
        services = self._directory.select(session, session.workspace)
        return {
            "name": session.workspace,
            "description": "",
            "client_count": len(clients),
            "clients": [{"id": peer.client_id, "user": peer.user} for peer in clients],
            "service_count": len(services),
            "services": services,
        }

    async def list_clients(self, session: Session, workspace: str | None = None) -> list[dict[str, Any]]:
        """List who is connected to a workspace."""
        workspace = workspace or session.workspace
        if workspace != session.workspace:
            await self._require(session, workspace, Role.READ)
        return [{"id": f"{workspace}/{peer.client_id}", "user": peer.user} for peer in self._hub.peers_in(workspace)]

    async def check_status(self, session: Session) -> dict[str, Any]:
        """Say whether the workspace is ready, and what the caller may do in it."""
        role = await self._identity.role(session, session.workspace)
        return {"status": "ready", "errors": None, "user_permission": role_letter(role)}

    async def whoami(self, session: Session) -> dict[str, Any]:
        """Describe the caller."""
        return user_info(session)

    async def echo(self, session: Session, data: Any) -> Any:
        """Return what was sent."""
        return data

    async def ping(self, session: Session, client_id: str | None = None, timeout: float = 5.0) -> str:
        """Ask a client of the workspace, or the server, for a sign of life."""
        if client_id is None:
            return "pong"
        peer = self._hub.peer(session.workspace, client_id.rpartition("/")[2])
        if peer is None:
            raise NotFound("client", client_id, f"Client not found: {client_id}")
        return str(await peer.call(self._hub.manager.address, "services.built-in.ping", "ping"))

    async def _require(self, session: Session, workspace: str, needed: Role) -> None:
        role = await self._identity.role(session, workspace)
        if role is None or role < needed:
            raise Forbidden("workspace", f"Permission denied for workspace '{workspace}'.")


def _local_name(service_id: object) -> str:
    """`ws/client:name@app` -> `name`. Raises Invalid."""
    name = service_id.rpartition(":")[2].partition("@")[0] if isinstance(service_id, str) else ""
    if not name or len(name) > 256:
        raise Invalid("id", "A service needs an id.")
    return name


def _event_names(events: str | list[str]) -> set[str]:
    names = {events} if isinstance(events, str) else set(events)
    if not all(isinstance(name, str) and len(name) <= 256 for name in names):
        raise Invalid("event_type", "The name of an event is a short text.")
    return names


def open_services(hub: Hub) -> None:
    """Put the manager and the built-in services on the hub."""
    hub.manager.offer(builtin_service(hub.manager, hub.base_url))
    hub.manager.offer(Manager(hub).service())
    hub.provider.offer(builtin_service(hub.provider, hub.base_url))
