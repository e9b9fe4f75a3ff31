"""The composition root: settings -> adapters -> core -> faces -> ASGI application. Nothing is made by importing it."""

import mimetypes
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import msgspec
from starlette.routing import BaseRoute

from armarium._version import __version__
from armarium.adapters.archive.zenodo import ZenodoArchive
from armarium.adapters.blobs.checked import checked
from armarium.adapters.blobs.local import LocalBlobs
from armarium.adapters.catalog.sqlite import SqliteCatalog
from armarium.adapters.cipher import AesGcmCipher
from armarium.adapters.clock import SystemClock
from armarium.adapters.keys import Keys, load_keys
from armarium.adapters.templates.confined import ConfinedTemplates
from armarium.auth.identify import Identify
from armarium.background import Background
from armarium.core import Core
from armarium.core.accounts import Accounts
from armarium.core.archives import Archives
from armarium.core.artifacts import Artifacts
from armarium.core.contents import Contents
from armarium.core.copies import Copies
from armarium.core.counters import Counters
from armarium.core.files import Files
from armarium.core.links import Links
from armarium.core.placement import Placement
from armarium.core.publication import Publication
from armarium.core.search import Search
from armarium.core.secrets import Secrets
from armarium.core.showcase import Showcases
from armarium.core.signing import Signer
from armarium.core.sites import Sites
from armarium.core.sweep import Sweeper
from armarium.core.tickets import Tickets
from armarium.core.uploads import Uploads
from armarium.core.versions import Versions
from armarium.faces.http.boundary import Boundary
from armarium.faces.http.families import Families
from armarium.faces.http.operations import Operations, not_found
from armarium.faces.http.transfers import Transfers
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
from armarium.settings import Settings
from armarium.web.pages import Pages

COUNTER_FLUSH = timedelta(seconds=1)


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What one process is made of, wired but not started."""

    settings: Settings
    keys: Keys
    core: Core
    templates: ConfinedTemplates
    identify: Identify


def assemble(settings: Settings, base_url: str) -> Parts:
    """Build adapters and core; nothing is opened yet. base_url: under which clients reach the server."""
    settings.data.mkdir(parents=True, exist_ok=True)
    clock = SystemClock()
    keys = load_keys(
        settings.data,
        secret_key=settings.secret_key,
        jwt_secret=settings.jwt_secret,
        previous_secret_keys=settings.previous_secret_keys,
    )
    cipher = AesGcmCipher(keys.secrets, keys.former_secrets)
    catalog = SqliteCatalog(settings.data / "catalog.sqlite")
    blobs = checked(LocalBlobs(settings.data / "files"))
    counters = Counters(catalog, clock)
    signer = Signer(keys.urls)
    tickets = Tickets(signer)
    links = Links(tickets, clock, base_url)
    accounts = Accounts(catalog, clock)
    files = Files(catalog, blobs, clock, counters, links, settings.max_file_bytes)
    search = Search(catalog, counters, open_listing=settings.hypha_open_listing)
    templates = ConfinedTemplates()
    public_archives = {"zenodo": settings.zenodo_url, "sandbox_zenodo": settings.sandbox_zenodo_url}
    publication = Publication(
        catalog,
        blobs,
        clock,
        cipher,
        Placement(clock, counters),
        {name: ZenodoArchive(url) for name, url in public_archives.items()},
        base_url,
    )
    archives = Archives(catalog, blobs, files)
    core = Core(
        accounts=accounts,
        artifacts=Artifacts(catalog, clock, counters, cipher, publication),
        versions=Versions(catalog, clock, cipher),
        files=files,
        archives=archives,
        contents=Contents(catalog, files, archives),
        uploads=Uploads(catalog, blobs, clock, files, links, settings.max_file_bytes),
        copies=Copies(catalog, clock, counters),
        search=search,
        sites=Sites(catalog, blobs, counters, templates),
        showcases=Showcases(search, files),
        publication=publication,
        secrets=Secrets(catalog, clock, cipher),
        sweeper=Sweeper(catalog, blobs, clock, settings.blob_grace),
        counters=counters,
        links=links,
        tickets=tickets,
        signer=signer,
        catalog=catalog,
        blobs=blobs,
        clock=clock,
    )
    identify = Identify(
        catalog,
        accounts,
        clock,
        jwt_key=keys.jwt,
        root_token=settings.root_token,
        anonymous=settings.anonymous,
    )
    return Parts(settings=settings, keys=keys, core=core, templates=templates, identify=identify)


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[Core]:
    """Open the catalog, and on the way out write what is still only counted."""
    core = parts.core
    await core.catalog.open()
    try:
        await core.accounts.workspaces.prepare()
        yield core
        await core.counters.flush()
    finally:
        await parts.templates.close()
        await core.catalog.close()


@asynccontextmanager
async def open_core(settings: Settings) -> AsyncIterator[Core]:
    """The core without any face, for administration on the command line and for tests."""
    async with running(assemble(settings, base_url_of(settings, settings.port))) as core:
        yield core


def base_url_of(settings: Settings, port: int) -> str:
    """The URL clients are told: the public one, else that of host and port."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


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
            if settings.sweep_interval:
                background.every(settings.sweep_interval, core.sweeper.sweep)
            token = await core.accounts.bootstrap()
            if announce is not None:
                announce(token)
            yield

    operations = Operations(parts.core, __version__)
    routes = Families(_routes(parts, hub, operations), default=not_found, lifespan=lifespan)
    return Boundary(routes, operations.metrics, drain=hub.drain)


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


def _routes(parts: Parts, hub: Hub, operations: Operations) -> list[BaseRoute]:
    core, settings = parts.core, parts.settings
    artifact_manager = ArtifactManager(core).service()
    manager = Manager(hub).service()
    hub.offer(artifact_manager)
    listings = ListingCache(core.clock, settings.hypha_listing_cache_seconds)
    services = {("public", "artifact-manager"): artifact_manager, ("*", "ws"): manager, ("*", "~"): manager}
    return [
        *ViewRoutes(core, parts.identify, Pages(core.links.base_url).draw).routes(),
        *ArtifactRoutes(core, parts.identify, cache=listings).routes(),
        *UploadRoutes(core, parts.identify, max_body_bytes=settings.max_body_bytes).routes(),
        *ArchiveRoutes(core, parts.identify).routes(),
        *Transfers(core).routes(),
        *hypha_rpc_routes(hub),
        *ServiceCalls(services, parts.identify, max_body_bytes=settings.max_body_bytes).routes(),
        *operations.routes(),
    ]
