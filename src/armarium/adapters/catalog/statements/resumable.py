"""Statements about resumable uploads."""

from typing import Any

from sqlalchemy import Delete, Insert, Select, Update, bindparam, delete, insert, or_, select, update

from armarium.adapters.catalog import tables as t
from armarium.adapters.catalog.constructs import InList
from armarium.domain.upload import Ending

COLUMNS = (
    "id", "artifact_id", "path", "slot", "ending", "length", "offset", "stored", "commits", "metadata", "created_by",
    "touched_at", "expires_at",
)  # fmt: skip
CHANGEABLE = ("slot", "ending", "length", "offset", "stored", "commits", "metadata", "touched_at", "expires_at")

_r = t.resumable.c
_RESUMABLE = tuple(_r[name] for name in COLUMNS)


def insert_resumable() -> Insert:
    return insert(t.resumable)


def find_resumable() -> Select[Any]:
    return select(*_RESUMABLE).where(_r.id == bindparam("upload_id"))


def resumables_of() -> Select[Any]:
    return select(*_RESUMABLE).where(InList(_r.artifact_id, "artifact_ids"), _r.commits == 1).order_by(_r.id)


def unsettled_resumables() -> Select[Any]:
    is_unsettled = or_(_r.stored.is_(None), _r.stored != _r.offset)
    chosen = select(*_RESUMABLE).where(
        _r.ending == str(Ending.OPEN), _r.touched_at < bindparam("touched_before"), _r.offset > 0, is_unsettled
    )
    return chosen.order_by(_r.touched_at).limit(bindparam("limit"))


def expired_resumables() -> Select[Any]:
    chosen = select(_r.id).where(_r.expires_at < bindparam("expired_before"))
    return chosen.order_by(_r.expires_at).limit(bindparam("limit"))


def advance_resumable() -> Update:
    return (
        update(t.resumable)
        .where(_r.id == bindparam("upload_id"), _r.offset == bindparam("from_offset"))
        .values({name: bindparam(name) for name in CHANGEABLE})
        .returning(_r.id)
    )


def delete_resumable() -> Delete:
    return delete(t.resumable).where(_r.id == bindparam("upload_id"))


def list_segments() -> Select[Any]:
    s, b = t.segment.c, t.blob.c
    chosen = select(s.start, s.blob_id, b.size_bytes, b.sha256, b.crc32).join_from(t.segment, t.blob)
    return chosen.where(s.upload_id == bindparam("upload_id")).order_by(s.start)


def insert_segment() -> Insert:
    return insert(t.segment)


def delete_segments() -> Delete:
    return delete(t.segment).where(t.segment.c.upload_id == bindparam("upload_id"))


def release_segments() -> Update:
    """Begin the grace period of what :upload_id has kept; what is needed elsewhere is not swept all the same."""
    kept = select(t.segment.c.blob_id).where(t.segment.c.upload_id == bindparam("upload_id"))
    return update(t.blob).where(t.blob.c.id.in_(kept)).values(released_at=bindparam("now"))
