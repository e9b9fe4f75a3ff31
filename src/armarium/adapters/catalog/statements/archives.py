"""Statements about what is inside archives, and the checksums of blobs."""

from typing import Any

from sqlalchemy import Insert, Select, Table, Update, bindparam, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from armarium.adapters.catalog import tables as t
from armarium.adapters.catalog.constructs import InList

MEMBER_COLUMNS = ("offset", "compressed_bytes", "size_bytes", "method", "crc32", "is_encrypted", "modified_at")

_member = t.archive_member.c
_MEMBER = (_member.directory, _member.name, *(_member[name] for name in MEMBER_COLUMNS))


def is_indexed() -> Select[Any]:
    return select(literal(1)).where(t.archive.c.blob_id == bindparam("blob_id"))


def find_member() -> Select[Any]:
    return select(*_MEMBER).where(*_in_directory(t.archive_member), _member.name == bindparam("name"))


def members_in_directory() -> Select[Any]:
    return select(*_MEMBER).where(*_in_directory(t.archive_member)).order_by(_member.name)


def folders_in_directory() -> Select[Any]:
    folder = t.archive_folder.c
    found = select(folder.directory, folder.name, folder.modified_at)
    return found.where(*_in_directory(t.archive_folder)).order_by(folder.name)


def _in_directory(table: Table) -> tuple[Any, Any]:
    return table.c.blob_id == bindparam("blob_id"), table.c.directory == bindparam("directory")


def add_member() -> Insert:
    statement = insert(t.archive_member)
    return statement.on_conflict_do_update(
        index_elements=["blob_id", "directory", "name"],
        set_={name: statement.excluded[name] for name in MEMBER_COLUMNS},
    )


def add_folder() -> Insert:
    statement = insert(t.archive_folder)
    return statement.on_conflict_do_update(
        index_elements=["blob_id", "directory", "name"], set_={"modified_at": statement.excluded.modified_at}
    )


def add_archive() -> Insert:
    return insert(t.archive).on_conflict_do_nothing(index_elements=["blob_id"])


def checksums() -> Select[Any]:
    return select(t.blob.c.id, t.blob.c.crc32).where(InList(t.blob.c.id, "ids"), t.blob.c.crc32.is_not(None))


def keep_checksum() -> Update:
    return update(t.blob).where(t.blob.c.id == bindparam("blob_id")).values(crc32=bindparam("sum"))
