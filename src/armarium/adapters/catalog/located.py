"""The catalog a URL names: a PostgreSQL database, or without one a SQLite file."""

from pathlib import Path
from urllib.parse import urlsplit

from armarium.adapters.catalog.sqlite import SqliteCatalog
from armarium.domain.errors import Invalid
from armarium.ports.catalog import Catalog


def catalog_at(url: str | None, *, file: Path, connections: int) -> Catalog:
    """Build the catalog; nothing is opened yet. file: where records are when there is no URL.

    connections: to PostgreSQL, at most. Raises Invalid for a URL nobody knows and for a missing extra.
    """
    if url is None:
        return SqliteCatalog(file)
    if not _is_postgres(url):
        raise Invalid("database", "The setting 'database' is no URL of a database: use postgresql://user@host/name.")
    try:
        from armarium.adapters.catalog.postgres import PostgresCatalog  # noqa: PLC0415 - part of an extra
    except ImportError:
        raise Invalid(
            "database", 'PostgreSQL needs the extra `postgres`: pip install "armarium[server,postgres]".'
        ) from None
    return PostgresCatalog(url, connections=connections)


def _is_postgres(url: str) -> bool:
    try:
        split = urlsplit(url)
        _ = split.port
    except ValueError:  # such as a port that is no number
        return False
    return split.scheme in ("postgresql", "postgres")
