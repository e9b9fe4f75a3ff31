"""Wiring below the doors: settings -> adapters -> core. Nothing is made by importing it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from armarium.adapters.archive.zenodo import ZenodoArchive
from armarium.adapters.blobs.checked import CheckedBlobs, checked
from armarium.adapters.blobs.elsewhere import Elsewhere
from armarium.adapters.blobs.located import S3Access, blobs_at, bucket_named
from armarium.adapters.blobs.s3_bucket import S3Bucket
from armarium.adapters.blobs.sigv4 import AccessKey
from armarium.adapters.catalog.located import catalog_at
from armarium.adapters.cipher import AesGcmCipher
from armarium.adapters.clock import SystemClock
from armarium.adapters.documents.chat import ChatWriter
from armarium.adapters.documents.confined import ConfinedDocuments
from armarium.adapters.embedder.by_uri import EmbeddersByUri
from armarium.adapters.keys import Keys, hand_over, load_keys
from armarium.adapters.templates.confined import ConfinedTemplates
from armarium.adapters.vector_index.located import vector_index_at
from armarium.auth.identify import Identify
from armarium.core import Core
from armarium.core.account_secrets import AccountSecrets
from armarium.core.accounts import Accounts
from armarium.core.archives import Archives
from armarium.core.arrivals import Arrivals
from armarium.core.artifacts import Artifacts
from armarium.core.aspects import Aspects
from armarium.core.buckets import Buckets
from armarium.core.check import Check
from armarium.core.collections import Collections
from armarium.core.contents import Contents
from armarium.core.copies import Copies
from armarium.core.counters import Counters
from armarium.core.deliveries import Deliveries
from armarium.core.deposits import Deposits
from armarium.core.document_work import GenerateWork
from armarium.core.documents import GENERATE, Documents
from armarium.core.files import Files
from armarium.core.housekeeping import Housekeeping
from armarium.core.idempotency import Idempotency
from armarium.core.ingestion import INGEST, Ingestion
from armarium.core.ingestion_work import IngestWork
from armarium.core.job_runner import Runner, Work
from armarium.core.jobs import Jobs
from armarium.core.leases import Leases
from armarium.core.links import Links
from armarium.core.own_stores import OwnStores
from armarium.core.placement import Placement
from armarium.core.publication import Publication
from armarium.core.ranked_search import RankedSearch
from armarium.core.relocation import Store
from armarium.core.resumable import ResumableUploads
from armarium.core.search import Search
from armarium.core.secrets import Secrets
from armarium.core.semantic_index import INDEX, IndexFeed, IndexWork
from armarium.core.showcase import Showcases
from armarium.core.signing import Signer
from armarium.core.sites import Sites
from armarium.core.spaces import Spaces
from armarium.core.statement_search import StatementSearch
from armarium.core.sweep import Sweeper
from armarium.core.tickets import Tickets
from armarium.core.tree import Tree
from armarium.core.uploads import Uploads
from armarium.core.vectors import Vectors
from armarium.core.versions import Versions
from armarium.domain.errors import Invalid
from armarium.ports.blobs import Blobs
from armarium.ports.catalog import Catalog
from armarium.ports.cipher import Cipher
from armarium.ports.clock import Clock
from armarium.ports.documents import Writer
from armarium.ports.vectors import Embedders, VectorIndex
from armarium.settings import Settings


class Adapters(msgspec.Struct, frozen=True, kw_only=True):
    """What the core runs on, built but not opened."""

    catalog: Catalog
    blobs: Blobs
    clock: Clock
    cipher: Cipher
    own_stores: OwnStores
    keys: Keys
    templates: ConfinedTemplates
    vector_index: VectorIndex
    embedders: Embedders


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What one process is made of, wired but not started."""

    settings: Settings
    keys: Keys
    core: Core
    templates: ConfinedTemplates
    identify: Identify
    runner: Runner
    index_feed: IndexFeed


def assemble(settings: Settings, base_url: str) -> Parts:
    """Build adapters and core; nothing is opened yet. base_url: under which clients reach the server."""
    adapters = _adapters(settings)
    core = _core(adapters, settings, base_url)
    identify = Identify(
        adapters.catalog,
        core.accounts,
        adapters.clock,
        jwt_key=adapters.keys.jwt,
        root_token=settings.root_token,
        anonymous=settings.anonymous,
    )
    return Parts(
        settings=settings,
        keys=adapters.keys,
        core=core,
        templates=adapters.templates,
        identify=identify,
        runner=_runner(adapters, core, settings),
        index_feed=IndexFeed(adapters.catalog, adapters.clock, core.jobs),
    )


