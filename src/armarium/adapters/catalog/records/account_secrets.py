"""Secrets of accounts."""

from typing import Any

from armarium.adapters.catalog.records.base import Records
from armarium.adapters.catalog.statements import account_secrets as sql
from armarium.domain.account_secret import AccountSecret, SealedSecret


class AccountSecretReader(Records):
    async def find_account_secret(self, workspace: str, name: str, *, now: float) -> SealedSecret | None:
        row = await self._one(sql.find_secret, workspace=workspace, name=name, now=now)
        return SealedSecret(_secret_of(row[:-1]), bytes(row[-1])) if row is not None else None

    async def list_account_secrets(self, workspace: str, *, now: float) -> list[AccountSecret]:
        return [_secret_of(row) for row in await self._all(sql.list_secrets, workspace=workspace, now=now)]


class AccountSecretWriter(AccountSecretReader):
    async def put_account_secret(self, secret: SealedSecret) -> None:
        shown = secret.secret
        await self._change(
            sql.put_secret,
            workspace=shown.workspace,
            name=shown.name,
            kind=shown.kind,
            expires_at=shown.expires_at,
            ciphertext=secret.ciphertext,
        )

    async def delete_account_secret(self, workspace: str, name: str) -> bool:
        return await self._one(sql.delete_secret, workspace=workspace, name=name) is not None

    async def forget_account_secrets(self, workspace: str, *, expired_by: float) -> None:
        await self._change(sql.forget_secrets, workspace=workspace, now=expired_by)


def _secret_of(row: Any) -> AccountSecret:
    workspace, name, kind, expires_at = row
    return AccountSecret(workspace=workspace, name=name, kind=kind, expires_at=expires_at)
