"""Statements that take any table as it is, by its name."""

from typing import Any

from sqlalchemy import (
    Column,
    Insert,
    Select,
    Table,
    Update,
    bindparam,
    func,
    insert,
    literal,
    literal_column,
    select,
    tuple_,
    update,
)

from armarium.adapters.catalog import tables as t


def table_of(name: str) -> Table:
    return t.metadata.tables[name]


def keys_of(table: Table) -> list[Column[Any]]:
    return list(table.primary_key.columns)


def links_of(table: Table) -> list[Column[Any]]:
    """The columns that refer to rows of the same table."""
    return [column for column in table.columns if any(key.column.table is table for key in column.foreign_keys)]


def count_rows(name: str) -> Select[Any]:
    return select(func.count()).select_from(table_of(name))


def table_rows(name: str, behind: bool) -> Select[Any]:
    """At most :limit rows by key; behind: those whose key is greater than :key_0, :key_1 ..."""
    table = table_of(name)
    keys = keys_of(table)
    rows = select(table).order_by(*keys).limit(bindparam("limit"))
    if behind:
        values = [bindparam(f"key_{n}", type_=key.type) for n, key in enumerate(keys)]
        rows = rows.where(tuple_(*keys) > tuple_(*values))
    return rows


def add_row(name: str) -> Insert:
    """Insert :c_<column> of every column but those that refer to the same table."""
    table = table_of(name)
    links = links_of(table)
    return insert(table).values({c: bindparam(f"c_{c.name}", type_=c.type) for c in table.columns if c not in links})


def link_row(name: str) -> Update:
    """Fill in the references of the row :key_0, :key_1 ... to the same table."""
    table = table_of(name)
    links = {c: bindparam(f"c_{c.name}", type_=c.type) for c in links_of(table)}
    keys = [key == bindparam(f"key_{n}", type_=key.type) for n, key in enumerate(keys_of(table))]
    return update(table).where(*keys).values(links)


def follow_numbers(name: str) -> Select[Any]:
    """On PostgreSQL, let the next number the database gives be greater than all that are there."""
    table = table_of(name)
    number = table.autoincrement_column
    if number is None:
        return select(literal(None))
    sequence = func.pg_get_serial_sequence(literal_column(f"'\"{name}\"'"), literal_column(f"'{number.name}'"))
    return select(func.setval(sequence, func.max(number)))
