"""The routes of the ivcap door, at the server's root; what IVCAP has beyond artifacts is answered with a plain no."""

from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from armarium.auth.identify import Identify
from armarium.core import Core
from armarium.domain.errors import Unsupported
from armarium.faces.http.openapi import About
from armarium.faces.http.rate_limits import RateLimits, limited
from armarium.faces.http.rest import RestDoor
from armarium.faces.ivcap.artifacts import ArtifactOperations
from armarium.faces.ivcap.aspects import AspectOperations
from armarium.faces.ivcap.blobs import BlobOperations
from armarium.faces.ivcap.credentials import Credentials
from armarium.faces.ivcap.errors import Failure, tell
from armarium.faces.ivcap.search import SearchOperations
from armarium.faces.ivcap.secrets import SecretOperations

ELSEWHERE = (
    "orders", "jobs", "services", "services2", "agents", "queues", "packages", "projects", "dashboards", "metadata",
    "sessions", "events",
)  # fmt: skip
"""Parts of the platform that are not an artifact store."""


class IvcapDoor:
    """The door as a whole."""

    def __init__(
        self, core: Core, identify: Identify, *, max_body_bytes: int, limits: RateLimits | None = None
    ) -> None:
        operations = [
            *ArtifactOperations(core).operations(),
            *BlobOperations(core).operations(),
            *AspectOperations(core).operations(),
            *SecretOperations(core).operations(),
            *SearchOperations(core).operations(),
        ]
        caller = limited(Credentials(identify).caller, limits)
        self.rest = RestDoor(
            operations,
            caller=caller,
            tell=tell,
            max_body_bytes=max_body_bytes,
            idempotency=core.idempotency,
        )

    def routes(self) -> list[BaseRoute]:
        absent = [Route(f"/1/{part}{rest}", _not_here) for part in ELSEWHERE for rest in ("", "/{path:path}")]
        return [*self.rest.routes(), *absent]


def about(version: str, base_url: str) -> About:
    return About(
        title="armarium: the ivcap door",
        version=version,
        description="Artifacts, and dated statements about them.",
        server_url=base_url,
        security={"bearer": {"type": "http", "scheme": "bearer"}},
        failure=Failure,
        always=(401, 405, 429, 503),
    )


class _NotHere:
    """Answers for a part of the platform this server is not."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = Unsupported("This server stores artifacts; it does not run services.")
        response: Response = tell(error)
        await response(scope, receive, send)


_not_here = _NotHere()
