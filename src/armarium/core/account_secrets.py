"""Secrets of accounts: kept sealed, and told only to who may write in the workspace.

There is one of a name. No call removes one, but one that has expired is gone.
"""

import msgspec

from armarium.core.interruptions import again_if_interrupted
from armarium.core.permissions import require_role
from armarium.domain import regexes
from armarium.domain.account_secret import AccountSecret, SealedSecret, checked_secret
from armarium.domain.errors import NotFound, TooLarge
from armarium.domain.principal import Principal, Role
from armarium.ports.catalog import Catalog, Event, Reader, Transaction
from armarium.ports.cipher import Cipher
from armarium.ports.clock import Clock

MOST_SECRETS = 1000
"""In one workspace."""


class SecretPage(msgspec.Struct, frozen=True):
    """Part of a listing. next: the name after which the following page starts."""

    secrets: list[AccountSecret]
    next: str | None


class OpenedSecret(msgspec.Struct, frozen=True):
    """A secret and what it says."""

    secret: AccountSecret
    value: str


class AccountSecrets:
    """Use cases around secrets of the caller's workspace; their values are in no other answer, no event and no log."""

    def __init__(self, catalog: Catalog, clock: Clock, cipher: Cipher) -> None:
        self._catalog = catalog
        self._clock = clock
        self._cipher = cipher

    async def list(self, principal: Principal, *, pattern: str = "", after: str = "", limit: int = 10) -> SecretPage:
        """List secrets by name. pattern: a regular expression found in the name. Raises Forbidden, Invalid."""
        regexes.check("filter", pattern)
        workspace = await _open_to(self._catalog, principal)
        known = await self._catalog.list_account_secrets(workspace, now=self._clock.now())
        chosen = [one for one in known if one.name > after and regexes.found(pattern, "", one.name)]
        return SecretPage(chosen[:limit], chosen[limit - 1].name if len(chosen) > limit else None)

    async def read(self, principal: Principal, name: str, *, kind: str | None = None) -> OpenedSecret:
        """Open a secret. kind: what it must be for. Raises NotFound, Forbidden."""
        workspace = await _open_to(self._catalog, principal)
        # No name holds a character that cannot be seen, nor could every database be asked for it.
        sealed = (
            await self._catalog.find_account_secret(workspace, name, now=self._clock.now())
            if name.isprintable()
            else None
        )
        if sealed is None or kind not in (None, sealed.secret.kind):
            raise NotFound("secret", name[:200])
        return OpenedSecret(sealed.secret, self._cipher.open(sealed.ciphertext, context=sealed.secret.context))

    @again_if_interrupted
    async def write(
        self, principal: Principal, name: str, value: str, *, kind: str | None = None, expires_at: int = 0
    ) -> None:
        """Keep a secret in place of the one of that name; an expiry that has passed removes it.

        Raises Forbidden, Invalid, TooLarge (the value, or there are too many).
        """
        async with self._catalog.transaction() as tx:
            workspace = await _open_to(tx, principal)
            shown = AccountSecret(workspace=workspace, name=name, kind=kind, expires_at=expires_at)
            checked_secret(shown, value)
            await tx.forget_account_secrets(workspace, expired_by=self._clock.now())
            if shown.has_expired(self._clock.now()):
                if await tx.delete_account_secret(workspace, name):
                    await self._tell(tx, principal, shown, "remove_account_secret")
                return
            await _require_room(tx, shown, self._clock.now())
            await tx.put_account_secret(SealedSecret(shown, self._cipher.seal(value, context=shown.context)))
            await self._tell(tx, principal, shown, "set_account_secret")

    async def _tell(self, tx: Transaction, principal: Principal, secret: AccountSecret, action: str) -> None:
        at, who = self._clock.now(), principal.effective_id
        await tx.add_event(Event(at=at, workspace=secret.workspace, actor=who, action=action, detail=secret.name))


async def _open_to(reader: Reader, principal: Principal) -> str:
    """The caller's workspace, where they may see its secrets. Raises Forbidden, NotFound."""
    name = principal.workspace
    place = await reader.find_workspace(name, viewer=principal.effective_id)
    require_role(principal, Role.READ_WRITE, name, place.membership if place is not None else None, to="use secrets")
    if place is None:
        raise NotFound("workspace", name)
    return name


async def _require_room(tx: Transaction, secret: AccountSecret, now: float) -> None:
    names = {one.name for one in await tx.list_account_secrets(secret.workspace, now=now)}
    if len(names | {secret.name}) > MOST_SECRETS:
        raise TooLarge(f"A workspace has at most {MOST_SECRETS} secrets.")
