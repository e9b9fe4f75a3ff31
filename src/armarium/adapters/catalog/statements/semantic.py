"""Statements about collections that are searched by meaning."""

from typing import Any

from sqlalchemy import (
    Delete,
    Executable,
    Insert,
    Select,
    Text,
    Update,
    and_,
    bindparam,
    cast,
    delete,
    exists,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from armarium.adapters.catalog import tables as t
from armarium.adapters.catalog.constructs import InList
from armarium.domain.job import JobStatus

_index = t.semantic_index.c
_mark = t.semantic_mark.c
_of_collection = _index.artifact_id == bindparam("collection_id")


def find_index() -> Select[Any]:
    return select(_index.scanned).where(_of_collection)


def find_marks() -> Select[Any]:
    marks = select(_mark.artifact_id, _mark.stamp).where(_mark.collection_id == bindparam("collection_id"))
    return marks.limit(bindparam("limit"))


def waiting_indexes() -> Select[Any]:
    waits = or_(_index.scanned.is_not(None), exists().where(_mark.collection_id == _index.artifact_id))
    job = t.job.c
    is_over = and_(
        job.due_at.is_(None),
        job.status != JobStatus.CANCELLED.value,
        or_(job.status != JobStatus.FAILED.value, job.finished_at < bindparam("failed_before")),
    )
    source = t.semantic_index.outerjoin(t.job, job.id == _index.job_id)
    chosen = select(_index.artifact_id, job.id).select_from(source).where(or_(job.id.is_(None), is_over), waits)
    return chosen.order_by(_index.artifact_id).limit(bindparam("limit"))


def open_index() -> Insert:
    statement = insert(t.semantic_index).values(artifact_id=bindparam("collection_id"), scanned="", job_id=null())
    return statement.on_conflict_do_update(index_elements=["artifact_id"], set_={"scanned": "", "job_id": null()})


def close_index() -> Delete:
    return delete(t.semantic_index).where(_of_collection)


def assign_job() -> Update:
    had_one = exists().where(t.job.c.id == _index.job_id)
    return update(t.semantic_index).where(_of_collection, ~had_one).values(job_id=bindparam("assigned"))


def take_marks() -> Executable:
    """Those of :children whose `<artifact>:<stamp>` is among :stamped."""
    stamped = _mark.artifact_id + literal(":") + cast(_mark.stamp, Text)
    mine = (_mark.collection_id == bindparam("collection_id"), InList(_mark.artifact_id, "children"))
    return delete(t.semantic_mark).where(*mine, InList(stamped, "stamped")).returning(_mark.artifact_id)


def set_scanned() -> Executable:
    unchanged = _index.scanned == bindparam("before")
    changed = update(t.semantic_index).where(_of_collection, unchanged).values(scanned=bindparam("reached"))
    return changed.returning(_index.artifact_id)
