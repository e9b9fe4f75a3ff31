"""Who calls: a bearer token, always."""

from starlette.types import Scope

from armarium.auth.bearer import credential
from armarium.auth.identify import Identify
from armarium.domain.errors import NotAuthenticated
from armarium.domain.principal import Principal


class Credentials:
    """Reads the credential of a request."""

    def __init__(self, identify: Identify) -> None:
        self._identify = identify

    async def caller(self, scope: Scope) -> Principal:
        """Return the principal. Raises NotAuthenticated, also for who shows no token."""
        who = await self._identify(credential(scope["headers"], allow_cookie=scope["method"] in ("GET", "HEAD")))
        if who.is_anonymous:
            raise NotAuthenticated("A token is needed: send it as 'Authorization: Bearer <token>'.")
        return who
