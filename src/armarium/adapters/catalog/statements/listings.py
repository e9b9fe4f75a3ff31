"""Statements behind a listing: which ids, in which order, from which key on.

Each takes `Range`, what is listed, and where it walks in order also `Walk`. Parameters: :parent_id, :workspace and
:scope as the range needs them, those the filter names, :key and :id of the last row seen, :edge, :limit, :offset.
"""

import enum
import functools
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    FromClause,
    Select,
    Text,
    and_,
    bindparam,
    case,
    false,
    func,
    literal_column,
    null,
    or_,
    select,
    union_all,
)

from armarium.adapters.catalog import tables as t
from armarium.adapters.catalog.constructs import Holds, InList, Listed, TextHits
from armarium.adapters.catalog.fields import DOUBLE, ELEMENT, SCALAR
from armarium.adapters.catalog.filters import Holding, Shape, expression, field_conditions, needs_artifact
from armarium.domain.query import CHILD_COUNT, Stage


class Within(enum.Enum):
    """Where the artifacts of a listing live."""

    PARENT = "children of :parent_id"
    PARENTS = "children of any of :parent_ids in :workspace"
    ROOTS = "root artifacts of :workspace"
    WORKSPACE = "everything in :workspace"
    ALL_ROOTS = "root artifacts everywhere"
    ALL = "everything"

    @property
    def is_scope(self) -> bool:
        """Whether it is exactly one scope of the side table."""
        return self in (Within.PARENT, Within.ROOTS)


class Range(msgspec.Struct, frozen=True):
    """What is listed. candidates: a shape whose index finds few artifacts, to begin with those."""

    within: Within
    stage: Stage
    conjuncts: tuple[Shape, ...]
    candidates: Shape | None = None


FIELD_LOOKUPS = ("field_is", "field_in", "field_between")
"""Words of the shapes that are a range of the side table's index."""


class Segment(enum.Enum):
    """A run of rows in an order: all, or those on one side of a key."""

    ALL = "all"
    AFTER = "behind the row with :key and :id"
    SAME = "with :key, behind :id"
    BEYOND = "behind :key"
    AT = "with :edge"
    LACKING = "without a key"
    LACKING_AFTER = "without a key, behind :id"


class Walk(msgspec.Struct, frozen=True):
    """An order and a run of rows in it. column: of `artifact`, or None for the field named :order_name."""

    column: str | None
    descending: bool
    segment: Segment = Segment.ALL


DRAFTED: Shape = ("drafted",)
"""The artifacts with a draft, as candidates."""
FOUND = "found"
"""Word of the shapes that are a list of candidates, in the parameter they name."""


def artifacts_within(within: Within, a: FromClause, *, by_index: bool = True) -> list[ColumnElement[bool]]:
    """by_index: False keeps the database from beginning here instead of with the candidates."""
    parent = a.c.parent_id if by_index else func.coalesce(a.c.parent_id, "")
    workspace = a.c.workspace if by_index else func.coalesce(a.c.workspace, "")
    no_parent = a.c.parent_id.is_(None) if by_index else parent == ""
    match within:
        case Within.PARENT:
            return [parent == bindparam("parent_id")]
        case Within.PARENTS:
            return [workspace == bindparam("workspace"), InList(parent, "parent_ids")]
        case Within.ROOTS:
            return [workspace == bindparam("workspace"), no_parent]
        case Within.WORKSPACE:
            return [workspace == bindparam("workspace")]
        case Within.ALL_ROOTS:
            return [no_parent]
        case Within.ALL:
            return []


def _filtered(
    what: Range, a: FromClause, artifact_id: ColumnElement[Any], holds: Holding = Select.exists
) -> list[ColumnElement[bool]]:
    conditions = [expression(shape, a, artifact_id, holds) for shape in what.conjuncts]
    table = {Stage.COMMITTED: t.version, Stage.DRAFTED: t.draft}.get(what.stage)
    if table is None:
        return conditions
    in_stage = holds(select(table.c.artifact_id).where(table.c.artifact_id == artifact_id))
    if holds is not Holds or not conditions:
        return [*conditions, in_stage]
    # Nearly everything is in the stage that is asked for: a database that thinks of that first asks in vain.
    return [case((and_(*conditions), in_stage), else_=false())]


