"""Statements about artifacts, their side-table rows and their counters."""

from typing import Any

from sqlalchemy import (
    Delete,
    FromClause,
    Insert,
    Select,
    Update,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from armarium.adapters.catalog import tables as t
from armarium.adapters.catalog.constructs import InList, JsonRows

# The insert of the PostgreSQL dialect writes ON CONFLICT the way SQLite reads it, too.

VERSION_COLUMNS = tuple(
    t.version.c[name] for name in ("id", "label", "position", "comment", "created_at", "file_count", "size_bytes")
)


def _columns(a: FromClause, parent: FromClause) -> list[Any]:
    """The columns `rows.artifact_of` reads, in its order."""
    return [
        a.c.id,
        a.c.workspace,
        a.c.alias,
        a.c.parent_id,
        parent.c.alias,
        a.c.type,
        a.c.created_by,
        a.c.created_at,
        a.c.modified_at,
        a.c.view_count,
        a.c.download_count,
        a.c.file_count,
        JsonRows(VERSION_COLUMNS, where=(t.version.c.artifact_id, a.c.id), order=t.version.c.position),
        select(t.draft.c.intent).where(t.draft.c.artifact_id == a.c.id).scalar_subquery(),
        a.c.config,
        a.c.manifest,
    ]


def _with_parent() -> tuple[Any, Any, Any]:
    a, parent = t.artifact.alias("a"), t.artifact.alias("p")
    return a, parent, a.outerjoin(parent, parent.c.id == a.c.parent_id)


def _found_columns() -> tuple[list[Any], Any, Any]:
    """The columns `rows.found_of` reads, where they come from, and the artifact among it; :viewer."""
    a, parent, source = _with_parent()
    membership = and_(t.member.c.workspace == a.c.workspace, t.member.c.user_id == bindparam("viewer"))
    return [*_columns(a, parent), parent.c.config, t.member.c.role], source.outerjoin(t.member, membership), a


def find_artifact(by_alias: bool, count_children: bool) -> Select[Any]:
    """:workspace and :alias, or :id; :viewer."""
    columns, source, a = _found_columns()
    child = t.artifact.alias("child")
    children = select(func.count()).select_from(child).where(child.c.parent_id == a.c.id).scalar_subquery()
    found = select(*columns, *([children] if count_children else [])).select_from(source)
    if by_alias:
        return found.where(a.c.workspace == bindparam("workspace"), a.c.alias == bindparam("alias"))
    return found.where(a.c.id == bindparam("id"))


def artifacts_of_ids() -> Select[Any]:
    """:ids as a JSON array; in no order."""
    a, parent, source = _with_parent()
    return select(*_columns(a, parent)).select_from(source).where(InList(a.c.id, "ids"))


def semantic_collections() -> Select[Any]:
    """Those of :workspace that have an index; :viewer."""
    columns, source, a = _found_columns()
    indexed = source.join(t.semantic_index, t.semantic_index.c.artifact_id == a.c.id)
    chosen = select(*columns).select_from(indexed).where(a.c.workspace == bindparam("workspace"))
    return chosen.order_by(a.c.id).limit(bindparam("limit"))


def child_ids() -> Select[Any]:
    return select(t.artifact.c.id).where(t.artifact.c.parent_id == bindparam("parent_id")).order_by(t.artifact.c.id)


def child_counts() -> Select[Any]:
    """:parents as a JSON array."""
    a = t.artifact.c
    return select(a.parent_id, func.count()).where(InList(a.parent_id, "parents")).group_by(a.parent_id)


def family_counts() -> Select[Any]:
    """:parents as a JSON array; :name and :value of the field that makes an artifact a collection."""
    a, below = t.artifact.alias("a"), t.artifact.alias("below")
    f = t.field.c
    is_collection = exists().where(f.artifact_id == a.c.id, f.name == bindparam("name"), f.value == bindparam("value"))
    held = select(func.count()).select_from(below).where(below.c.parent_id == a.c.id).scalar_subquery()
    collections = func.sum(case((is_collection, 1), else_=0))
    others = func.sum(case((is_collection, held), else_=1))
    return select(a.c.parent_id, collections, others).where(InList(a.c.parent_id, "parents")).group_by(a.c.parent_id)


def insert_artifact() -> Insert:
    return insert(t.artifact).on_conflict_do_nothing().returning(t.artifact.c.id)


def publish(with_file_count: bool) -> Update:
    columns = ["type", "manifest", "config", "modified_at", *(["file_count"] if with_file_count else [])]
    return _update_artifact(columns)


def _update_artifact(columns: list[str]) -> Update:
    """Set columns of the artifact :artifact_id to the parameters of the same names."""
    changed: dict[str, Any] = {column: bindparam(column) for column in columns}
    return update(t.artifact).where(t.artifact.c.id == bindparam("artifact_id")).values(changed)


def reset_artifact() -> Update:
    fresh = {"view_count": 0, "download_count": 0, "file_count": 0, "modified_at": bindparam("created_at")}
    return _update_artifact(["created_by", "created_at"]).values(fresh)


def set_parent() -> Update:
    return _update_artifact(["parent_id"])


def orphan_children() -> Update:
    return update(t.artifact).where(InList(t.artifact.c.parent_id, "parents")).values(parent_id=None)


def delete_artifacts() -> Delete:
    return delete(t.artifact).where(InList(t.artifact.c.id, "ids"))


def ids_in_workspace() -> Select[Any]:
    return select(t.artifact.c.id).where(t.artifact.c.workspace == bindparam("workspace"))


# side table


def scope_of_artifact() -> Select[Any]:
    return select(t.artifact.c.workspace, t.artifact.c.parent_id).where(t.artifact.c.id == bindparam("artifact_id"))


def fields_of_artifact() -> Select[Any]:
    f = t.field.c
    return select(f.name, f.element, f.value, f.text).where(f.artifact_id == bindparam("artifact_id"))


def insert_fields() -> Insert:
    return insert(t.field)


def delete_fields() -> Delete:
    f = t.field.c
    return delete(t.field).where(
        f.artifact_id == bindparam("artifact_id"),
        f.name == bindparam("name"),
        f.element == bindparam("element"),
        f.value == bindparam("value"),
    )


def move_fields() -> Update:
    """Give every row of :artifact_id the scope :scope."""
    f = t.field
    return update(f).where(f.c.artifact_id == bindparam("artifact_id")).values(scope=bindparam("scope"))


def orphan_fields() -> Update:
    """Give every row under one of the :parents the scope its workspace has for root artifacts."""
    owner = select("/" + t.artifact.c.workspace).where(t.artifact.c.id == t.field.c.artifact_id).scalar_subquery()
    return update(t.field).where(InList(t.field.c.scope, "parents")).values(scope=owner)


# words


def await_text() -> Insert:
    """Note that the manifest of :artifact_id is not in the text index yet."""
    return insert(t.text_pending).on_conflict_do_nothing()


def await_changed_text() -> Insert:
    """The same, if :manifest differs from what is published."""
    changed = select(t.artifact.c.id).where(
        t.artifact.c.id == bindparam("artifact_id"), t.artifact.c.manifest != bindparam("manifest")
    )
    return insert(t.text_pending).from_select(["artifact_id"], changed).on_conflict_do_nothing()


def put_body() -> Insert:
    """PostgreSQL: write the folded manifest that the text index is over, if it is new."""
    statement = insert(t.text_body)
    return statement.on_conflict_do_update(
        index_elements=["artifact_id"],
        set_={"body": statement.excluded.body},
        where=t.text_body.c.body != statement.excluded.body,
    )


# counters


def add_counts() -> Update:
    a = t.artifact
    return (
        update(a)
        .where(a.c.id == bindparam("artifact_id"))
        .values(
            view_count=a.c.view_count + bindparam("views"), download_count=a.c.download_count + bindparam("downloads")
        )
    )


def add_day() -> Insert:
    """Add to the statistics of :day; an artifact that is gone has none."""
    there = select(t.artifact.c.id, bindparam("day"), bindparam("views"), bindparam("downloads"))
    statement = insert(t.stat_day)
    return statement.from_select(
        ["artifact_id", "day", "views", "downloads"], there.where(t.artifact.c.id == bindparam("artifact_id"))
    ).on_conflict_do_update(
        index_elements=["artifact_id", "day"],
        set_={
            "views": t.stat_day.c.views + statement.excluded.views,
            "downloads": t.stat_day.c.downloads + statement.excluded.downloads,
        },
    )


def reset_counts() -> Update:
    return _update_artifact([]).values(view_count=0, download_count=0)


def delete_days() -> Delete:
    return delete(t.stat_day).where(t.stat_day.c.artifact_id == bindparam("artifact_id"))
