"""Secrets of the caller's account: set, read by name, listed without their values."""

import msgspec

from armarium.core import Core
from armarium.core.account_secrets import OpenedSecret
from armarium.domain.account_secret import AccountSecret
from armarium.domain.errors import Invalid
from armarium.domain.principal import Principal
from armarium.faces.http.cursors import Cursors
from armarium.faces.http.rest import Operation
from armarium.faces.ivcap.mapping import JSON, page_of
from armarium.faces.ivcap.schemas import (
    Link,
    NewSecret,
    SecretItem,
    SecretList,
    SecretListQuery,
    SecretQuery,
    SecretRecord,
)


class Place(msgspec.Struct, frozen=True, array_like=True):
    """What a listing lists, and the name after which it goes on."""

    filter: str
    after: str


class SecretOperations:
    """What can be asked of secrets."""

    def __init__(self, core: Core) -> None:
        self._secrets = core.account_secrets
        self._cursors = Cursors(core.signer, "ivcap secrets", Place)

    def operations(self) -> list[Operation]:
        return [
            Operation(method="GET", path="/1/secrets/list", handler=self.list_secrets, fails=(403, 422)),
            Operation(method="GET", path="/1/secrets", handler=self.read_secret, fails=(403, 404, 422)),
            Operation(
                method="POST",
                path="/1/secrets",
                handler=self.set_secret,
                status=204,
                fails=(400, 403, 413, 422),
            ),
        ]

    async def list_secrets(self, who: Principal, query: SecretListQuery) -> SecretList:
        """List secrets by name, without their values."""
        place = self._read(query.page) if query.page else Place(query.filter, "")
        page = await self._secrets.list(who, pattern=place.filter, after=place.after, limit=query.limit)
        links = [Link("self", JSON, "/1/secrets/list")]
        if page.next is not None:
            cursor = self._cursors.issue(Place(place.filter, page.next))
            links.append(Link("next", JSON, f"/1/secrets/list?page={cursor}"))
        return SecretList(items=[_item(secret) for secret in page.secrets], links=links)

    async def read_secret(self, who: Principal, query: SecretQuery) -> SecretRecord:
        """Read a secret."""
        return _record(await self._secrets.read(who, query.secret_name, kind=query.secret_type or None))

    async def set_secret(self, who: Principal, body: NewSecret) -> None:
        """Keep a secret in place of the one of that name; an expiry that has passed removes it."""
        await self._secrets.write(
            who, body.secret_name, body.secret_value, kind=body.secret_type or None, expires_at=body.expiry_time
        )

    def _read(self, page: str) -> Place:
        try:
            return self._cursors.read(page_of(page))
        except Invalid as error:
            raise Invalid("page", error.reason) from None


def _item(secret: AccountSecret) -> SecretItem:
    return SecretItem(secret_name=secret.name, expiry_time=secret.expires_at, secret_type=secret.kind)


def _record(opened: OpenedSecret) -> SecretRecord:
    secret = opened.secret
    return SecretRecord(
        secret_name=secret.name, secret_value=opened.value, expiry_time=secret.expires_at, secret_type=secret.kind
    )
