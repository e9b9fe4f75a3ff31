"""The tables in PostgreSQL whose columns are of pgvector's types, which follow the vectors of the catalog.

    vector_points          one row for each collection that is followed: how far, and how many places are given out
    vector_points_<n>      its vectors: a place that a vector keeps while it is there, the id, the numbers

Nothing here is more than an index: the catalog holds the vectors, and these tables can be dropped at any time. They
are made when they are first needed, since the extension may be missing. For angles all vectors have the length 1.

A vector is linked when it is in the graph, if there is one; others are compared with one by one. So those that arrive
cost nothing but a row, and are linked in the background (`graphs.py`).
"""

import contextlib
from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec
import numpy as np

from armarium.adapters.vector_index import leftovers
from armarium.adapters.vector_index.leftovers import table_of
from armarium.adapters.vector_index.rows import prepared
from armarium.domain.errors import NotFound
from armarium.domain.identifiers import ArtifactId
from armarium.domain.vector import Metric, VectorChange, VectorSpace, VectorState
from armarium.ports.vectors import VectorReader

_CHANGES_AT_ONCE = 5000
_TURN = 5_820_117_034_493_125_771
"""Whoever makes the table of all collections holds this advisory lock."""

_IS_MISSING = "SELECT to_regtype('vector') IS NULL OR to_regtype('halfvec') IS NULL"
_NONE_TO_BE_HAD = (asyncpg.InsufficientPrivilegeError, asyncpg.FeatureNotSupportedError, asyncpg.UndefinedFileError)

_REGISTRY = """
CREATE TABLE IF NOT EXISTS vector_points (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    artifact_id text COLLATE "C" UNIQUE REFERENCES artifact (id) ON DELETE SET NULL,
    dimension integer NOT NULL,
    metric text NOT NULL,
    epoch bigint NOT NULL DEFAULT 0,
    revision bigint NOT NULL DEFAULT 0,
    behind_revision bigint NOT NULL DEFAULT -1,
    behind_id text COLLATE "C" NOT NULL DEFAULT '',
    next_place integer NOT NULL DEFAULT 0,
    has_graph boolean NOT NULL DEFAULT false
)
"""

_POINTS = """
CREATE TABLE {table} (
    place integer PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    is_linked boolean NOT NULL,
    embedding vector({dimension}) NOT NULL
)
"""


class Points(msgspec.Struct, frozen=True):
    """The table of one collection. revision: up to which it follows; behind: the last (revision, id) that is in it."""

    number: int
    space: VectorSpace
    epoch: int
    revision: int
    behind: tuple[int, str]
    next_place: int
    has_graph: bool

    @property
    def table(self) -> str:
        return table_of(self.number)


async def prepare(connection: Any) -> bool:
    """Make what all collections share, and mend what is there; False where there is no pgvector, and none to be had.

    connection: for this alone, to be closed afterwards.
    """
    await connection.execute("SELECT pg_advisory_lock($1)", _TURN)
    if await connection.fetchval(_IS_MISSING):
        with contextlib.suppress(*_NONE_TO_BE_HAD):
            await connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        if await connection.fetchval(_IS_MISSING):
            return False
    await leftovers.drop_other_registry(connection)
    await connection.execute(_REGISTRY)
    await leftovers.mend(connection)
    return True


async def follow(
    pool: Any, catalog: VectorReader, artifact_id: ArtifactId, space: VectorSpace, state: VectorState
) -> Points:
    """Bring the points of a collection up to a state at least, a part at a time. Raises NotFound."""
    while True:
        async with pool.acquire() as connection, connection.transaction():
            points = await _locked(connection, artifact_id, space)
            if points.epoch < state.epoch:
                await _drop_lost(connection, artifact_id, points, state.epoch)
            if points.revision >= state.revision:
                return points
            changes = await catalog.vector_changes(artifact_id, after=points.behind, limit=_CHANGES_AT_ONCE)
            await _apply(connection, points, changes, state)


