"""Who sent a request: an armarium token as `Authorization: Bearer <api key>`."""

from starlette.types import Scope

from armarium.auth.bearer import credential
from armarium.auth.identify import Identify
from armarium.domain.errors import NotAuthenticated
from armarium.domain.principal import Principal


class Caller:
    """Identifies callers; this door takes no strangers."""

    def __init__(self, identify: Identify) -> None:
        self._identify = identify

    async def __call__(self, scope: Scope) -> Principal:
        who = await self._identify(credential(scope["headers"], allow_cookie=scope["method"] == "GET"))
        if who.is_anonymous:
            raise NotAuthenticated("Not authenticated")
        return who