def _chosen(what: Range, a: FromClause, holds: Holding = Select.exists) -> list[ColumnElement[bool]]:
    if what.candidates is None:
        return [*artifacts_within(what.within, a), *_filtered(what, a, a.c.id, holds)]
    found = a.c.id.in_(candidates(what.candidates, what.within))
    if _is_field_of_scope(what):
        return [found, *_filtered(_without_candidates(what), a, a.c.id, holds)]
    rest = _without_candidates(what) if what.candidates[0] == "column_in" else what
    return [found, *artifacts_within(what.within, a, by_index=False), *_filtered(rest, a, a.c.id, holds)]


def _is_field_of_scope(what: Range) -> bool:
    """Whether the side table's index answers both where the candidates live and their condition, exactly."""
    return what.candidates is not None and what.candidates[0] in FIELD_LOOKUPS and what.within.is_scope


def _without_candidates(what: Range) -> Range:
    """What is left to look at where the candidates are exactly those of their condition."""
    rest = tuple(shape for shape in what.conjuncts if shape != what.candidates)
    return msgspec.structs.replace(what, conjuncts=rest)


# ids in order


def walk(what: Range, order: Walk) -> Select[Any]:
    """Ids and keys of a segment, in order."""
    chosen, key, artifact_id = _ordered(what, order)
    forward = [] if key is artifact_id else [key.desc() if order.descending else key]
    last = artifact_id.desc() if key is artifact_id and order.descending else artifact_id
    if order.column is None and order.segment in (Segment.ALL, Segment.AFTER):
        forward.insert(0, case((key.is_(None), 1), else_=0))
    return chosen.order_by(*forward, last).limit(bindparam("limit")).offset(bindparam("offset"))


def walk_loosely(what: Range, order: Walk) -> Select[Any]:
    """The same with equal keys in any order."""
    chosen, key, _ = _ordered(what, order)
    return chosen.order_by(key.desc() if order.descending else key).limit(bindparam("limit"))


def count_walk(what: Range, order: Walk) -> Select[Any]:
    chosen, _, artifact_id = _ordered(what, order)
    return chosen.with_only_columns(func.count(artifact_id))


def scan_fields(what: Range, order: Walk) -> Select[Any]:
    """The same as `walk` for a field of one scope, straight along the side table's index."""
    chosen, f = _along_fields(what, order)
    key = f.c.value.desc() if order.descending else f.c.value
    return chosen.order_by(key, f.c.artifact_id).limit(bindparam("limit")).offset(bindparam("offset"))


def scan_fields_loosely(what: Range, order: Walk) -> Select[Any]:
    chosen, f = _along_fields(what, order)
    return chosen.order_by(f.c.value.desc() if order.descending else f.c.value).limit(bindparam("limit"))


def count_fields(what: Range, order: Walk) -> Select[Any]:
    chosen, f = _along_fields(what, order)
    return chosen.with_only_columns(func.count(f.c.artifact_id))


def _along_fields(what: Range, order: Walk) -> tuple[Select[Any], Any]:
    f, a = t.field.alias("f"), t.artifact.alias("a")
    source: Any = f
    if any(needs_artifact(shape) for shape in what.conjuncts):
        source = f.join(a, a.c.id == f.c.artifact_id)
    conditions = [f.c.scope == bindparam("scope"), f.c.name == bindparam("order_name"), f.c.element == SCALAR_]
    conditions += _bounds(order, f.c.value, f.c.artifact_id)
    chosen = select(f.c.artifact_id, f.c.value).select_from(source)
    return chosen.where(*conditions, *_filtered(what, a, f.c.artifact_id, Holds)), f


SCALAR_: ColumnElement[int] = literal_column(str(SCALAR))
ELEMENTS: list[ColumnElement[int]] = [literal_column(str(element)) for element in (SCALAR, ELEMENT, DOUBLE)]


def _ordered(what: Range, order: Walk) -> tuple[Select[Any], Any, Any]:
    """The chosen artifacts with their keys, the key and the id."""
    a, f = t.artifact.alias("a"), t.field.alias("o")
    source: Any = a
    key: Any = _column(a, order.column) if order.column else f.c.value
    if order.column is None:
        mine = and_(f.c.artifact_id == a.c.id, f.c.name == bindparam("order_name"), f.c.element == SCALAR_)
        source = a.outerjoin(f, mine)
    shown = null() if order.column == "id" else key
    chosen = select(a.c.id, shown).select_from(source).where(*_chosen(what, a, Holds), *_bounds(order, key, a.c.id))
    return chosen, key, a.c.id


