"""Search by a graph in PostgreSQL, for collections that are too large to compare every vector.

What a condition leaves is found in memory, as the exact index does: ids and payloads are there, the numbers are not.
The database is told by a bit for each place which points may be found, or by their places where they are few, and so
sees nothing that a user wrote. Points beyond the graph are compared one by one in the same statement, so an answer
never lacks what has just been added; where the graph finds fewer than it should, every point is compared.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import asyncpg
import numpy as np

from armarium.adapters.catalog.postgres_connection import CONNECT_SECONDS, TROUBLE, told_plainly
from armarium.adapters.vector_index import graphs, leftovers, points
from armarium.adapters.vector_index.growing import Floats, Mask, Numbers
from armarium.adapters.vector_index.rows import Rows, best, prepared
from armarium.domain.errors import Unsupported
from armarium.domain.identifiers import ArtifactId
from armarium.domain.vector import Hits, Metric, VectorQuery, VectorSpace, VectorState
from armarium.ports.vectors import VectorReader

A = TypeVar("A")
T = TypeVar("T")

_log = logging.getLogger(__name__)

_FEW = 2000
"""So many that match are compared one by one: faster than to look for them in a graph, and exact."""
_RARE = 50
_SOME = 20_000
"""So many, too, where fewer than one in fifty match: a graph leads past most of these."""
_DEEP = 500
"""Who wants more than that gets everything compared: a graph is for the first pages."""
_COLLECTIONS = 100
"""How many are kept in memory."""
_ROWS_AT_ONCE = 5000
_STATEMENT_SECONDS = 60.0
_THREADS = 2

_SESSION = {
    "application_name": "armarium vectors",
    "jit": "off",
    "hnsw.iterative_scan": "relaxed_order",
    "hnsw.ef_search": "200",
    # The planner does not know what a bit mask lets through: each statement says by its form how it is to be run.
    "enable_seqscan": "off",
    "enable_sort": "off",
    "plan_cache_mode": "force_custom_plan",
}

_CHANGES = """
SELECT item.revision, item.id, item.position, item.payload, point.place
FROM vector_item AS item LEFT JOIN {table} AS point ON point.id = item.id
WHERE item.artifact_id = $1 AND item.revision >= $2 AND item.revision <= $4
    AND (item.revision > $2 OR item.id > $3)
