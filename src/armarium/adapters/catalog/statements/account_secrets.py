"""Statements about the secrets of accounts."""

from typing import Any

from sqlalchemy import ColumnElement, Delete, Float, Insert, Select, bindparam, delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningDelete

from armarium.adapters.catalog import tables as t
from armarium.domain.account_secret import NEVER

_s = t.account_secret.c
_SHOWN = (_s.workspace, _s.name, _s.kind, _s.expires_at)


def list_secrets() -> Select[Any]:
    return select(*_SHOWN).where(_s.workspace == bindparam("workspace"), _lasts()).order_by(_s.name)


def find_secret() -> Select[Any]:
    return select(*_SHOWN, _s.ciphertext).where(*_named(), _lasts())


def put_secret() -> Insert:
    statement = insert(t.account_secret)
    changed = {name: statement.excluded[name] for name in ("kind", "expires_at", "ciphertext")}
    return statement.on_conflict_do_update(index_elements=["workspace", "name"], set_=changed)


def delete_secret() -> ReturningDelete[Any]:
    return delete(t.account_secret).where(*_named()).returning(_s.name)


def forget_secrets() -> Delete:
    return delete(t.account_secret).where(_s.workspace == bindparam("workspace"), ~_lasts())


def _named() -> tuple[ColumnElement[bool], ...]:
    return _s.workspace == bindparam("workspace"), _s.name == bindparam("name")


def _lasts() -> ColumnElement[bool]:
    return or_(_s.expires_at == NEVER, _s.expires_at > bindparam("now", type_=Float()))
