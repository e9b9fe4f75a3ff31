"""Statements about vector collections."""

from typing import Any

from sqlalchemy import Delete, Insert, Select, Update, and_, bindparam, delete, literal_column, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from armarium.adapters.catalog import tables as t
from armarium.adapters.catalog.constructs import InList, Listed

_space = t.vector_space.c
_vector = t.vector_item.c
_of_artifact = _vector.artifact_id == bindparam("artifact_id")
_is_there = _vector.vector.is_not(None)
_ITEM = (_vector.id, _vector.vector, _vector.payload)


def vector_state() -> Select[Any]:
    return select(_space.item_count, _space.revision, _space.epoch).where(
        _space.artifact_id == bindparam("artifact_id")
    )


def find_vectors() -> Select[Any]:
    return select(*_ITEM).where(_of_artifact, _is_there, InList(_vector.id, "ids"))


def list_vectors() -> Select[Any]:
    chosen = select(*_ITEM).where(_of_artifact, _is_there).order_by(_vector.position)
    return chosen.limit(bindparam("limit")).offset(bindparam("offset"))


def vectors_behind() -> Select[Any]:
    chosen = select(_vector.position, *_ITEM).where(_of_artifact, _is_there, _vector.position > bindparam("position"))
    return chosen.order_by(_vector.position).limit(bindparam("limit"))


def vector_changes() -> Select[Any]:
    behind = or_(
        _vector.revision > bindparam("revision"),
        and_(_vector.revision == bindparam("revision"), _vector.id > bindparam("id")),
    )
    chosen = select(_vector.revision, _vector.position, *_ITEM).where(
        _of_artifact, _vector.revision >= bindparam("revision"), behind
    )
    return chosen.order_by(_vector.revision, _vector.id).limit(bindparam("limit"))


def known_ids() -> Select[Any]:
    """Which of :ids have a row, and whether it holds a vector."""
    return select(_vector.id, _is_there).where(_of_artifact, InList(_vector.id, "ids"))


def vector_ids() -> Select[Any]:
    """Ids that begin with any of :prefixes, which nothing but letters, digits and dashes follows."""
    prefix = Listed("prefixes")
    begins = and_(_vector.id >= prefix.c.item, _vector.id < prefix.c.item + literal_column("'~'"))
    return select(_vector.id).select_from(prefix.join(t.vector_item, and_(_of_artifact, begins))).where(_is_there)


def next_revision() -> Insert:
    """Count a change; :added and :removed say by how many vectors, :marks by how many marks of removed ones."""
    counted: dict[str, Any] = {name: bindparam(name) for name in ("item_count", "removed_count")}
    statement = insert(t.vector_space).values(artifact_id=bindparam("artifact_id"), revision=1, epoch=0, **counted)
    return statement.on_conflict_do_update(
        index_elements=["artifact_id"],
        set_={"revision": _space.revision + 1}
        | {name: _space[name] + statement.excluded[name] for name in ("item_count", "removed_count")},
    ).returning(_space.revision, _space.item_count, _space.removed_count)


def put_vector() -> Insert:
    statement = insert(t.vector_item)
    new = {name: statement.excluded[name] for name in ("revision", "vector", "payload")}
    return statement.on_conflict_do_update(index_elements=["artifact_id", "id"], set_=new)


def mark_removed() -> Update:
    return (
        update(t.vector_item)
        .where(_of_artifact, _is_there, InList(_vector.id, "ids"))
        .values(vector=None, payload=None, revision=bindparam("new_revision"))
    )


def forget_removed() -> Delete:
    return delete(t.vector_item).where(_of_artifact, _vector.vector.is_(None))


def clear_vectors() -> Delete:
    return delete(t.vector_item).where(_of_artifact)


def clear_space() -> Update:
    """Nothing is there, and nobody can catch up by what changed."""
    emptied = {"item_count": 0, "removed_count": 0, "revision": _space.revision + 1, "epoch": _space.epoch + 1}
    return update(t.vector_space).where(_space.artifact_id == bindparam("artifact_id")).values(emptied)


def next_epoch() -> Update:
    return (
        update(t.vector_space)
        .where(_space.artifact_id == bindparam("artifact_id"))
        .values(epoch=_space.epoch + 1, removed_count=0)
    )
