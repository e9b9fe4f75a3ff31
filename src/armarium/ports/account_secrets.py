"""Records of the secrets of accounts."""

from typing import Protocol

from armarium.domain.account_secret import AccountSecret, SealedSecret


class AccountSecretReader(Protocol):
    """Questions, each answered by one statement. now: seconds since 1970; what has expired by then is not there."""

    async def find_account_secret(self, workspace: str, name: str, *, now: float) -> SealedSecret | None:
        """A secret that has not expired."""
        ...

    async def list_account_secrets(self, workspace: str, *, now: float) -> list[AccountSecret]:
        """Sorted by name, code point by code point."""
        ...


class AccountSecretWriter(Protocol):
    """Changes."""

    async def put_account_secret(self, secret: SealedSecret) -> None:
        """Keep a secret in place of the one of that name, if there is one."""
        ...

    async def delete_account_secret(self, workspace: str, name: str) -> bool:
        """Forget a secret; False where there was none."""
        ...

    async def forget_account_secrets(self, workspace: str, *, expired_by: float) -> None:
        """Forget those that have expired."""
        ...
