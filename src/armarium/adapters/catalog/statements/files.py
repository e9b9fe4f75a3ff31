"""Statements about the files of versions and drafts, and the blobs behind them."""

from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Delete,
    Insert,
    Select,
    Update,
    bindparam,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    union,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningDelete

from armarium.adapters.catalog import tables as t
from armarium.adapters.catalog.constructs import ByteLength, InList, PositionOf

_ENTRY = tuple(t.file.c[name] for name in ("path", "blob_id", "size_bytes", "modified_at", "content_type", "sha256"))
_STAGED = tuple(
    t.draft_file.c[name]
    for name in (
        "path",
        "slot",
        "removed",
        "download_weight",
        "blob_id",
        "size_bytes",
        "modified_at",
        "content_type",
        "sha256",
    )
)
_UPLOAD = tuple(t.upload.c[name] for name in ("id", "slot", "part_count", "expires_at", "blob_id", "store_upload"))
_is_whole = t.upload.c.part_count == 0
_of_version = t.file.c.version_id == bindparam("version_id")
_of_artifact = t.draft_file.c.artifact_id == bindparam("artifact_id")


# files of versions


def find_files() -> Select[Any]:
    return select(*_ENTRY).where(_of_version, InList(t.file.c.path, "paths"))


def list_files(bounded: bool) -> Select[Any]:
    """Behind :after, from :first up to (bounded) and without :end, at most :limit."""
    path = t.file.c.path
    chosen = select(*_ENTRY).where(_of_version, path > bindparam("after"), path >= bindparam("first"))
    if bounded:
        chosen = chosen.where(path < bindparam("end"))
    return chosen.order_by(path).limit(bindparam("limit"))


def outlines() -> Select[Any]:
    """One row for each of :version_ids: sums, and the least of every column, which is the file where there is one."""
    f = t.file.c
    return (
        select(
            f.version_id,
            func.count(),
            func.sum(f.size_bytes),
            func.sum(ByteLength(f.path)),
            func.max(f.modified_at),
            *(func.min(column) for column in _ENTRY),
        )
        .where(InList(f.version_id, "version_ids"))
        .group_by(f.version_id)
    )


def files_in_directory() -> Select[Any]:
    return (
        select(*_ENTRY)
        .where(_of_version, t.file.c.directory == bindparam("directory"))
        .order_by(t.file.c.path)
        .limit(bindparam("limit"))
    )


def subdirectories() -> Select[Any]:
    """Names of the directories directly in :directory (which ends before :end), one index step for each.

    Each step takes the least directory behind everything below the name found before: below `a/b/` all
    directories begin with `a/b/`, and the text behind them all is `a/b0`, since `0` follows `/`.
    """
    first = _next_directory(bindparam("directory"), strictly=True)
    names = select(_name_in(first).label("name")).cte("names", recursive=True)
    behind = bindparam("directory").concat(names.c.name).concat("0")
    following = select(_name_in(_next_directory(behind, strictly=False))).where(names.c.name.is_not(None))
    names = names.union_all(following)
    return select(names.c.name).where(names.c.name.is_not(None)).order_by(names.c.name).limit(bindparam("limit"))


def _next_directory(start: Any, *, strictly: bool) -> Any:
    directory = t.file.c.directory
    behind = directory > start if strictly else directory >= start
    return select(func.min(directory)).where(_of_version, behind, directory < bindparam("end")).scalar_subquery()


def _name_in(directory: Any) -> Any:
    """The first part of a directory's path behind :directory."""
    rest = func.substr(directory, func.length(bindparam("directory")) + 1)
    return func.substr(rest, 1, PositionOf(literal("/"), rest) - 1)


def drop_replaced_files() -> Delete:
    """Remove from :version_id the paths that the draft of :artifact_id replaces or removes."""
    staged = select(t.draft_file.c.path).where(_of_artifact, _is_change)
    return delete(t.file).where(_of_version, t.file.c.path.in_(staged))


_is_change = or_(t.draft_file.c.removed == 1, t.draft_file.c.blob_id.is_not(None))


def add_staged_files() -> Insert:
    """Add to :version_id the files that have arrived in the draft of :artifact_id."""
    d = t.draft_file.c
    staged = select(
        bindparam("version_id"), d.path, _directory_of(d.path), d.blob_id, d.size_bytes, d.modified_at,
        d.content_type, d.sha256,
    ).where(_of_artifact, d.removed == 0, d.blob_id.is_not(None))  # fmt: skip
    return insert(t.file).from_select(
        ["version_id", "path", "directory", "blob_id", "size_bytes", "modified_at", "content_type", "sha256"], staged
    )


def _directory_of(path: Any) -> Any:
    """What stands before the name: the path without the run of non-slashes at its end."""
    return func.rtrim(path, func.replace(path, "/", ""))


# files of drafts


def staged_files() -> Select[Any]:
    d = t.draft_file.c
    return select(d.artifact_id, *_STAGED).where(InList(d.artifact_id, "artifact_ids")).order_by(d.artifact_id, d.path)


def find_slot() -> Select[Any]:
    d = t.draft_file.c
    return select(d.artifact_id, *_STAGED).where(d.slot == bindparam("slot"))


def stage_file() -> Insert:
    """Add a staged path; one that is there is replaced only where a mark or bytes are involved."""
    statement = insert(t.draft_file)
    new = {column.name: statement.excluded[column.name] for column in _STAGED if column.name != "path"}
    changes = or_(t.draft_file.c.removed == 1, statement.excluded.removed == 1, statement.excluded.blob_id.is_not(None))
    return statement.on_conflict_do_update(index_elements=["artifact_id", "path"], set_=new, where=changes)


def staged_paths() -> Select[Any]:
    return select(*_STAGED).where(_of_artifact, InList(t.draft_file.c.path, "paths"))


