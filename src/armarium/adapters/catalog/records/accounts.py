"""Users, workspaces, members and tokens."""

from armarium.adapters.catalog.records.base import Records
from armarium.adapters.catalog.rows import json_list, token_of, user_of, workspace_of
from armarium.adapters.catalog.statements import accounts as sql
from armarium.adapters.catalog.statements import artifacts as artifact_sql
from armarium.domain.account import Token, User, Workspace
from armarium.domain.identifiers import workspace_uuid
from armarium.domain.principal import Role


class AccountReader(Records):
    async def find_user(self, user_id: str) -> User | None:
        row = await self._one(sql.find_user, user_id=user_id)
        return user_of(row) if row is not None else None

    async def list_users(self, *, offset: int = 0, limit: int = 256) -> list[User]:
        return [user_of(row) for row in await self._all(sql.list_users, offset=offset, limit=limit)]

    async def find_workspace(self, name: str, *, viewer: str | None = None, shared: bool = False) -> Workspace | None:
        row = await self._one(sql.find_workspace, False, name=name, viewer=viewer)
        return workspace_of(row) if row is not None else None

    async def find_workspace_by_uuid(self, uuid: str, *, viewer: str | None = None) -> Workspace | None:
        row = await self._one(sql.find_workspace, True, uuid=uuid, viewer=viewer)
        return workspace_of(row) if row is not None else None

    async def list_workspaces(self, *, member: str | None, offset: int = 0, limit: int = 256) -> list[Workspace]:
        rows = await self._all(sql.list_workspaces, member is not None, member=member, offset=offset, limit=limit)
        return [workspace_of(row) for row in rows]

    async def memberships(self, user_id: str) -> dict[str, Role]:
        return {workspace: Role(role) for workspace, role in await self._all(sql.memberships, user_id=user_id)}

    async def list_members(self, workspace: str) -> dict[str, Role]:
        return {user_id: Role(role) for user_id, role in await self._all(sql.list_members, workspace=workspace)}

    async def find_token(self, digest: bytes) -> Token | None:
        row = await self._one(sql.find_token, digest=digest)
        return token_of(row) if row is not None else None

    async def find_token_by_id(self, token_id: str) -> Token | None:
        row = await self._one(sql.find_token_by_id, token_id=token_id)
        return token_of(row) if row is not None else None

    async def list_tokens(self, user_id: str) -> list[Token]:
        return [token_of(row) for row in await self._all(sql.list_tokens, user_id=user_id)]

    async def is_revoked(self, token_id: str) -> bool:
        return await self._one(sql.find_revocation, token_id=token_id) is not None


class AccountWriter(AccountReader):
    async def insert_user(self, user: User) -> bool:
        row = await self._one(
            sql.insert_user, id=user.id, email=user.email, roles=json_list(user.roles), created_at=user.created_at
        )
        return row is not None

    async def update_user(self, user: User) -> bool:
        row = await self._one(sql.update_user, user_id=user.id, email=user.email, roles=json_list(user.roles))
        return row is not None

    async def insert_workspace(self, workspace: Workspace) -> bool:
        row = await self._one(
            sql.insert_workspace,
            name=workspace.name,
            title=workspace.title,
            description=workspace.description,
            owner=workspace.owner,
            persistent=int(workspace.persistent),
            created_at=workspace.created_at,
            uuid=workspace_uuid(workspace.name),
        )
        if row is not None and workspace.owner is not None:
            await self.put_member(workspace.name, workspace.owner, Role.ADMIN)
        return row is not None

    async def update_workspace(self, workspace: Workspace) -> bool:
        row = await self._one(
            sql.update_workspace,
            workspace=workspace.name,
            title=workspace.title,
            description=workspace.description,
            persistent=int(workspace.persistent),
        )
        return row is not None

    async def delete_workspace(self, name: str) -> None:
        ids = [row[0] for row in await self._all(artifact_sql.ids_in_workspace, workspace=name)]
        await self._change(artifact_sql.delete_artifacts, ids=json_list(ids))
        await self._change(sql.delete_tokens_of_workspace, name=name)
        await self._change(sql.delete_workspace, name=name)

    async def put_member(self, workspace: str, user_id: str, role: Role | None) -> None:
        if role is None:
            await self._change(sql.delete_member, workspace=workspace, user_id=user_id)
        else:
            await self._change(sql.put_member, workspace=workspace, user_id=user_id, role=int(role))

    async def insert_token(self, token: Token) -> None:
        await self._change(
            sql.insert_token,
            id=token.id,
            digest=token.digest,
            user_id=token.user_id,
            label=token.label,
            workspace=token.workspace,
            role=int(token.role),
            scopes=json_list(token.scopes),
            created_at=token.created_at,
            expires_at=token.expires_at,
        )

    async def revoke_token(self, token_id: str, *, expires_at: float | None) -> None:
        await self._change(sql.revoke_token, token_id=token_id, expires_at=expires_at)
        await self._change(sql.delete_token, token_id=token_id)