def _column(a: FromClause, name: str) -> Any:
    if name != CHILD_COUNT:
        return a.c[name]
    child = t.artifact.alias("child")
    return select(func.count()).select_from(child).where(child.c.parent_id == a.c.id).scalar_subquery()


def _bounds(order: Walk, key: Any, artifact_id: Any) -> list[ColumnElement[bool]]:
    last_key: Any = bindparam("key")
    last_id: Any = bindparam("id")
    limit: Any = bindparam("edge")
    if key is artifact_id:
        behind = key < last_id if order.descending else key > last_id
        return [] if order.segment is Segment.ALL else [behind]
    beyond = key < last_key if order.descending else key > last_key
    return {
        Segment.ALL: [],
        Segment.AFTER: [or_(beyond, and_(key == last_key, artifact_id > last_id), key.is_(None))],
        Segment.SAME: [key == last_key, artifact_id > last_id],
        Segment.BEYOND: [beyond],
        Segment.AT: [key == limit],
        Segment.LACKING: [key.is_(None)],
        Segment.LACKING_AFTER: [key.is_(None), artifact_id > last_id],
    }[order.segment]


def ids(what: Range) -> Select[Any]:
    """At most :limit, in no order."""
    a, f = t.artifact.alias("a"), t.field.alias("f")
    rest = _without_candidates(what)
    if what.candidates is None or not _is_field_of_scope(what) or any(map(needs_artifact, rest.conjuncts)):
        return select(a.c.id).where(*_chosen(what, a)).limit(bindparam("limit"))
    mine = [f.c.scope == bindparam("scope"), *field_conditions(what.candidates, f)]
    found = select(f.c.artifact_id).where(*mine, *_filtered(rest, a, f.c.artifact_id))
    return found.distinct().limit(bindparam("limit"))


def count(what: Range) -> Select[Any]:
    a = t.artifact.alias("a")
    return select(func.count()).select_from(a).where(*_chosen(what, a))


def along_fields(what: Range) -> bool:
    """Whether the side table alone can count what is listed."""
    return what.within.is_scope and what.candidates is None and not any(map(needs_artifact, what.conjuncts))


def facets_along_fields(what: Range, fields: int) -> Select[Any] | CompoundSelect[Any]:
    """The same as `facets` for one scope and so many fields :name_0, :name_1 and so on.

    Counted along the side table's index, without a look at its rows or at the artifacts.
    """
    parts = [select(_most_frequent(what, f"name_{field}").subquery(f"frequent_{field}")) for field in range(fields)]
    return parts[0] if len(parts) == 1 else union_all(*parts)


def _most_frequent(what: Range, name: str) -> Select[Any]:
    f = t.field.alias("f")
    each = (
        select(f.c.value, func.count().label("number"))
        .where(f.c.scope == bindparam("scope"), f.c.name == bindparam(name))
        .where(*_filtered(what, t.artifact.alias("a"), f.c.artifact_id))
        .group_by(f.c.element, f.c.value)
        .subquery("each")
    )
    # An artifact may have a value twice, alone and in an array: where both occur they are counted one by one.
    number = case((func.count() == 1, func.max(each.c.number)), else_=_artifacts_with(what, name, each.c.value))
    found = select(each.c.value, number.label("number")).group_by(each.c.value).subquery("found")
    most = select(found).order_by(found.c.number.desc(), found.c.value).limit(bindparam("most")).subquery("most")
    text = _text_of(name, most.c.value)
    chosen = select(bindparam(name, type_=Text).label("name"), most.c.value, text.label("text"), most.c.number)
    return chosen.order_by(most.c.number.desc(), most.c.value)


def _artifacts_with(what: Range, name: str, value: Any) -> Any:
    f = t.field.alias("both")
    number = select(func.count(f.c.artifact_id.distinct())).where(*_with_value(f, name, value))
    return number.where(*_filtered(what, t.artifact.alias("a"), f.c.artifact_id)).scalar_subquery()


def _text_of(name: str, value: Any) -> Any:
    """The same wherever the sort key is the same."""
    f = t.field.alias("told")
    return select(f.c.text).where(*_with_value(f, name, value)).limit(1).scalar_subquery()


def _with_value(f: FromClause, name: str, value: Any) -> list[ColumnElement[bool]]:
    here = [f.c.scope == bindparam("scope"), f.c.name == bindparam(name)]
    return [*here, f.c.element.in_(ELEMENTS), f.c.value == value]


