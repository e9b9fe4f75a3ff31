"""Whole tables, row by row: what it takes to carry a catalog into another database.

`TableReader` and `TableWriter` are parts of the catalog's `Reader` and `Transaction`. Rows come in the order of their
keys, which is the same in every database, and hold plain values: None, numbers, text, bytes.
"""

from collections.abc import Sequence
from typing import Any, Protocol

Row = tuple[Any, ...]


class TableReader(Protocol):
    """Every table that holds what cannot be made again from the others."""

    def table_names(self) -> list[str]:
        """Each behind those it refers to."""
        ...

    def is_linked(self, table: str) -> bool:
        """Whether rows of a table refer to rows of the same table."""
        ...

    def key_of(self, table: str, row: Row) -> Row:
        """What a row is ordered by."""
        ...

    async def count_rows(self, table: str) -> int:
        """How many rows a table has."""
        ...

    async def table_rows(self, table: str, *, after: Row | None, limit: int) -> list[Row]:
        """By key, behind the key `after`."""
        ...


class TableWriter(TableReader, Protocol):
    """Fills empty tables."""

    async def add_rows(self, table: str, rows: Sequence[Row]) -> None:
        """Add rows; what refers to rows of the same table stays empty until `link_rows`."""
        ...

    async def link_rows(self, table: str, rows: Sequence[Row]) -> None:
        """Let rows that are there refer to others of the same table."""
        ...

    async def finish_tables(self) -> None:
        """Prepare for rows of the database's own, when all are there."""
        ...
