"""PostgreSQL connections and statements run on them, with its errors in our words."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import asyncpg

from armarium.domain.errors import ArmariumError, Invalid, Unavailable
from armarium.ports.catalog import Interrupted

T = TypeVar("T")

STATEMENT_SECONDS = 60.0
"""How long an answer may take before the server counts as gone."""
CONNECT_SECONDS = 5.0
_RETRY_SECONDS = 2.0
_UNREACHABLE = "The catalog's database cannot be reached."

_REASONS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((asyncpg.TooManyConnectionsError,), "The catalog's database has as many connections as it takes."),
    ((asyncpg.DiskFullError,), "The catalog cannot grow: its disk is full."),
    ((asyncpg.OutOfMemoryError,), "The catalog's database has no memory left."),
    ((asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError, TimeoutError), "The catalog is busy."),
    ((asyncpg.ReadOnlySQLTransactionError,), "The catalog's database cannot be written at the moment."),
    ((asyncpg.InvalidAuthorizationSpecificationError,), "The catalog's database refuses the user or the password."),
    ((asyncpg.InvalidCatalogNameError,), "The catalog's database does not exist on its server."),
    ((asyncpg.InsufficientPrivilegeError,), "The user of the catalog's database may not do what armarium needs."),
    ((asyncpg.OperatorInterventionError,), "The catalog's database is stopping or starting."),
    ((asyncpg.InsufficientResourcesError, asyncpg.PostgresSystemError), "The catalog's database does not work."),
    ((asyncpg.PostgresConnectionError, asyncpg.InternalClientError, OSError), _UNREACHABLE),
)

_LOST = (asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError, asyncpg.InternalClientError, OSError)

TROUBLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""All that asyncpg raises when something is wrong with a server or the way to it; a timeout is an OSError."""


def is_lost(error: BaseException) -> bool:
    """Whether the connection is gone, so that a read may be tried on another."""
    if isinstance(error, asyncpg.QueryCanceledError | TimeoutError):
        return False
    return isinstance(error, _LOST) or _is_closed(error)


def _is_closed(error: BaseException) -> bool:
    """asyncpg has no class of its own for the use of a connection that has just been lost."""
    return isinstance(error, asyncpg.InterfaceError) and ("closed" in str(error) or "closing" in str(error))


def refusal(error: BaseException) -> ArmariumError | None:
    """The error a caller can be told, None where it is our mistake."""
    if isinstance(error, asyncpg.TransactionRollbackError):
        return Interrupted("The catalog is busy with changes of the same things.")
    if isinstance(error, asyncpg.CharacterNotInRepertoireError | asyncpg.UntranslatableCharacterError):
        return Invalid("text", "Invalid text: it contains a NUL character.")
    if isinstance(error, asyncpg.ProgramLimitExceededError):
        return Invalid("text", "A name is longer than the catalog can look up.")
    if isinstance(error, asyncpg.DataError | UnicodeEncodeError):
        return _unusable(error)
    if _is_closed(error):
        return Unavailable(_UNREACHABLE, retry_after_seconds=_RETRY_SECONDS)
    reason = next((reason for classes, reason in _REASONS if isinstance(error, classes)), None)
    return Unavailable(reason, retry_after_seconds=_RETRY_SECONDS) if reason is not None else None


def _unusable(error: BaseException) -> ArmariumError | None:
    causes = (error, error.__cause__, error.__context__)
    if any(isinstance(cause, UnicodeEncodeError) for cause in causes):
        return Invalid("text", "The text is not valid Unicode.")
    if any(isinstance(cause, OverflowError) for cause in causes):
        return Invalid("number", "The number is too large.")
    return None


class _ToldPlainly:
    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, ArmariumError):
            told = refusal(error)
            if told is not None:
                raise told from error


_TOLD_PLAINLY = _ToldPlainly()


def told_plainly() -> _ToldPlainly:
    """Turn what PostgreSQL raises in the block into errors a caller can be told."""
    return _TOLD_PLAINLY


class Connection(asyncpg.Connection):  # type: ignore[misc, unused-ignore]
    """Nothing is ever set on a connection, so none needs a round trip to be reset before the next one has it."""

    def get_reset_query(self) -> str:
        return ""


_OPTIONS: dict[str, Any] = {
    "connection_class": Connection,
    "statement_cache_size": 1024,
    "max_cached_statement_lifetime": 0,
    "max_cacheable_statement_size": 0,
    "command_timeout": STATEMENT_SECONDS,
    "timeout": CONNECT_SECONDS,
    # Compiling a plan to machine code costs more than most of our statements take.
    "server_settings": {"application_name": "armarium", "jit": "off", "max_parallel_workers_per_gather": "0"},
}


async def connect(url: str) -> Any:
    return await asyncpg.connect(url, **_OPTIONS)


async def make_pool(url: str, size: int) -> "asyncpg.Pool[Any]":
    """Connect. size: connections at most."""
    # min_size 0: it would be restored behind our back, and complained about while the server is away
    return await asyncpg.create_pool(url, min_size=0, max_size=size, **_OPTIONS)


class ConnectionExecutor:
    """Statements on one connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def fetch_all(self, sql: str, values: Sequence[Any], *, long: bool = False) -> list[Any]:
        with told_plainly():
            return list(await self._connection.fetch(sql, *values))

    async def fetch_one(
        self, sql: str, values: Sequence[Any], make: Callable[[Any], T], *, long: bool = False
    ) -> T | None:
        with told_plainly():
            row = await self._connection.fetchrow(sql, *values)
        return make(row) if row is not None else None

    async def execute(self, sql: str, values: Sequence[Any]) -> int:
        with told_plainly():
            return _changed(await self._connection.execute(sql, *values))

    async def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        with told_plainly():
            await self._connection.executemany(sql, rows)


def _changed(status: str) -> int:
    """How many rows, as in `UPDATE 3`."""
    number = status.rpartition(" ")[2]
    return int(number) if number.isdigit() else 0


class TransactionExecutor(ConnectionExecutor):
    """Statements of one transaction; refuses those that come when it is over, which would stand alone."""

    is_over = False

    async def fetch_all(self, sql: str, values: Sequence[Any], *, long: bool = False) -> list[Any]:
        self._require_transaction()
        return await super().fetch_all(sql, values, long=long)

    async def fetch_one(
        self, sql: str, values: Sequence[Any], make: Callable[[Any], T], *, long: bool = False
    ) -> T | None:
        self._require_transaction()
        return await super().fetch_one(sql, values, make, long=long)

    async def execute(self, sql: str, values: Sequence[Any]) -> int:
        self._require_transaction()
        return await super().execute(sql, values)

    async def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self._require_transaction()
        await super().execute_many(sql, rows)

    def _require_transaction(self) -> None:
        if self.is_over:
            raise RuntimeError("The transaction is over.")