async def _locked(connection: Any, artifact_id: ArtifactId, space: VectorSpace) -> Points:
    """The collection's points, made where there are none; nobody else changes them before the transaction ends."""
    points = await _find(connection, artifact_id)
    if points is not None and (points.space.dimension, points.space.metric) == (space.dimension, space.metric):
        return points
    if points is not None:  # the collection was made anew with another shape
        await connection.execute("UPDATE vector_points SET artifact_id = NULL WHERE number = $1", points.number)
    number = await connection.fetchval(
        "INSERT INTO vector_points (artifact_id, dimension, metric) SELECT id, $2, $3 FROM artifact WHERE id = $1"
        " ON CONFLICT DO NOTHING RETURNING number",
        artifact_id, space.dimension, str(space.metric),
    )  # fmt: skip
    if number is not None:
        table = table_of(number)
        await connection.execute(f"DROP TABLE IF EXISTS {table}")  # of a registry that is gone
        await connection.execute(_POINTS.format(table=table, dimension=space.dimension))
        await connection.execute(f"CREATE INDEX {table}_unlinked ON {table} (place) WHERE NOT is_linked")
    points = await _find(connection, artifact_id)
    if points is None:
        raise NotFound("artifact", artifact_id, "The vector collection is gone.")
    return points


async def _find(connection: Any, artifact_id: ArtifactId) -> Points | None:
    row = await connection.fetchrow("SELECT * FROM vector_points WHERE artifact_id = $1 FOR UPDATE", artifact_id)
    if row is None:
        return None
    return Points(
        number=row["number"],
        space=VectorSpace(dimension=row["dimension"], metric=Metric(row["metric"])),
        epoch=row["epoch"],
        revision=row["revision"],
        behind=(row["behind_revision"], row["behind_id"]),
        next_place=row["next_place"],
        has_graph=row["has_graph"],
    )


async def _drop_lost(connection: Any, artifact_id: ArtifactId, points: Points, epoch: int) -> None:
    """Drop what is in the catalog no more: the marks that would have told were forgotten."""
    await connection.execute(
        f"DELETE FROM {points.table} AS point WHERE NOT EXISTS (SELECT FROM vector_item AS item"  # noqa: S608
        " WHERE item.artifact_id = $1 AND item.id = point.id AND item.payload IS NOT NULL)",
        artifact_id,
    )
    await connection.execute("UPDATE vector_points SET epoch = $2 WHERE number = $1", points.number, epoch)


async def _apply(connection: Any, points: Points, changes: Sequence[VectorChange], state: VectorState) -> None:
    """Replace what changed. A vector that was there keeps its place."""
    ids = [change.id for change in changes]
    remove = f"DELETE FROM {points.table} WHERE id = ANY($1) RETURNING id, place"  # noqa: S608
    removed = await connection.fetch(remove, ids)
    places = {row["id"]: row["place"] for row in removed}
    items = [change.item for change in changes if change.item is not None]
    next_place = points.next_place
    for item in items:
        if item.id not in places:
            places[item.id], next_place = next_place, next_place + 1
    if items:
        numbers = np.frombuffer(b"".join(item.vector for item in items), "<f4").reshape(len(items), -1)
        vectors = as_sent(prepared(points.space, numbers))
        await connection.copy_records_to_table(
            points.table,
            records=[
                (places[item.id], item.id, not points.has_graph, vector)
                for item, vector in zip(items, vectors, strict=True)
            ],
        )
    behind = (changes[-1].revision, changes[-1].id) if changes else points.behind
    is_last = len(changes) < _CHANGES_AT_ONCE
    await connection.execute(
        "UPDATE vector_points SET behind_revision = $2, behind_id = $3, next_place = $4, revision = $5"
        " WHERE number = $1",
        points.number, *behind, next_place, max(state.revision, behind[0]) if is_last else points.revision,
    )  # fmt: skip


def as_sent(vectors: Any) -> list[bytes]:
    """Rows of float32 numbers in the binary form of pgvector: how many, nothing, the numbers, all big-endian."""
    head = vectors.shape[1].to_bytes(2, "big") + bytes(2)
    return [head + row.tobytes() for row in vectors.astype(">f4")]
