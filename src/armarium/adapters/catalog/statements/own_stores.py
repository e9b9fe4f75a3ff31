"""Statements about the stores that artifacts brought with them."""

from typing import Any

from sqlalchemy import Insert, Select, and_, bindparam, delete, exists, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningDelete

from armarium.adapters.catalog import tables as t
from armarium.adapters.catalog.constructs import InList

_STORE = tuple(t.own_store.c[name] for name in ("id", "artifact_id", "ciphertext", "created_at"))


def secrets_named() -> Select[Any]:
    """Published secrets with :keys, of the parent of :artifact_id and then its own."""
    s, a = t.secret.c, t.artifact.c
    owner = or_(s.artifact_id == a.id, s.artifact_id == a.parent_id)
    chosen = select(s.artifact_id, s.key, s.ciphertext).where(
        a.id == bindparam("artifact_id"), owner, s.staged == 0, InList(s.key, "keys")
    )
    return chosen.order_by(s.artifact_id == a.id, s.key)


def stores_of() -> Select[Any]:
    chosen = select(*_STORE).where(t.own_store.c.artifact_id == bindparam("artifact_id"))
    return chosen.order_by(t.own_store.c.id.desc())


def find_store() -> Select[Any]:
    return select(*_STORE).where(t.own_store.c.id == bindparam("store_id"))


def insert_store() -> Insert:
    return insert(t.own_store)


def forget_stores() -> ReturningDelete[Any]:
    """Those whose artifact is gone and that no blob's id begins with; `/` follows `.`, which ends the prefix."""
    store, blob = t.own_store.c, t.blob.c
    holds = exists().where(and_(blob.id >= store.id.concat("."), blob.id < store.id.concat("/")))
    may_be_fed = exists().where(t.artifact.c.id == store.artifact_id)
    return delete(t.own_store).where(~may_be_fed, ~holds).returning(store.id)