def unstage_files() -> Delete:
    return delete(t.draft_file).where(_of_artifact, InList(t.draft_file.c.path, "paths"))


def fill_slot() -> Update:
    d = t.draft_file
    columns = ("blob_id", "size_bytes", "modified_at", "content_type", "sha256")
    return (
        update(d)
        .where(d.c.slot == bindparam("in_slot"), d.c.removed == 0)
        .values({column: bindparam(column) for column in columns})
        .returning(d.c.artifact_id)
    )


# uploads in parts


def insert_upload() -> Insert:
    return insert(t.upload)


def find_upload() -> Select[Any]:
    return select(*_UPLOAD).where(t.upload.c.id == bindparam("upload_id"))


def whole_uploads() -> Select[Any]:
    """Files sent whole to the store, and the staged paths of :artifact_id they are for; the oldest first."""
    chosen = select(*_UPLOAD, *_STAGED).where(t.upload.c.slot == t.draft_file.c.slot, _of_artifact, _is_whole)
    return chosen.order_by(t.upload.c.id)


def delete_whole_uploads() -> ReturningDelete[Any]:
    return delete(t.upload).where(InList(t.upload.c.slot, "slots"), _is_whole).returning(*_UPLOAD)


def expired_uploads(whole: bool) -> Select[Any]:
    u = t.upload.c
    kind = _is_whole if whole else ~_is_whole
    expired = select(*_UPLOAD).where(u.expires_at < bindparam("expired_before"), kind)
    return expired.order_by(u.expires_at, u.id).limit(bindparam("limit"))


def delete_upload() -> Delete:
    return delete(t.upload).where(InList(t.upload.c.id, "ids"))


# blobs


def has_slot() -> Select[Any]:
    d = t.draft_file.c
    return select(d.slot).where(d.slot == bindparam("slot"), d.removed == 0)


def record_blob() -> Insert:
    """Add a blob, or confirm one that is known and good; returns nothing for a condemned one."""
    statement = insert(t.blob)
    return statement.on_conflict_do_update(
        index_elements=["id"], set_={"id": statement.excluded.id}, where=t.blob.c.condemned == 0
    ).returning(t.blob.c.id)


def usable_blobs() -> Select[Any]:
    """Which of :ids may be referenced; locked so that none is condemned meanwhile."""
    return select(t.blob.c.id).where(InList(t.blob.c.id, "ids"), t.blob.c.condemned == 0).with_for_update(read=True)


def known_blobs() -> CompoundSelect[Any]:
    """Which of :ids are blobs, or will be when an upload to the store ends."""
    under_way = select(t.upload.c.blob_id).where(InList(t.upload.c.blob_id, "ids"))
    return union(select(t.blob.c.id).where(InList(t.blob.c.id, "ids")), under_way)


def _unreferenced() -> Any:
    files = exists().where(t.file.c.blob_id == t.blob.c.id)
    staged = exists().where(t.draft_file.c.blob_id == t.blob.c.id)
    arriving = exists().where(t.segment.c.blob_id == t.blob.c.id)
    return ~files & ~staged & ~arriving


def unreferenced_blobs() -> Select[Any]:
    b = t.blob.c
    return (
        select(b.id, b.size_bytes, b.sha256, b.created_at)
        .where(b.released_at < bindparam("released_before"), _unreferenced())
        .order_by(b.released_at, b.id)
        .limit(bindparam("limit"))
    )


def list_blobs() -> Select[Any]:
    b = t.blob.c
    return (
        select(b.id, b.size_bytes, b.sha256, b.crc32, ~_unreferenced())
        .where(b.id > bindparam("after"), b.condemned == 0)
        .order_by(b.id)
        .limit(bindparam("limit"))
    )


def uses_of_blobs() -> Select[Any]:
    """The first :limit files that refer to each of :ids: in versions, in drafts, and those still arriving."""
    f, d, r = t.file.c, t.draft_file.c, t.resumable.c
    committed = (
        select(f.blob_id, t.artifact.c.workspace, t.artifact.c.alias, t.version.c.label, f.path)
        .join_from(t.file, t.version, t.version.c.id == f.version_id)
        .join(t.artifact, t.artifact.c.id == t.version.c.artifact_id)
        .where(InList(f.blob_id, "ids"))
    )
    staged = (
        select(d.blob_id, t.artifact.c.workspace, t.artifact.c.alias, literal("stage"), d.path)
        .join_from(t.draft_file, t.artifact, t.artifact.c.id == d.artifact_id)
        .where(InList(d.blob_id, "ids"))
    )
    arriving = (
        select(t.segment.c.blob_id, t.artifact.c.workspace, t.artifact.c.alias, literal("upload"), r.path)
        .join_from(t.segment, t.resumable, r.id == t.segment.c.upload_id)
        .join(t.artifact, t.artifact.c.id == r.artifact_id)
        .where(InList(t.segment.c.blob_id, "ids"))
    )
    uses = committed.union_all(staged, arriving).subquery().c
    order = (uses.workspace, uses.alias, uses.label, uses.path)
    place = func.row_number().over(partition_by=uses.blob_id, order_by=order).label("place")
    ranked = select(uses.blob_id, *order, place).subquery().c
    chosen = select(*[ranked[name] for name in ("blob_id", "workspace", "alias", "label", "path")])
    return chosen.where(ranked.place <= bindparam("limit")).order_by(ranked.blob_id, ranked.place)


def condemn_blobs() -> Update:
    return update(t.blob).where(InList(t.blob.c.id, "ids"), _unreferenced()).values(condemned=1).returning(t.blob.c.id)


def forget_blobs() -> Delete:
    return delete(t.blob).where(InList(t.blob.c.id, "ids"), t.blob.c.condemned == 1)
