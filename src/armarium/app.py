"""The composition root: assembled parts -> faces -> ASGI application. Nothing is made by importing it."""

import mimetypes
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from starlette.routing import BaseRoute

from armarium._version import __version__
from armarium.assembly import Parts, assemble, base_url_of, running
from armarium.background import INDEX_LOOK, Background
from armarium.faces.aimable.routes import about as aimable_about
from armarium.faces.aimable.routes import aimable_door
from armarium.faces.dataforce.routes import about as dataforce_about
from armarium.faces.dataforce.routes import dataforce_door
from armarium.faces.dataforce.storage import Storage
from armarium.faces.http.api_pages import ApiPages
from armarium.faces.http.boundary import Boundary
from armarium.faces.http.families import Families
from armarium.faces.http.operations import Operations, not_found
from armarium.faces.http.rate_limits import RateLimits
from armarium.faces.http.transfers import Transfers
from armarium.faces.http.tus_routes import TusRoutes
from armarium.faces.hypha.archive_routes import ArchiveRoutes
from armarium.faces.hypha.artifact_manager import ArtifactManager
from armarium.faces.hypha.artifact_routes import ArtifactRoutes
from armarium.faces.hypha.calls import ServiceCalls
from armarium.faces.hypha.credentials import Credentials
from armarium.faces.hypha.hub import Hub
from armarium.faces.hypha.listing_cache import ListingCache
from armarium.faces.hypha.manager import Manager
from armarium.faces.hypha.routes import hypha_rpc_routes
from armarium.faces.hypha.rpc import Limits
from armarium.faces.hypha.upload_routes import UploadRoutes
from armarium.faces.hypha.view_routes import ViewRoutes
from armarium.faces.ivcap.routes import IvcapDoor
from armarium.faces.ivcap.routes import about as ivcap_about
from armarium.settings import Settings
from armarium.web.pages import Pages

COUNTER_FLUSH = timedelta(seconds=1)
UPLOAD_IDLE = timedelta(seconds=30)
"""After this long, an upload whose end nobody announces is taken for complete."""


def build(
    settings: Settings, *, base_url: str | None = None, announce: Callable[[str | None], None] | None = None
) -> Boundary:
    """Return the ASGI application. announce: called once when all is open, with the admin token of a first start."""
    parts = assemble(settings, base_url or base_url_of(settings, settings.port))
    hub = _hub(parts)

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        mimetypes.init()  # reads the system's table, some milliseconds which the first caller would pay
        async with AsyncExitStack() as stack:
            core = await stack.enter_async_context(running(parts))
            background = await stack.enter_async_context(Background())
            background.every(COUNTER_FLUSH, core.counters.flush)
            background.every(UPLOAD_IDLE, lambda: core.resumable.settle_idle(idle=UPLOAD_IDLE))
            if settings.job_slots:
                background.beside(parts.runner.run(settings.job_slots))
                background.every(INDEX_LOOK, parts.index_feed.run)
            if settings.sweep_interval:
                background.every(settings.sweep_interval, core.housekeeping.run)
            token = await core.accounts.bootstrap()
            if announce is not None:
                announce(token)
            yield

    pages = Pages(parts.core.links.base_url)
    doors = _addresses(parts.core.links.base_url)
    operations = Operations(parts.core, __version__, parts.runner.ended, doors, pages.draw_welcome)
    routes = Families(_routes(parts, hub, operations, pages), default=not_found, lifespan=lifespan)
    return Boundary(routes, operations.metrics, drain=hub.drain)


def _addresses(base_url: str) -> dict[str, str]:
    """What a client of each door is given."""
    return {"hypha": f"{base_url}/ws", "dataforce": base_url, "ivcap": base_url, "aimable": base_url}


def _hub(parts: Parts) -> Hub:
    core, settings = parts.core, parts.settings
    credentials = Credentials(core.accounts, parts.identify, core.clock, jwt_key=parts.keys.jwt)
    limits = Limits(
        calls=settings.websocket_max_calls,
        frame_bytes=settings.websocket_max_message_bytes,
        idle_seconds=settings.websocket_idle.total_seconds(),
    )
    return Hub(
        credentials,
        base_url=core.links.base_url,
        version=__version__,
        limits=limits,
        most_connections=settings.websocket_max_connections,
    )


def _routes(parts: Parts, hub: Hub, operations: Operations, pages: Pages) -> list[BaseRoute]:
    core, settings = parts.core, parts.settings
    artifact_manager = ArtifactManager(core).service()
    manager = Manager(hub).service()
    hub.offer(artifact_manager)
    listings = ListingCache(core.clock, settings.hypha_listing_cache_seconds)
    limits = RateLimits(settings.rate_limit) if settings.rate_limit else None
    dataforce = dataforce_door(
        core,
        parts.identify,
        max_body_bytes=settings.max_body_bytes,
        strict_delete=settings.dataforce_strict_delete,
        limits=limits,
    )
    aimable = aimable_door(
        core,
        parts.identify,
        max_body_bytes=settings.max_body_bytes,
        max_inline_bytes=min(settings.max_inline_bytes, settings.max_file_bytes),
        max_file_bytes=settings.max_file_bytes,
        limits=limits,
    )
    ivcap = IvcapDoor(core, parts.identify, max_body_bytes=settings.max_body_bytes, limits=limits)
    services = {("public", "artifact-manager"): artifact_manager, ("*", "ws"): manager, ("*", "~"): manager}
    return [
        *ViewRoutes(core, parts.identify, pages.draw, pages.draw_refusal).routes(),
        *ArtifactRoutes(core, parts.identify, cache=listings).routes(),
        *UploadRoutes(core, parts.identify, max_body_bytes=settings.max_body_bytes).routes(),
        *ArchiveRoutes(core, parts.identify).routes(),
        *Transfers(core).routes(),
        *TusRoutes(core, parts.identify).routes(),
        *ivcap.routes(),
        *hypha_rpc_routes(hub),
        *ServiceCalls(services, parts.identify, max_body_bytes=settings.max_body_bytes).routes(),
        *dataforce.routes(),
        *Storage(core, max_body_bytes=settings.max_body_bytes).routes(),
        *aimable.routes(),
        *ApiPages(
            {
                "aimable": (aimable, aimable_about(__version__, core.links.base_url)),
                "dataforce": (dataforce, dataforce_about(__version__, core.links.base_url)),
                "ivcap": (ivcap.rest, ivcap_about(__version__, core.links.base_url)),
            }
        ).routes(),
        *operations.routes(),
    ]