ORDER BY item.revision, item.id LIMIT {limit:d}
"""
_ALLOWED = "CASE WHEN place < $3 THEN get_bit($2::bytea, place) = 1 ELSE false END"
_BY_GRAPH = """
(SELECT place, {distance} AS distance FROM {table} WHERE is_linked AND {allowed} ORDER BY {graph_order} LIMIT $4)
UNION ALL
(SELECT place, {distance} AS distance FROM {table} WHERE NOT is_linked AND {allowed} ORDER BY {distance} LIMIT $4)
"""
_OF_ALL = "SELECT place, {distance} AS distance FROM {table} WHERE {allowed}"
_OF_PLACES = "SELECT place, {distance} AS distance FROM {table} WHERE place = ANY($2::integer[])"


class _Followed:
    """A collection in memory; its rows are the places of the points. behind: the last (revision, id) that is there."""

    def __init__(self, space: VectorSpace, epoch: int) -> None:
        self.space = space
        self.epoch = epoch
        self.rows = Rows()
        self.number: int | None = None
        self.behind: tuple[int, str] = (-1, "")
        self.revision = 0
        self.lock = asyncio.Lock()

    def apply(self, changes: list[Any]) -> None:
        for change in changes:
            if change["payload"] is None:
                self.rows.remove(change["id"])
            elif change["place"] is not None:
                self.rows.set(change["place"], change["id"], change["position"], change["payload"].encode())

    def select(self, query: VectorQuery) -> tuple[Mask, Floats | None, int]:
        matching, relevance = self.rows.matching(query)
        return matching, relevance, int(np.count_nonzero(matching))


class PgvectorIndex:
    """The `VectorIndex` port over the vectors of a catalog in PostgreSQL, whose database has the extension `vector`.

    connections: of its own, at most. graph_from: how many points a graph is worth.
    """

    def __init__(
        self, catalog: VectorReader, url: str, *, connections: int = 4, graph_from: int = graphs.GRAPH_FROM
    ) -> None:
        self._catalog = catalog
        self._url = url
        self._connections = connections
        self._graph_from = graph_from
        self._pool: Any = None
        self._is_missing = False
        self._opening = asyncio.Lock()
        self._followed: OrderedDict[ArtifactId, _Followed] = OrderedDict()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="pgvector")
        self._tending: dict[int, asyncio.Task[None]] = {}

    async def can_search(self, space: VectorSpace) -> bool:
        return space.dimension <= graphs.max_dimension(space.metric) and await self._open() is not None

    async def search(self, artifact_id: ArtifactId, space: VectorSpace, query: VectorQuery) -> Hits:
        if not await self.can_search(space):
            raise Unsupported("The database of this server has no pgvector, or vectors are too long for it.")
        with told_plainly():
            try:
                return await self._search(artifact_id, space, query)
            except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError):  # somebody began again, or broke it
                self._followed.pop(artifact_id, None)
                await self._prepared()
                return await self._search(artifact_id, space, query)

    async def _search(self, artifact_id: ArtifactId, space: VectorSpace, query: VectorQuery) -> Hits:
        state = await self._catalog.vector_state(artifact_id)
        followed = self._place(artifact_id, space, state)
        async with followed.lock:
            if followed.number is None or followed.revision < state.revision:
                await self._catch_up(artifact_id, followed, state)
            matching, relevance, total = await self._in_thread(followed.select, query)
            if query.offset >= total or query.limit == 0:
                return Hits([], total)
            if query.order_by is None and relevance is not None:
                return Hits(followed.rows.most_relevant(matching, relevance, query), total)
            is_ranked = query.order_by is None and _has_direction(space, query.vector)
            page = None if is_ranked else followed.rows.page(matching, query)
        if page is None:
            return await self._ranked(followed, query, matching, total)
        scores = None if query.vector is None else await self._scores(followed, query.vector, page)
        return Hits(followed.rows.hits(page, scores), total)

    async def sweep(self) -> None:
        with told_plainly():
            connection = await asyncpg.connect(self._url, timeout=CONNECT_SECONDS)
            try:
                await leftovers.drop(connection)
            finally:
                await connection.close()

    async def settle(self) -> None:
        """Wait for what goes on in the background."""
        while self._tending:
            await asyncio.gather(*self._tending.values(), return_exceptions=True)

    async def close(self) -> None:
        for task in self._tending.values():
            task.cancel()
        await self.settle()
        if self._pool is not None:
            self._pool.terminate()
        self._threads.shutdown()

    async def _open(self) -> Any:
        """The pool, made at the first search; None where pgvector is missing."""
        async with self._opening:
            if self._pool is None and not self._is_missing:
                with told_plainly():
                    self._is_missing = not await self._prepared()
                    if not self._is_missing:
                        self._pool = await self._connect()
        return self._pool

    async def _prepared(self) -> bool:
        connection = await asyncpg.connect(self._url, timeout=CONNECT_SECONDS)
        try:
            return await points.prepare(connection)
        finally:
            await connection.close()

    async def _connect(self) -> Any:
        return await asyncpg.create_pool(
            self._url, min_size=1, max_size=self._connections, init=_set_up, server_settings=_SESSION,
            command_timeout=_STATEMENT_SECONDS, timeout=CONNECT_SECONDS,
        )  # fmt: skip

    def _place(self, artifact_id: ArtifactId, space: VectorSpace, state: VectorState) -> _Followed:
        followed = self._followed.get(artifact_id)
        if followed is None or followed.space != space or followed.epoch != state.epoch:
            followed = self._followed[artifact_id] = _Followed(space, state.epoch)
        self._followed.move_to_end(artifact_id)
        if len(self._followed) > _COLLECTIONS:
            self._followed.popitem(last=False)
        return followed

    async def _catch_up(self, artifact_id: ArtifactId, followed: _Followed, state: VectorState) -> None:
        kept = await points.follow(self._pool, self._catalog, artifact_id, followed.space, state)
        if followed.number not in (None, kept.number):
            raise asyncpg.UndefinedTableError("Other points.")
        followed.number = kept.number
        statement = _CHANGES.format(table=kept.table, limit=_ROWS_AT_ONCE)
        while True:
            changes = await self._pool.fetch(statement, artifact_id, *followed.behind, kept.revision)
            if changes:
                await self._in_thread(followed.apply, changes)
                followed.behind = (changes[-1]["revision"], changes[-1]["id"])
            if len(changes) < _ROWS_AT_ONCE:
                break
        followed.revision = kept.revision
        self._tend(kept.number)

    def _tend(self, number: int) -> None:
        if number not in self._tending:
            self._tending[number] = asyncio.create_task(self._tended(number))

    async def _tended(self, number: int) -> None:
        try:
            await graphs.tend(self._url, number, graph_from=self._graph_from)
        except TROUBLE:
            _log.exception("The graph of a vector collection could not be brought up to date.")
        finally:
            del self._tending[number]

    async def _ranked(self, followed: _Followed, query: VectorQuery, matching: Mask, total: int) -> Hits:
        wanted = query.offset + query.limit
        vector = _as_parameter(followed.space, query.vector or b"")
        if total <= (_SOME if total * _RARE < len(matching) else _FEW):
            found = await self._fetch(followed, _OF_PLACES, vector, np.flatnonzero(matching).tolist())
        else:
            mask = (vector, np.packbits(matching, bitorder="little").tobytes(), len(matching))
            found = await self._fetch(followed, _BY_GRAPH, *mask, wanted) if wanted <= _DEEP else []
            if len(found) < min(wanted, total):
                found = await self._fetch(followed, _OF_ALL, *mask)
        places, scores = _read(followed.space, found)
        nearest = best(scores, followed.rows.positions[places], query.offset, query.limit)
        return Hits(followed.rows.hits(places[nearest], scores[nearest]), total)

    async def _scores(self, followed: _Followed, vector: bytes, page: Numbers) -> Floats:
        found = await self._fetch(followed, _OF_PLACES, _as_parameter(followed.space, vector), page.tolist())
        places, scores = _read(followed.space, found)
        of_place = dict(zip(places.tolist(), scores, strict=True))
        return np.array([of_place.get(place, np.nan) for place in page.tolist()], np.float32)

    async def _fetch(self, followed: _Followed, form: str, *values: Any) -> list[Any]:
        space = followed.space
        statement = form.format(
            table=leftovers.table_of(followed.number or 0),
            allowed=_ALLOWED,
            distance=graphs.distance_sql(space, "$1"),
            graph_order=graphs.graph_order_sql(space, "$1"),
        )
        rows: list[Any] = await self._pool.fetch(statement, *values)
        return rows

    async def _in_thread(self, work: Callable[[A], T], argument: A) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, argument)


async def _set_up(connection: Any) -> None:
    """Send vectors as they are stored, instead of as text."""
    schema = await connection.fetchval(
        "SELECT nspname FROM pg_type JOIN pg_namespace ON pg_namespace.oid = typnamespace"
        " WHERE pg_type.oid = to_regtype('vector')"
    )
    await connection.set_type_codec("vector", schema=schema, encoder=bytes, decoder=bytes, format="binary")


def _has_direction(space: VectorSpace, vector: bytes | None) -> bool:
    """Whether some points are nearer to a vector than others."""
    return vector is not None and (space.metric is Metric.L2 or any(vector))


def _as_parameter(space: VectorSpace, vector: bytes) -> bytes:
    return points.as_sent(prepared(space, np.frombuffer(vector, "<f4").reshape(1, -1)))[0]


def _read(space: VectorSpace, found: list[Any]) -> tuple[Numbers, Floats]:
    """Places and scores."""
    places = np.fromiter((row[0] for row in found), np.int64, len(found))
    distances = np.fromiter((row[1] for row in found), np.float64, len(found))
    scores = 1 / (1 + distances) if space.metric is Metric.L2 else -distances
    return places, scores.astype(np.float32)
