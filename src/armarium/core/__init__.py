"""Use cases: the only place with decisions. `Core` is the bundle a face receives."""

import msgspec

from armarium.core.account_secrets import AccountSecrets
from armarium.core.accounts import Accounts
from armarium.core.archives import Archives
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
from armarium.core.documents import Documents
from armarium.core.files import Files
from armarium.core.housekeeping import Housekeeping
from armarium.core.idempotency import Idempotency
from armarium.core.ingestion import Ingestion
from armarium.core.jobs import Jobs
from armarium.core.links import Links
from armarium.core.own_stores import OwnStores
from armarium.core.publication import Publication
from armarium.core.ranked_search import RankedSearch
from armarium.core.resumable import ResumableUploads
from armarium.core.search import Search
from armarium.core.secrets import Secrets
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
from armarium.ports.blobs import Blobs
from armarium.ports.catalog import Catalog
from armarium.ports.clock import Clock


class Core(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a face may ask for."""

    accounts: Accounts
    artifacts: Artifacts
    versions: Versions
    vectors: Vectors
    ingestion: Ingestion
    files: Files
    archives: Archives
    contents: Contents
    uploads: Uploads
    aspects: Aspects
    resumable: ResumableUploads
    deposits: Deposits
    tree: Tree
    collections: Collections
    deliveries: Deliveries
    buckets: Buckets
    copies: Copies
    search: Search
    ranked_search: RankedSearch
    statement_search: StatementSearch
    secrets: Secrets
    account_secrets: AccountSecrets
    own_stores: OwnStores
    publication: Publication
    spaces: Spaces
    documents: Documents
    jobs: Jobs
    idempotency: Idempotency
    sites: Sites
    showcases: Showcases
    sweeper: Sweeper
    housekeeping: Housekeeping
    check: Check
    counters: Counters
    links: Links
    tickets: Tickets
    signer: Signer
    catalog: Catalog
    blobs: Blobs
    clock: Clock
