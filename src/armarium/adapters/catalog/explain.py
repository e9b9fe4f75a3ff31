"""What the database means to do, asked of it for every statement on the way to an answer."""

from collections.abc import Sequence
from typing import Any

from armarium.adapters.catalog.executor import Executor
from armarium.domain.query import PlanStep

_EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN "}


class Explaining(Executor):
    """Runs statements as another executor does, and keeps the plan of each."""

    def __init__(self, executor: Executor, dialect: str) -> None:
        self._executor = executor
        self._explain = _EXPLAIN[dialect]
        self.steps: list[PlanStep] = []

    async def fetch_all(self, sql: str, values: Sequence[Any], *, long: bool = False) -> list[Any]:
        plan = await self._executor.fetch_all(self._explain + sql, values)
        # The words come last in a row: SQLite has numbers in front of them, PostgreSQL nothing.
        self.steps.append(PlanStep(" ".join(sql.split()), tuple(str(row[-1]) for row in plan)))
        return await self._executor.fetch_all(sql, values, long=long)

    async def execute(self, sql: str, values: Sequence[Any]) -> int:
        raise NotImplementedError("Only what is read is explained.")

    async def execute_many(self, sql: str, rows: Any) -> None:
        raise NotImplementedError("Only what is read is explained.")
