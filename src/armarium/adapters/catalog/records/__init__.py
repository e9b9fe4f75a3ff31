"""The catalog's records on any SQL database: `SqlReader` and `SqlTransaction` over an executor."""

from armarium.adapters.catalog.records.accounts import AccountReader, AccountWriter
from armarium.adapters.catalog.records.artifacts import ArtifactReader, ArtifactWriter
from armarium.adapters.catalog.records.files import FileReader, FileWriter
from armarium.adapters.catalog.records.housekeeping import HousekeepingReader, HousekeepingWriter
from armarium.adapters.catalog.records.versions import VersionReader, VersionWriter


class SqlReader(ArtifactReader, VersionReader, FileReader, AccountReader, HousekeepingReader):
    """The `Reader` port."""


class SqlTransaction(SqlReader, ArtifactWriter, VersionWriter, FileWriter, AccountWriter, HousekeepingWriter):
    """The `Transaction` port; beginning and ending it is the database's business."""
