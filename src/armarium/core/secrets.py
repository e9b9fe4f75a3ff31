"""Secrets of artifacts: sealed on the way in, opened only for who may ask."""

from collections.abc import Mapping

from armarium.core.interruptions import again_if_interrupted
from armarium.core.lookup import find
from armarium.core.permissions import access_of, require
from armarium.core.publishing import audit, seal_secrets, secret_context
from armarium.domain.principal import Action, Principal
from armarium.ports.catalog import Catalog
from armarium.ports.cipher import Cipher
from armarium.ports.clock import Clock


class Secrets:
    """Use cases around secrets; their values are in no other answer, no event and no log."""

    def __init__(self, catalog: Catalog, clock: Clock, cipher: Cipher) -> None:
        self._catalog = catalog
        self._clock = clock
        self._cipher = cipher

    async def read(self, principal: Principal, name: str) -> dict[str, str]:
        """Return all secrets of an artifact. Raises NotFound, Forbidden."""
        found = await find(self._catalog, principal, name)
        require(principal, Action.GET_SECRET, access_of(found))
        sealed = await self._catalog.secrets_of(found.artifact.id)
        return {
            key: self._cipher.open(text, context=secret_context(found.artifact.id, key)) for key, text in sealed.items()
        }

    @again_if_interrupted
    async def write(self, principal: Principal, name: str, secrets: Mapping[str, str | None]) -> None:
        """Set secrets by key; None removes one. Raises NotFound, Forbidden."""
        async with self._catalog.transaction() as tx:
            found = await find(tx, principal, name)
            require(principal, Action.SET_SECRET, access_of(found))
            await tx.put_secrets(found.artifact.id, seal_secrets(self._cipher, found.artifact.id, secrets))
            await audit(tx, self._clock, principal, found.artifact, "set_secret", ", ".join(secrets))