def _adapters(settings: Settings) -> Adapters:
    settings.data.mkdir(parents=True, exist_ok=True)
    keys = _keys(settings)
    catalog = catalog_at(
        settings.database, file=settings.data / "catalog.sqlite", connections=settings.database_connections
    )
    clock, cipher = SystemClock(), AesGcmCipher(keys.secrets, keys.former_secrets)
    own_stores = OwnStores(
        catalog, clock, cipher, default_bucket=bucket_named(settings.blobs), are_allowed=settings.own_stores
    )
    return Adapters(
        catalog=catalog,
        blobs=_blobs(settings, own_stores),
        clock=clock,
        cipher=cipher,
        own_stores=own_stores,
        keys=keys,
        templates=ConfinedTemplates(),
        vector_index=vector_index_at(
            settings.database,
            catalog,
            memory_bytes=settings.vector_memory,
            exact_up_to=settings.vector_exact_up_to,
        ),
        embedders=EmbeddersByUri(settings.embedding_url, settings.embedding_key),
    )


def _keys(settings: Settings) -> Keys:
    return load_keys(
        settings.data,
        secret_key=settings.secret_key,
        jwt_secret=settings.jwt_secret,
        previous_secret_keys=settings.previous_secret_keys,
    )


def _blobs(settings: Settings, own_stores: OwnStores) -> CheckedBlobs:
    async def find(store_id: str) -> S3Bucket:
        store = await own_stores.find(store_id)
        return S3Bucket(
            name=store.bucket,
            prefix=store.prefix,
            region=store.region,
            endpoint=store.endpoint,
            access_key=AccessKey(id=store.access_key_id, secret=store.secret_access_key),
        )

    blobs = blobs_at(settings.blobs, folder=settings.data / "files", s3=_s3_access(settings))
    return checked(blobs, elsewhere=Elsewhere(find))


def _s3_access(settings: Settings) -> S3Access:
    access_key = None
    if settings.s3_access_key_id and settings.s3_secret_access_key:
        access_key = AccessKey(
            id=settings.s3_access_key_id,
            secret=settings.s3_secret_access_key,
            session_token=settings.s3_session_token,
        )
    return S3Access(
        endpoint=settings.s3_endpoint,
        public_endpoint=settings.s3_public_endpoint,
        region=settings.s3_region,
        access_key=access_key,
        is_direct=settings.direct_transfers,
    )


def _core(adapters: Adapters, settings: Settings, base_url: str) -> Core:
    catalog, blobs, clock, cipher = adapters.catalog, adapters.blobs, adapters.clock, adapters.cipher
    counters, signer = Counters(catalog, clock), Signer(adapters.keys.urls)
    tickets = Tickets(signer)
    links = Links(tickets, clock, base_url)
    arrivals = Arrivals(catalog, blobs, clock, settings.max_file_bytes)
    files = Files(catalog, blobs, clock, counters, links, arrivals, adapters.own_stores, settings.max_file_bytes)
    search = Search(catalog, counters, open_listing=settings.hypha_open_listing)
    archives = Archives(catalog, blobs, files)
    publication = _publication(adapters, settings, Placement(clock, counters), base_url)
    sweeper = Sweeper(catalog, blobs, clock, arrivals, settings.blob_grace)
    artifacts = Artifacts(catalog, clock, counters, cipher, publication)
    versions = Versions(catalog, clock, cipher, arrivals)
    resumable = _resumable(adapters, settings, arrivals)
    uploads = Uploads(catalog, blobs, clock, files, links, arrivals, adapters.own_stores, settings.max_file_bytes)
    parts_above = settings.dataforce_multipart_above
    contents, jobs, aspects = Contents(catalog, files, archives, links), Jobs(catalog, clock), Aspects(catalog, clock)
    spaces = Spaces(catalog, clock, artifacts, search)
    return Core(
        accounts=Accounts(catalog, clock),
        artifacts=artifacts,
        versions=versions,
        vectors=Vectors(catalog, adapters.vector_index, adapters.embedders, clock),
        ingestion=Ingestion(catalog, adapters.embedders, clock, jobs),
        files=files,
        archives=archives,
        contents=contents,
        aspects=aspects,
        resumable=resumable,
        deposits=Deposits(catalog, clock, artifacts, versions, resumable),
        uploads=uploads,
        tree=Tree(catalog),
        collections=Collections(search, artifacts, versions),
        deliveries=Deliveries(catalog, blobs, clock, counters, artifacts, versions, files, uploads, links, parts_above),
        buckets=Buckets(catalog, clock, cipher, links),
        copies=Copies(catalog, clock, counters),
        search=search,
        ranked_search=RankedSearch(catalog, search, counters, adapters.vector_index, adapters.embedders),
        statement_search=StatementSearch(aspects, search, contents, clock),
        spaces=spaces,
        documents=Documents(catalog, blobs, clock, counters, spaces, artifacts, contents, jobs),
        jobs=jobs,
        idempotency=Idempotency(catalog, clock),
        sites=Sites(catalog, blobs, files, counters, adapters.templates),
        showcases=Showcases(search, files),
        publication=publication,
        secrets=Secrets(catalog, clock, cipher),
        account_secrets=AccountSecrets(catalog, clock, cipher),
        own_stores=adapters.own_stores,
        sweeper=sweeper,
        housekeeping=_housekeeping(adapters, sweeper, settings),
        check=Check(catalog, blobs, sweeper),
        counters=counters,
        links=links,
        tickets=tickets,
        signer=signer,
        catalog=catalog,
        blobs=blobs,
        clock=clock,
    )


