"""What a database must bring so that the records run on it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from armarium.domain.errors import Unavailable

T = TypeVar("T")
Row = Sequence[Any]


class Executor(Protocol):
    """One connection's worth of statements. Raises Unavailable when the database cannot, Invalid for broken text.

    long: the statement may look at very many rows, so it must not run where others wait for it.
    """

    async def fetch_all(self, sql: str, values: Sequence[Any], *, long: bool = False) -> list[Any]: ...

    async def fetch_one(
        self, sql: str, values: Sequence[Any], make: Callable[[Any], T], *, long: bool = False
    ) -> T | None:
        """make: turns the row into a value; an executor may remember what it made."""
        rows = await self.fetch_all(sql, values, long=long)
        return make(rows[0]) if rows else None

    async def execute(self, sql: str, values: Sequence[Any]) -> int:
        """Change something; returns how many rows changed."""
        ...

    async def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None: ...


class Closed(Executor):
    """Stands where a connection will be."""

    async def fetch_all(self, sql: str, values: Sequence[Any], *, long: bool = False) -> list[Any]:
        raise closed()

    async def execute(self, sql: str, values: Sequence[Any]) -> int:
        raise closed()

    async def execute_many(self, sql: str, rows: Any) -> None:
        raise closed()


def closed() -> Unavailable:
    return Unavailable("The catalog is not open.")
