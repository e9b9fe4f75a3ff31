"""The catalog's records on any SQL database: `SqlReader` and `SqlTransaction` over an executor."""

from collections.abc import Hashable

from armarium.adapters.catalog.compiled import Build
from armarium.adapters.catalog.records.account_secrets import AccountSecretReader, AccountSecretWriter
from armarium.adapters.catalog.records.accounts import AccountReader, AccountWriter
from armarium.adapters.catalog.records.archives import ArchiveReader, ArchiveWriter
from armarium.adapters.catalog.records.artifacts import ArtifactReader, ArtifactWriter
from armarium.adapters.catalog.records.aspects import AspectReader, AspectWriter
from armarium.adapters.catalog.records.buckets import BucketReader, BucketWriter
from armarium.adapters.catalog.records.files import FileReader, FileWriter
from armarium.adapters.catalog.records.housekeeping import HousekeepingReader, HousekeepingWriter
from armarium.adapters.catalog.records.jobs import JobReader, JobWriter
from armarium.adapters.catalog.records.own_stores import OwnStoreReader, OwnStoreWriter
from armarium.adapters.catalog.records.requests import RequestWriter
from armarium.adapters.catalog.records.resumable import ResumableReader, ResumableWriter
from armarium.adapters.catalog.records.semantic import SemanticReader, SemanticWriter
from armarium.adapters.catalog.records.tables import TableReader, TableWriter
from armarium.adapters.catalog.records.vectors import VectorReader, VectorWriter
from armarium.adapters.catalog.records.versions import VersionReader, VersionWriter
from armarium.adapters.catalog.statements import accounts as account_sql
from armarium.adapters.catalog.statements import archives as archive_sql
from armarium.adapters.catalog.statements import artifacts as artifact_sql
from armarium.adapters.catalog.statements import files as file_sql


class SqlReader(
    ArtifactReader,
    VersionReader,
    FileReader,
    ArchiveReader,
    AccountReader,
    AccountSecretReader,
    BucketReader,
    OwnStoreReader,
    JobReader,
    AspectReader,
    ResumableReader,
    VectorReader,
    SemanticReader,
    TableReader,
    HousekeepingReader,
):
    """The `Reader` port."""


class SqlTransaction(
    SqlReader,
    TableWriter,
    ArtifactWriter,
    VersionWriter,
    FileWriter,
    ArchiveWriter,
    AccountWriter,
    AccountSecretWriter,
    BucketWriter,
    OwnStoreWriter,
    JobWriter,
    RequestWriter,
    AspectWriter,
    ResumableWriter,
    SemanticWriter,
    VectorWriter,
    HousekeepingWriter,
):
    """The `Transaction` port; beginning and ending it is the database's business."""


FIRST_ASKED: tuple[tuple[Build, *tuple[Hashable, ...]], ...] = (
    (artifact_sql.find_artifact, True, False),
    (artifact_sql.find_artifact, False, False),
    (file_sql.find_files,),
    (archive_sql.find_member,),
    (account_sql.find_token,),
    (account_sql.find_revocation,),
    (account_sql.find_user,),
)
"""The statements of the first requests: compiling one takes a millisecond or two, which no caller should wait for."""