def facets(what: Range) -> Select[Any]:
    """Name, sort key, text and number of artifacts of the :most frequent values of each of the fields :facet_names."""
    a, f = t.artifact.alias("a"), t.field.alias("f")
    # Along the index of a scope where all of it counts, but from the candidates on where there are some.
    here = [f.c.scope == bindparam("scope")] if what.within.is_scope and what.candidates is None else []
    number = func.count(f.c.artifact_id.distinct())
    place = func.row_number().over(partition_by=f.c.name, order_by=[number.desc(), f.c.value])
    counted = (
        select(f.c.name, f.c.value, func.max(f.c.text).label("text"), number.label("number"), place.label("place"))
        .select_from(a.join(f, f.c.artifact_id == a.c.id))
        .where(*_chosen(what, a), *here, InList(f.c.name, "facet_names"))
        .group_by(f.c.name, f.c.value)
        .subquery("counted")
    )
    c = counted.c
    chosen = select(c.name, c.value, c.text, c.number).where(c.place <= bindparam("most"))
    return chosen.order_by(c.name, c.place)


# candidates


def is_indexed(shape: Shape, within: Within) -> bool:
    """Whether an index finds the artifacts of a shape."""
    word = shape[0]
    if word == "any":
        return bool(shape[1]) and all(is_indexed(part, within) for part in shape[1])
    if word in FIELD_LOOKUPS:
        return within in (Within.PARENT, Within.ROOTS, Within.WORKSPACE)
    if word == "keyword":
        return shape[2] is not None
    if word == "column_in":
        return bool(shape[1] == "id")
    if word == "column_is":
        return shape[1] == "id" or (shape[1] == "alias" and within in (Within.ROOTS, Within.WORKSPACE))
    return shape == DRAFTED


def candidates(shape: Shape, within: Within) -> Select[Any] | CompoundSelect[Any]:
    """Ids an indexed shape finds: at least all that match it, some perhaps twice."""
    parts = _parts(shape, within)
    return parts[0] if len(parts) == 1 else union_all(*parts)


def _parts(shape: Shape, within: Within) -> list[Select[Any]]:
    word, *rest = shape
    if word == "any":
        return [found for part in rest[0] for found in _parts(part, within)]
    if word == "keyword":
        return [select(TextHits(rest[0], rest[1]).c.artifact_id)]
    if shape == DRAFTED:
        return [select(t.draft.c.artifact_id)]
    if word in (FOUND, "column_in"):  # a list of ids already, in the last parameter
        return [select(Listed(rest[-1]).c.item)]
    if word == "column_is":
        return [_by_column(*rest)]
    f = t.field.alias()
    return [select(f.c.artifact_id).where(_in_scope(within, f), *field_conditions(shape, f))]


def _by_column(column: str, value: str) -> Select[Any]:
    a = t.artifact.alias()
    found = select(a.c.id).where(a.c[column] == bindparam(value))
    return found if column == "id" else found.where(a.c.workspace == bindparam("workspace"))


def _in_scope(within: Within, f: FromClause) -> ColumnElement[bool]:
    if within.is_scope:
        return f.c.scope == bindparam("scope")
    return f.c.scope.in_(_scopes_of_workspace())


@functools.cache  # one and the same, however often a statement asks
def _scopes_of_workspace() -> CompoundSelect[Any]:
    """The root scope of :workspace and each artifact in it that has children, one index step for each."""
    first = select(_next_parent(None).label("id")).cte("parents", recursive=True)
    parents = first.union_all(select(_next_parent(first.c.id)).where(first.c.id.is_not(None)))
    return union_all(select(bindparam("scope")), select(parents.c.id).where(parents.c.id.is_not(None)))


def _next_parent(behind: Any) -> Any:
    a = t.artifact.alias()
    least = select(func.min(a.c.parent_id)).where(a.c.workspace == bindparam("workspace"))
    return (least if behind is None else least.where(a.c.parent_id > behind)).scalar_subquery()


def some_candidates(shape: Shape, within: Within) -> Select[Any] | CompoundSelect[Any]:
    """At most :limit of them."""
    return candidates(shape, within).limit(bindparam("limit"))


def count_candidates(shape: Shape, within: Within) -> Select[Any]:
    """How many candidates there are, counted up to :limit."""
    return select(func.count()).select_from(some_candidates(shape, within).subquery())
