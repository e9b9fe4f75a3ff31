"""A server with a toy service and people kept in memory; `python -m tests.faces.hypha.toy <port>` runs it."""

import asyncio
import secrets
import sys
import time
from typing import Any

import msgspec
import uvicorn
from starlette.applications import Starlette

from armarium.domain.errors import AlreadyExists, Forbidden, Invalid, NotAuthenticated, NotFound
from armarium.domain.principal import Principal, Role, home_workspace
from armarium.faces.hypha.hub import Hub
from armarium.faces.hypha.identity import Session, user_info
from armarium.faces.hypha.routes import hypha_rpc_routes
from armarium.faces.hypha.services import Service, functions


def a_person(name: str, *workspaces: str, role: Role = Role.ADMIN) -> Principal:
    grants = dict.fromkeys((home_workspace(name), *workspaces), role)
    return Principal(id=name, email=f"{name}@test.com", grants=grants)


class People:
    """An identity provider that keeps tokens and workspaces in dictionaries; it survives no restart."""

    def __init__(self) -> None:
        self.tokens: dict[str, Principal] = {
            "alice-token": a_person("alice", "ws-shared"),
            "bob-token": a_person("bob", "ws-shared"),
            "reader-token": a_person("reader", role=Role.READ),
        }
        self.comebacks: dict[str, tuple[Principal, str, str]] = {}
        self.workspaces: dict[str, dict[str, Any]] = {"ws-shared": {"id": "ws-shared", "name": "shared"}}

    async def connect(
        self, token: str | None, reconnection_token: str | None, workspace: str | None, client_id: str
    ) -> Session:
        come_back = self.comebacks.get(reconnection_token or "")
        if come_back is not None and come_back[2] == client_id:
            return Session(principal=come_back[0], workspace=come_back[1])
        if token is None and reconnection_token is None:
            return self._visitor(workspace)
        principal = self.tokens.get(token or "")
        if principal is None:
            raise NotAuthenticated("The token is not valid.")
        target = workspace or principal.current_workspace or home_workspace(principal.id)
        if principal.role_in(target) is None:
            raise Forbidden("connect", f"Permission denied for workspace '{target}'.")
        return Session(principal=principal, workspace=target)

    def _visitor(self, workspace: str | None) -> Session:
        name = f"anonymouz-{secrets.token_hex(4)}"
        home = home_workspace(name)
        if workspace not in {None, home}:
            raise Forbidden("connect", f"Permission denied for workspace '{workspace}'.")
        principal = Principal(id=name, is_anonymous=True, roles=("anonymous",), grants={home: Role.ADMIN})
        return Session(principal=principal, workspace=home)

    async def reconnection_token(self, session: Session, client_id: str) -> tuple[str, float]:
        token = secrets.token_hex(16)
        self.comebacks[token] = (session.principal, session.workspace, client_id)
        return token, 172800.0

    async def role(self, session: Session, workspace: str) -> Role | None:
        return session.principal.role_in(workspace)

    async def generate_token(self, session: Session, config: dict[str, Any]) -> str:
        token = secrets.token_hex(16)
        workspace = config.get("workspace") or session.workspace
        self.tokens[token] = msgspec.structs.replace(
            session.principal,
            id=f"child-{token[:6]}",
            parent=session.principal.id,
            current_workspace=workspace,
            grants={workspace: Role.READ_WRITE},
            expires_at=time.time() + config.get("expires_in", 3600),
        )
        return token

    async def parse_token(self, session: Session, token: str) -> dict[str, Any]:
        principal = self.tokens.get(token)
        if principal is None:
            raise NotAuthenticated("The token is not valid.")
        return user_info(Session(principal=principal, workspace=session.workspace))

    async def revoke_token(self, session: Session, token: str) -> None:
        self.tokens.pop(token, None)

    async def create_workspace(self, session: Session, config: dict[str, Any], overwrite: bool) -> dict[str, Any]:
        name = config["id"]
        if name in self.workspaces and not overwrite:
            raise AlreadyExists("workspace", name, f"Workspace already exists: {name}")
        self.workspaces[name] = {"id": name, "name": name, "description": "", "persistent": True, **config}
        return self.workspaces[name]

    async def delete_workspace(self, session: Session, workspace: str) -> None:
        if self.workspaces.pop(workspace, None) is None:
            raise NotFound("workspace", workspace)

    async def list_workspaces(self, session: Session, offset: int, limit: int) -> list[dict[str, Any]]:
        return list(self.workspaces.values())[offset : offset + limit]

    async def workspace_info(self, session: Session, workspace: str) -> dict[str, Any]:
        return self.workspaces.get(workspace) or {"id": workspace, "name": workspace}


ARTIFACT = {
    "id": "ws-user-alice/dataset-gallery",
    "type": "collection",
    "workspace": "ws-user-alice",
    "manifest": {"name": "G", "description": "d", "nested": {"a": [1, {"b": 7}]}},
    "versions": [{"version": "v0", "comment": "Initial version", "created_at": 1795299624}],
    "config": {"permissions": {"*": "r", "@": "r+"}},
    "file_count": 0,
    "download_count": 0.0,
}


async def read(session: Session, artifact_id: str, silent: bool = False, version: str | None = None) -> dict[str, Any]:
    """Read an artifact.

    This second line is not for the wire.
    """
    if artifact_id == "missing":
        message = "Artifact with ID 'ws-user-alice/missing' does not exist."
        raise NotFound("artifact", artifact_id, message)
    return ARTIFACT


async def echo(session: Session, data: Any = None, **more: Any) -> Any:
    return more or data


async def odd_keys(session: Session) -> Any:
    return {1: "one", None: {True: "yes"}, "pair": (1, 2), "set": {3}}


async def size(session: Session, data: bytes) -> int:
    return len(data)


async def slow(session: Session, seconds: float = 1.0) -> str:
    await asyncio.sleep(seconds)
    return "done"


async def who(session: Session) -> dict[str, Any]:
    return {"user": session.principal.id, "workspace": session.workspace}


async def fail(session: Session, kind: str) -> None:
    raise {
        "file": NotFound("file", "a.txt"),
        "forbidden": Forbidden("read"),
        "invalid": Invalid("x", "That will not do."),
        "bug": RuntimeError("a secret of the server"),
    }[kind]


async def apply(session: Session, function: Any, value: Any) -> Any:
    return await function(value)


def toy_service() -> Service:
    calls = {
        "read": read, "echo": echo, "odd_keys": odd_keys, "size": size, "slow": slow, "who": who, "fail": fail,
        "apply": apply, "nested.echo": echo,
    }  # fmt: skip
    return Service(id="toy", name="Toy", description="For tests", functions=functions(calls))


def toy_app(base_url: str, people: People | None = None, **options: Any) -> tuple[Starlette, Hub]:
    hub = Hub(people or People(), base_url=base_url, version="0.21.137", **options)
    hub.offer(toy_service())
    return Starlette(routes=hypha_rpc_routes(hub)), hub


def toy_config(app: Any, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        log_level="warning",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_max_size=16 * 1024 * 1024,
        ws_ping_interval=None,
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    number = int(sys.argv[1])
    application, _ = toy_app(f"http://127.0.0.1:{number}")
    uvicorn.Server(toy_config(application, number)).run()
