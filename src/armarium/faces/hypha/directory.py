"""Finding services: the server's own and those that clients of a workspace offer each other."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec

from armarium.domain.errors import Invalid, NotFound
from armarium.faces.hypha.hub import Hub
from armarium.faces.hypha.identity import Session
from armarium.faces.hypha.rpc import Endpoint, Peer

_MANAGER_NAMES = {"~", "ws", "default"}


class ServiceId(msgspec.Struct, frozen=True):
    """A service id taken apart; client_id None means any client."""

    workspace: str
    client_id: str | None
    name: str

    @classmethod
    def parse(cls, text: object, current_workspace: str) -> "ServiceId":
        """Read `name`, `client:name`, `workspace/name` or `workspace/client:name`, each with an optional `@app`.

        Raises Invalid.
        """
        if not isinstance(text, str) or not 0 < len(text) <= 1000:
            raise Invalid("id", "A service id is a text such as 'public/artifact-manager'.")
        workspace, slash, rest = text.partition("@")[0].rpartition("/")
        client_id, colon, name = rest.rpartition(":")
        return cls(workspace if slash else current_workspace, client_id if colon and client_id != "*" else None, name)


class Directory:
    """Looks services up on a hub; a caller sees the public ones of the server and those of their own workspace."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def fetch(self, session: Session, service_id: str) -> Any:
        """A service with its functions. Raises NotFound."""
        found = self._find(session, service_id)
        if isinstance(found[0], Endpoint):
            endpoint, name = found
            service = endpoint.services[name]
            return self._with_url(service.describe(endpoint.address, self._hub.base_url), endpoint.address, name)
        peer, name = found
        described = await peer.call(self._hub.manager.address, "services.built-in.get_service", name)
        if not isinstance(described, dict):
            raise self._missing(service_id)
        described["id"] = f"{peer.address}:{name}"
        return self._with_url(described, peer.address, name)

    def info(self, session: Session, service_id: str) -> dict[str, Any]:
        """A service without its functions. Raises NotFound."""
        owner, name = self._find(session, service_id)
        return self._info(owner, name)

    def select(self, session: Session, query: dict[str, Any] | str | None) -> list[dict[str, Any]]:
        """The services a query selects, among those the caller can see."""
        wanted = _read_query(query, session.workspace)
        infos = (self._info(owner, name) for owner, name in self._visible(session))
        return [info for info in infos if _matches(info, wanted)]

    def _find(self, session: Session, service_id: str) -> tuple[Endpoint, str] | tuple[Peer, str]:
        if service_id in _MANAGER_NAMES:
            return self._hub.manager, "default"
        wanted = ServiceId.parse(service_id, session.workspace)
        endpoint = self._hub.endpoint_in(wanted.workspace, wanted.client_id)
        if endpoint is not None and wanted.name in endpoint.services:
            return endpoint, wanted.name
        if wanted.workspace == session.workspace:
            peer = self._offering(wanted)
            if peer is not None:
                return peer, wanted.name
        raise self._missing(service_id)

    def _offering(self, wanted: ServiceId) -> Peer | None:
        if wanted.client_id is not None:
            return self._hub.peer(wanted.workspace, wanted.client_id)
        peers = self._hub.peers_in(wanted.workspace)
        return next((peer for peer in peers if wanted.name in peer.services), None)

    def _visible(self, session: Session) -> Iterator[tuple[Endpoint, str] | tuple[Peer, str]]:
        provider = self._hub.provider
        yield from ((provider, name) for name in provider.services if name != "built-in")
        for peer in self._hub.peers_in(session.workspace):
            yield from ((peer, name) for name in peer.services)

    def _info(self, owner: Endpoint | Peer, name: str) -> dict[str, Any]:
        if isinstance(owner, Endpoint):
            return self._with_url(owner.services[name].info(owner.address), owner.address, name)
        known = owner.services.get(name, {})
        info = {key: known.get(key) for key in ("name", "type", "description", "docs", "app_id", "service_schema")}
        info["config"] = known.get("config")
        return self._with_url({"id": f"{owner.address}:{name}", **info}, owner.address, name)

    def _with_url(self, described: dict[str, Any], address: str, name: str) -> dict[str, Any]:
        workspace, _, client_id = address.partition("/")
        config = described.get("config")
        place = f"{quote(workspace)}/services/{quote(client_id)}:{quote(name)}"
        described["config"] = {
            **(config if isinstance(config, dict) else {}),
            "workspace": workspace,
            "url": f"{self._hub.base_url}/{place}",
        }
        return described

    @staticmethod
    def _missing(service_id: object) -> NotFound:
        shown = str(service_id)[:200]
        return NotFound("service", shown, f"Service not found: {shown}")


def _read_query(query: dict[str, Any] | str | None, current_workspace: str) -> dict[str, Any]:
    if query is None:
        return {"workspace": current_workspace}
    if isinstance(query, dict):
        return query
    if not isinstance(query, str):
        raise Invalid("query", "A query is a workspace, a service id or a map.")
    if "/" not in query and ":" not in query:
        return {"workspace": query}
    wanted = ServiceId.parse(query, current_workspace)
    return {"workspace": wanted.workspace, "client_id": wanted.client_id, "service_id": wanted.name}


def _matches(info: dict[str, Any], wanted: dict[str, Any]) -> bool:
    workspace, _, rest = str(info["id"]).partition("/")
    client_id, _, name = rest.rpartition(":")
    config = info.get("config") or {}
    actual = {
        "workspace": workspace, "client_id": client_id, "service_id": name,
        "type": info.get("type"), "app_id": info.get("app_id"), "visibility": config.get("visibility"),
    }  # fmt: skip
    return all(value in {None, "*"} or actual.get(key) == value for key, value in wanted.items() if key in actual)
