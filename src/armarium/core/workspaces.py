"""Workspaces: who may make, see, share and remove them."""

from collections.abc import Mapping

import msgspec

from armarium.core.interruptions import again_if_interrupted
from armarium.domain.account import (
    ANONYMOUS_WORKSPACE,
    HOME_PREFIX,
    PUBLIC_WORKSPACE,
    User,
    Workspace,
    checked_new_workspace,
    checked_user_id,
)
from armarium.domain.errors import AlreadyExists, Conflict, Forbidden, Invalid, NotFound
from armarium.domain.principal import ROOT, Principal, Role, home_workspace
from armarium.domain.query import Query, Stage
from armarium.ports.catalog import Catalog, Event, Reader, Transaction
from armarium.ports.clock import Clock

MAX_OWNED = 100
"""Workspaces a user may own; operators may own any number."""


class Workspaces:
    """Use cases around workspaces and their members."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    async def create(
        self,
        principal: Principal,
        name: str,
        *,
        title: str = "",
        description: str = "",
        persistent: bool = True,
        owner: str | None = None,
        members: Mapping[str, Role] | None = None,
        overwrite: bool = False,
    ) -> Workspace:
        """Add a workspace.

        owner: someone other than the caller, which takes an operator. members: others who get a role in it.
        overwrite: an existing workspace the caller is an admin of takes the new title and description instead.
        Raises Forbidden, Invalid (the name), AlreadyExists, NotFound (the owner).
        """
        _require_login(principal, "create_workspace")
        if owner not in (None, principal.effective_id):
            require_site_admin(principal, "create_workspace")
        workspace = Workspace(
            name=checked_new_workspace(name, hyphen=not principal.is_site_admin),
            title=title,
            description=description,
            owner=owner or principal.effective_id,
            persistent=persistent,
            created_at=self._clock.now(),
        )
        async with self._catalog.transaction() as tx:
            if not await self._insert(tx, principal, workspace):
                if not overwrite:
                    raise AlreadyExists("workspace", name, f"Workspace already exists: {name}")
                await self._require(tx, principal, name, Role.ADMIN, "create_workspace")
                await tx.update_workspace(workspace)
            for user_id, role in (members or {}).items():
                await tx.put_member(name, checked_user_id(user_id), role)
            await self._tell(tx, principal, name, "create_workspace")
        return await self.get(principal, name)

    async def _insert(self, tx: Transaction, principal: Principal, workspace: Workspace) -> bool:
        owner = workspace.owner or ""
        if await tx.find_user(owner) is None:
            raise NotFound("user", owner)
        if not await tx.insert_workspace(workspace):
            return False
        await tx.put_member(workspace.name, owner, Role.ADMIN)
        owned = [each for each in await tx.list_workspaces(member=owner) if each.owner == owner]
        if len(owned) > MAX_OWNED and not principal.is_site_admin:
            raise Forbidden("create_workspace", f"You already own {MAX_OWNED} workspaces, the most allowed.")
        return True

    @again_if_interrupted
    async def delete(self, principal: Principal, name: str) -> None:
        """Remove an empty workspace.

        Raises NotFound, Forbidden, Invalid (homes and the server's own stay), Conflict while it holds artifacts.
        """
        if name in (PUBLIC_WORKSPACE, ANONYMOUS_WORKSPACE) or name.startswith(HOME_PREFIX):
            raise Invalid("workspace", f"Workspace '{name}' cannot be deleted.")
        async with self._catalog.transaction() as tx:
            await self._require(tx, principal, name, Role.ADMIN, "delete_workspace")
            held = await tx.count_artifacts(Query(workspace=name, stage=Stage.ANY))
            if held:
                raise Conflict(f"Workspace '{name}' still holds {held} artifacts: delete or move them first.")
            await tx.delete_workspace(name)
            await self._tell(tx, principal, name, "delete_workspace")

    async def list(self, principal: Principal, *, offset: int = 0, limit: int = 256) -> list[Workspace]:
        """The workspaces the caller has a role in, by name; operators see all of them."""
        if principal.is_site_admin:
            return await self._catalog.list_workspaces(member=None, offset=offset, limit=limit)
        if principal.uses_memberships:
            return await self._catalog.list_workspaces(member=principal.effective_id, offset=offset, limit=limit)
        found = [await self._catalog.find_workspace(name) for name in sorted(principal.grants)]
        return [workspace for workspace in found if workspace is not None][offset : offset + limit]

    async def get(self, principal: Principal, name: str) -> Workspace:
        """Describe a workspace; `membership` is the caller's role. Raises NotFound, Forbidden."""
        return await self._require(self._catalog, principal, name, Role.READ, "get_workspace_info")

    async def role(self, principal: Principal, name: str) -> Role | None:
        """The caller's role in a workspace; None for none, and for a workspace that does not exist."""
        workspace = await self._catalog.find_workspace(name, viewer=_viewer(principal))
        return None if workspace is None or principal.is_limited else principal.role_in(name, workspace.membership)

    async def members(self, principal: Principal, name: str) -> dict[str, Role]:
        """User id -> role. Raises NotFound, Forbidden."""
        await self.get(principal, name)
        return await self._catalog.list_members(name)

    async def set_member(self, principal: Principal, name: str, user_id: str, role: Role | None) -> None:
        """Give a user a role in a workspace or, with None, take it away; the owner stays an admin.

        Raises NotFound (workspace or user), Forbidden, Conflict.
        """
        async with self._catalog.transaction() as tx:
            workspace = await self._require(tx, principal, name, Role.ADMIN, "set_member")
            if await tx.find_user(user_id) is None:
                raise NotFound("user", user_id)
            if user_id == workspace.owner and role is not Role.ADMIN:
                raise Conflict(f"User '{user_id}' owns workspace '{name}' and stays an admin of it.")
            await tx.put_member(name, user_id, role)
            said = f"{user_id}: {role.name.lower() if role else 'removed'}"
            await self._tell(tx, principal, name, "set_member", said)

    async def require(self, principal: Principal, name: str, role: Role, action: str) -> Workspace:
        """Return the workspace if the caller has a role in it. Raises NotFound, Forbidden (`action`)."""
        return await self._require(self._catalog, principal, name, role, action)

    async def _require(self, reader: Reader, principal: Principal, name: str, role: Role, action: str) -> Workspace:
        workspace = await reader.find_workspace(name, viewer=_viewer(principal))
        if workspace is None:
            raise NotFound("workspace", name)
        held = None if principal.is_limited else principal.role_in(name, workspace.membership)
        if held is None or held < role:
            raise Forbidden(action, f"User does not have permission '{action}' on workspace '{name}'.")
        return msgspec.structs.replace(workspace, membership=held)

    async def prepare(self) -> None:
        """Make sure that the server's own workspaces and their owner exist."""
        async with self._catalog.transaction() as tx:
            await add_user(tx, User(id=ROOT.id, roles=ROOT.roles, created_at=self._clock.now()))
            for name, title in ((PUBLIC_WORKSPACE, "Public"), (ANONYMOUS_WORKSPACE, "Anonymous visitors")):
                workspace = Workspace(
                    name=name,
                    title=title,
                    owner=ROOT.id,
                    persistent=name == PUBLIC_WORKSPACE,
                    created_at=self._clock.now(),
                )
                if await tx.insert_workspace(workspace):
                    await tx.put_member(name, ROOT.id, Role.ADMIN)

    async def _tell(self, tx: Transaction, principal: Principal, name: str, action: str, detail: str = "") -> None:
        await tx.add_event(
            Event(at=self._clock.now(), workspace=name, actor=principal.effective_id, action=action, detail=detail)
        )


async def add_user(tx: Transaction, user: User) -> bool:
    """Add a user with the home workspace; False when the user exists."""
    if not await tx.insert_user(user):
        return False
    home = home_workspace(user.id)
    await tx.insert_workspace(Workspace(name=home, title=user.id, owner=user.id, created_at=user.created_at))
    await tx.put_member(home, user.id, Role.ADMIN)
    return True


def require_site_admin(principal: Principal, action: str) -> None:
    if not principal.is_site_admin:
        raise Forbidden(action, f"User does not have permission '{action}': it takes an operator.")


def _require_login(principal: Principal, action: str) -> None:
    """Refuse whoever cannot answer for something new: visitors, and credentials made for something narrower."""
    if principal.is_anonymous or principal.is_limited or principal.read_only:
        raise Forbidden(action, f"User does not have permission '{action}'.")


def _viewer(principal: Principal) -> str | None:
    return None if principal.is_anonymous else principal.effective_id