def _resumable(adapters: Adapters, settings: Settings, arrivals: Arrivals) -> ResumableUploads:
    return ResumableUploads(
        adapters.catalog,
        adapters.blobs,
        adapters.clock,
        arrivals,
        adapters.own_stores,
        lifetime=settings.upload_lifetime,
        max_file_bytes=settings.max_file_bytes,
    )


def _publication(adapters: Adapters, settings: Settings, placement: Placement, base_url: str) -> Publication:
    urls = {"zenodo": settings.zenodo_url, "sandbox_zenodo": settings.sandbox_zenodo_url}
    archives = {name: ZenodoArchive(url) for name, url in urls.items()}
    catalog, blobs, clock, cipher = adapters.catalog, adapters.blobs, adapters.clock, adapters.cipher
    return Publication(catalog, blobs, clock, cipher, placement, archives, base_url, Leases(catalog, clock))


def _housekeeping(adapters: Adapters, sweeper: Sweeper, settings: Settings) -> Housekeeping:
    catalog, clock = adapters.catalog, adapters.clock
    idempotency = Idempotency(catalog, clock)
    return Housekeeping(Leases(catalog, clock), sweeper, idempotency, adapters.vector_index, settings.sweep_interval)


def _runner(adapters: Adapters, core: Core, settings: Settings) -> Runner:
    documents = ConfinedDocuments()
    writer: Writer = documents
    if settings.generator_url:
        writer = ChatWriter(settings.generator_url, settings.generator_model, settings.generator_api_key)
    works: dict[str, Work] = {
        GENERATE: GenerateWork(adapters.catalog, adapters.blobs, adapters.clock, documents, writer),
        INGEST: IngestWork(adapters.catalog, adapters.blobs, documents, adapters.embedders),
        INDEX: IndexWork(adapters.catalog, adapters.embedders, adapters.clock),
    }
    lease, time_limit = settings.job_lease, settings.job_time_limit
    return Runner(adapters.catalog, adapters.clock, core.jobs, works, lease=lease, time_limit=time_limit)


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
        await core.vectors.close()
        await core.blobs.close()
        await core.catalog.close()


@asynccontextmanager
async def open_core(settings: Settings) -> AsyncIterator[Core]:
    """The core without any face, for administration on the command line and for tests."""
    async with running(assemble(settings, base_url_of(settings, settings.port))) as core:
        yield core


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    """Records and bytes alone, without making anything that is not there."""
    adapters = _adapters(settings)
    await adapters.catalog.open()
    try:
        yield Store(adapters.catalog, adapters.blobs)
    finally:
        await adapters.blobs.close()
        await adapters.catalog.close()


def share_key(source: Settings, target: Settings) -> None:
    """Let a target open what the source has sealed. Raises Invalid when it has a key of its own."""
    if target.secret_key is None:
        hand_over(source.data, target.data, secret_key=source.secret_key)
    if _keys(source).secrets not in (_keys(target).secrets, *_keys(target).former_secrets):
        raise Invalid("secret_key", "The target has another secret key, so it could not open the stored secrets.")


def base_url_of(settings: Settings, port: int) -> str:
    """The URL clients are told: the public one, else that of host and port."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
