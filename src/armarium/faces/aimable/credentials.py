"""Who sent a request: an armarium token as `X-API-Key`, as `Authorization: Bearer`, or as both."""

from starlette.types import Scope

from armarium.auth.bearer import credential
from armarium.auth.identify import Identify
from armarium.domain.errors import NotAuthenticated
from armarium.domain.principal import Principal

_NAMES = (b"x-api-key", b"authorization")


class Caller:
    """Identifies callers; this door takes no strangers, and of two credentials each must be good for the same one."""

    def __init__(self, identify: Identify) -> None:
        self._identify = identify

    async def __call__(self, scope: Scope) -> Principal:
        shown = [(name, value) for name, value in scope["headers"] if name in _NAMES]
        found = [await self._identify(credential([header], allow_cookie=False)) for header in shown]
        if not found or any(who.is_anonymous for who in found):
            raise NotAuthenticated("Not authenticated: send X-API-Key, or Authorization: Bearer.")
        if len({who.effective_id for who in found}) > 1:
            raise NotAuthenticated("The two credentials belong to different users.")
        return found[0]
