"""What all records share: run a statement of a shape with named values."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeVar

from armarium.adapters.catalog.compiled import Build, Compiler
from armarium.adapters.catalog.executor import Executor

T = TypeVar("T")


def _as_is(row: Any) -> Any:
    return row


class Records:
    """An executor and a compiler."""

    def __init__(self, executor: Executor, compiler: Compiler) -> None:
        self._executor = executor
        self._compiler = compiler

    async def _one(self, build: Build, *shape: Hashable, **values: Any) -> Any | None:
        return await self._make(_as_is, build, *shape, **values)

    async def _make(self, make: Callable[[Any], T], build: Build, *shape: Hashable, **values: Any) -> T | None:
        """Turn the row a statement finds into a value."""
        statement = self._compiler(build, *shape)
        return await self._executor.fetch_one(statement.sql, statement.bind(values), make)

    async def _all(self, build: Build, *shape: Hashable, long: bool = False, **values: Any) -> list[Any]:
        statement = self._compiler(build, *shape)
        return await self._executor.fetch_all(statement.sql, statement.bind(values), long=long)

    async def _change(self, build: Build, *shape: Hashable, **values: Any) -> int:
        statement = self._compiler(build, *shape)
        return await self._executor.execute(statement.sql, statement.bind(values))

    async def _change_many(self, build: Build, rows: Iterable[Mapping[str, Any]], *shape: Hashable) -> None:
        statement = self._compiler(build, *shape)
        await self._executor.execute_many(statement.sql, [statement.bind(row) for row in rows])
