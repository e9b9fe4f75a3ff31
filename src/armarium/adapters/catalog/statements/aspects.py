"""Statements about aspects."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Insert,
    Select,
    Text,
    Update,
    and_,
    bindparam,
    cast,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from armarium.adapters.catalog import tables as t
from armarium.adapters.catalog.constructs import InList, LikeWildcard, PositionOf

COLUMNS = (
    "id", "workspace", "entity", "schema", "content", "policy", "reach", "asserter", "valid_from", "valid_to",
    "retracter", "replaces",
)  # fmt: skip

_a = t.aspect.c
_ASPECT = tuple(_a[name] for name in COLUMNS)
_NEVER = 2**62
"""Sorts behind every moment: what has not ended."""


def insert_aspect() -> Insert:
    return insert(t.aspect)


def find_aspect() -> Select[Any]:
    return select(*_ASPECT).where(_a.id == bindparam("aspect_id"))


def active_aspects() -> Select[Any]:
    """Up to two aspects of :entity and :schema in :workspace that have not ended: enough to know if it is one."""
    same = (_a.entity == bindparam("entity"), _a.schema == bindparam("schema"), _a.workspace == bindparam("workspace"))
    return select(*_ASPECT).where(*same, _a.valid_to.is_(None)).order_by(_a.id).limit(2)


def end_aspect() -> Update:
    return (
        update(t.aspect)
        .where(_a.id == bindparam("aspect_id"), _a.valid_to.is_(None))
        .values(valid_to=bindparam("ended_at"), retracter=bindparam("ended_by"))
        .returning(_a.id)
    )


def take_turn() -> Insert:
    statement = insert(t.aspect_turn)
    return statement.on_conflict_do_update(
        index_elements=["entity", "schema"], set_={"turns": t.aspect_turn.c.turns + 1}
    )


def list_aspects(
    shared: bool,
    with_open: bool,
    by_entity: bool,
    schema: str | None,
    past: bool,
    by_text: bool,
    order: tuple[str, ...],
    descending: bool,
    after: bool,
) -> Select[Any]:
    """Up to :limit aspects. schema: `is` or `like`; the others say which parameters there are."""
    keys = [_sort_key(name) for name in order] + [_a.id]
    conditions = [_visible(shared, with_open), _holding(past)]
    if by_entity:
        conditions.append(_a.entity == bindparam("entity"))
    if schema is not None:
        conditions.append(_a.schema == bindparam("schema") if schema == "is" else LikeWildcard(_a.schema, "schema"))
    if by_text:
        conditions.append(PositionOf(bindparam("text", type_=Text()), _a.content) > 0)
    if after:
        place = tuple_(*(_place(name, f"after{n}") for n, name in enumerate((*order, "id"))))
        row = tuple_(*keys)
        conditions.append(row < place if descending else row > place)
    ordered = [key.desc() if descending else key.asc() for key in keys]
    return select(*_ASPECT).where(*conditions).order_by(*ordered).limit(bindparam("limit"))


def _visible(shared: bool, with_open: bool) -> Any:
    reachable: list[Any] = [InList(_a.workspace, "workspaces")]
    if shared:
        reachable.append(and_(_a.workspace == bindparam("shared"), _a.reach >= literal_column("1")))
    if with_open:
        reachable.append(_a.reach >= literal_column("2"))
    return or_(false(), *reachable)


def _holding(past: bool) -> Any:
    if not past:
        return _a.valid_to.is_(None)
    moment = bindparam("at", type_=BigInteger())
    return and_(_a.valid_from <= moment, or_(_a.valid_to.is_(None), _a.valid_to > moment))


def _sort_key(name: str) -> Any:
    if name == "valid_to":
        return func.coalesce(_a.valid_to, literal(_NEVER, BigInteger()))
    return func.coalesce(_a[name], literal_column("''")) if name in ("retracter", "replaces") else _a[name]


def _place(name: str, parameter: str) -> Any:
    kind = BigInteger() if name in ("valid_from", "valid_to") else Text()
    return cast(bindparam(parameter, type_=kind), kind)
