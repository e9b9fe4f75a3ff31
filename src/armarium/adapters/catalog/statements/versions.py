"""Statements about versions, drafts and secrets."""

from typing import Any

from sqlalchemy import Delete, Insert, Select, Update, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from armarium.adapters.catalog import tables as t
from armarium.adapters.catalog.constructs import InList


def manifest_of() -> Select[Any]:
    return select(t.version.c.manifest, t.version.c.type).where(t.version.c.id == bindparam("version_id"))


def insert_version() -> Insert:
    return insert(t.version)


def update_version(with_comment: bool) -> Update:
    columns = ["manifest", "type", "modified_at", *(["comment"] if with_comment else [])]
    return (
        update(t.version)
        .where(t.version.c.id == bindparam("version_id"))
        .values({column: bindparam(column) for column in columns})
    )


def delete_version() -> Delete:
    return delete(t.version).where(t.version.c.id == bindparam("version_id"))


def delete_versions() -> Delete:
    return delete(t.version).where(t.version.c.artifact_id == bindparam("artifact_id"))


def total_version() -> Update:
    """Write down what the files of :version_id add up to; returns their number."""
    mine = t.file.c.version_id == bindparam("version_id")
    return (
        update(t.version)
        .where(t.version.c.id == bindparam("version_id"))
        .values(
            file_count=select(func.count()).select_from(t.file).where(mine).scalar_subquery(),
            size_bytes=select(func.coalesce(func.sum(t.file.c.size_bytes), 0)).where(mine).scalar_subquery(),
        )
        .returning(t.version.c.file_count)
    )


def find_draft() -> Select[Any]:
    d = t.draft.c
    return select(d.artifact_id, d.intent, d.manifest, d.config, d.type).where(
        d.artifact_id == bindparam("artifact_id")
    )


def put_draft() -> Insert:
    statement = insert(t.draft)
    new = {name: statement.excluded[name] for name in ("intent", "type", "config", "manifest")}
    return statement.on_conflict_do_update(index_elements=["artifact_id"], set_=new)


def delete_draft() -> Delete:
    return delete(t.draft).where(t.draft.c.artifact_id == bindparam("artifact_id"))


def delete_staged_files() -> Delete:
    return delete(t.draft_file).where(t.draft_file.c.artifact_id == bindparam("artifact_id"))


# secrets


def secrets_of() -> Select[Any]:
    s = t.secret.c
    return select(s.key, s.ciphertext).where(s.artifact_id == bindparam("artifact_id"), s.staged == bindparam("staged"))


def put_secret() -> Insert:
    statement = insert(t.secret)
    return statement.on_conflict_do_update(
        index_elements=["artifact_id", "staged", "key"], set_={"ciphertext": statement.excluded.ciphertext}
    )


def delete_secrets(only_keys: bool) -> Delete:
    """Of :artifact_id, staged or not; only_keys: those in :keys."""
    s = t.secret.c
    chosen = delete(t.secret).where(s.artifact_id == bindparam("artifact_id"), s.staged == bindparam("staged"))
    return chosen.where(InList(s.key, "keys")) if only_keys else chosen


def has_staged_secrets() -> Select[Any]:
    s = t.secret.c
    return select(s.key).where(s.artifact_id == bindparam("artifact_id"), s.staged == 1).limit(1)


def unstage_secrets() -> Update:
    s = t.secret
    return update(s).where(s.c.artifact_id == bindparam("artifact_id"), s.c.staged == 1).values(staged=0)
