"""Statements about requests that were made before."""

from typing import Any

from sqlalchemy import Delete, Insert, Select, Update, and_, bindparam, case, delete, null, select, update
from sqlalchemy.dialects.postgresql import insert

from armarium.adapters.catalog import tables as t

_r = t.idempotency.c


def find_request() -> Select[Any]:
    columns = (_r.id, _r.fingerprint, _r.claim, _r.resource_id, _r.expires_at, _r.status, _r.headers, _r.body)
    return select(*columns).where(_r.id == bindparam("request_id"))


def claim_request() -> Insert:
    given: dict[str, Any] = {
        name: bindparam(name) for name in ("id", "fingerprint", "claim", "resource_id", "expires_at")
    }
    statement = insert(t.idempotency).values(given)
    new = statement.excluded
    is_same = and_(_r.status.is_(None), _r.fingerprint == new.fingerprint)
    return statement.on_conflict_do_update(
        index_elements=["id"],
        set_={
            "resource_id": case((is_same, _r.resource_id), else_=new.resource_id),
            "fingerprint": new.fingerprint,
            "claim": new.claim,
            "expires_at": new.expires_at,
            "status": null(),
            "headers": null(),
            "body": null(),
        },
        where=_r.expires_at <= bindparam("now"),
    ).returning(_r.resource_id)


def keep_answer(with_answer: bool) -> Update:
    values: dict[str, Any] = {"expires_at": bindparam("until")}
    if with_answer:
        values |= {"status": bindparam("code"), "headers": bindparam("fields"), "body": bindparam("content")}
    kept = update(t.idempotency).where(_r.id == bindparam("request_id"), _r.claim == bindparam("held"))
    return kept.where(_r.status.is_(None)).values(values)


def forget_requests() -> Delete:
    return delete(t.idempotency).where(_r.expires_at < bindparam("expired_before"))
