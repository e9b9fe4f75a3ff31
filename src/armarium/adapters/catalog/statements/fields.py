"""What the side table knows about the children of one parent, found by single steps along its index."""

from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, bindparam, func, literal_column, select, union_all

from armarium.adapters.catalog import tables as t
from armarium.adapters.catalog.fields import ELEMENT, SCALAR


def child_values() -> CompoundSelect[Any]:
    """Sort keys from :first up to, without, :end in the field :name of :scope; one may come twice."""
    f = t.field.c
    here = [f.scope == bindparam("scope"), f.name == bindparam("name")]
    places = {place: f.element == literal_column(str(place)) for place in (SCALAR, ELEMENT)}
    return union_all(*(_steps(f.value, [*here, at], f"values_{place}") for place, at in places.items()))


def child_names() -> Select[Any]:
    """Names of fields from :first up to, without, :end in :scope."""
    return _steps(t.field.c.name, [t.field.c.scope == bindparam("scope")], "names")


def _steps(column: ColumnElement[Any], conditions: list[ColumnElement[bool]], name: str) -> Select[Any]:
    """Each value of a column once, from the least on, one index step for each."""
    least = select(func.min(column)).where(*conditions, column < bindparam("end"))
    steps = select(least.where(column >= bindparam("first")).scalar_subquery().label("step")).cte(name, recursive=True)
    following = least.where(column > steps.c.step).scalar_subquery()
    steps = steps.union_all(select(following).where(steps.c.step.is_not(None)))
    return select(steps.c.step).where(steps.c.step.is_not(None))
