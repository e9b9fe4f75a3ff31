"""Statements about the buckets of workspaces."""

from typing import Any

from sqlalchemy import Delete, Insert, Select, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert

from armarium.adapters.catalog import tables as t

_BUCKET = ("id", "workspace", "endpoint", "name", "settings", "ciphertext", "created_at", "updated_at")


def list_buckets() -> Select[Any]:
    b = t.bucket.c
    return select(*(b[name] for name in _BUCKET)).where(b.workspace == bindparam("workspace")).order_by(b.id)


def find_bucket() -> Select[Any]:
    return list_buckets().where(t.bucket.c.id == bindparam("bucket_id"))


def namesake() -> Select[Any]:
    """Another bucket than :id with the same :name and :endpoint in :workspace."""
    b = t.bucket.c
    same = [b[column] == bindparam(column) for column in ("workspace", "endpoint", "name")]
    return select(b.id).where(*same, b.id != bindparam("id"))


def put_bucket() -> Insert:
    statement = insert(t.bucket)
    changed = {name: statement.excluded[name] for name in ("endpoint", "name", "settings", "ciphertext", "updated_at")}
    return statement.on_conflict_do_update(index_elements=["id"], set_=changed)


def delete_bucket() -> Delete:
    return delete(t.bucket).where(t.bucket.c.id == bindparam("bucket_id"))
