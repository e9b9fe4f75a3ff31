"""Statements as a driver takes them: SQL text and the order of its values, compiled once per shape."""

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Executable
from sqlalchemy.engine import Dialect

MAX_SHAPES = 2048
"""Searches come in any number of shapes; beyond this many compiled statements we start over."""

UNLIMITED = 2**62
"""A limit that is none."""

Build = Callable[..., Executable]


class Compiled(msgspec.Struct, frozen=True):
    """One statement. names: of its parameters, by position; constants: those the statement itself gave a value."""

    sql: str
    names: tuple[str, ...]
    constants: dict[str, Any]

    def bind(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        if self.constants:
            values = {**self.constants, **values}
        return tuple([values[name] for name in self.names])


class Compiler:
    """Turns statement functions into `Compiled` for one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._cache: dict[Hashable, Compiled] = {}

    @property
    def dialect(self) -> str:
        """The name of the SQL that comes out."""
        return str(self._dialect.name)

    def __call__(self, build: Build, *shape: Hashable) -> Compiled:
        """Return the statement `build(*shape)` describes."""
        key = (build, shape)
        found = self._cache.get(key)
        if found is None:
            if len(self._cache) >= MAX_SHAPES:
                self._cache.clear()
            found = self._cache[key] = self._compile(build(*shape))
        return found

    def _compile(self, statement: Executable) -> Compiled:
        compiled: Any = statement.compile(dialect=self._dialect)  # type: ignore[attr-defined]
        constants = {name: bind.value for bind, name in compiled.bind_names.items() if not bind.required}
        return Compiled(str(compiled), tuple(compiled.positiontup), constants)
