"""What is wrong with the tables of points, or nobody needs any more: found in the system tables, and put right.

A table may have been made by an armarium that laid it out otherwise, lost in a restore or by hand, or left behind by a
collection that is gone. None of this loses anything, since the catalog holds the vectors: points are made anew.
"""

from typing import Any

REGISTRY = (
    "artifact_id", "behind_id", "behind_revision", "dimension", "epoch", "has_graph", "metric", "next_place", "number",
    "revision",
)  # fmt: skip
POINTS = ("embedding", "id", "is_linked", "place")
"""The names of the columns, in order."""

_TURNS = 1_907_263_411

_COLUMNS = """
SELECT array_agg(attname::text ORDER BY attname::text COLLATE "C") FROM pg_attribute
WHERE attrelid = to_regclass({table}) AND attnum > 0 AND NOT attisdropped
"""
_GIVE_UP_UNUSABLE = f"""
UPDATE vector_points SET artifact_id = NULL
WHERE artifact_id IS NOT NULL AND ({_COLUMNS.format(table="'vector_points_' || number")}) IS DISTINCT FROM $1::text[]
"""  # noqa: S608
_FORGET_LOST_GRAPHS = """
UPDATE vector_points SET has_graph = false
WHERE has_graph AND NOT EXISTS (
    SELECT FROM pg_index WHERE indexrelid = to_regclass('vector_points_' || number || '_graph') AND indisvalid
)
"""
_NEEDED_BY_NOBODY = """
SELECT number FROM vector_points WHERE artifact_id IS NULL
UNION
SELECT substring(relname FROM '[0-9]+$')::bigint FROM pg_class
WHERE relkind = 'r' AND relname ~ '^vector_points_[0-9]{1,9}$' AND oid = to_regclass(quote_ident(relname))
    AND NOT EXISTS (SELECT FROM vector_points WHERE 'vector_points_' || number = relname)
"""


def table_of(number: int) -> str:
    return f"vector_points_{number:d}"


async def take_turn(connection: Any, number: int) -> bool:
    """Become the one who works on some points, until the connection ends; False where another process is at it."""
    return bool(await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", _TURNS, number))


async def drop_other_registry(connection: Any) -> None:
    """Drop the table of all collections where it is laid out otherwise."""
    columns = await connection.fetchval(_COLUMNS.format(table="'vector_points'"))
    if columns not in (None, list(REGISTRY)):
        await connection.execute("DROP TABLE vector_points")


async def mend(connection: Any) -> None:
    """Have points made anew that are not as they should be, and graphs built that are lost."""
    await connection.execute(_GIVE_UP_UNUSABLE, list(POINTS))
    await connection.execute(_FORGET_LOST_GRAPHS)


async def drop(connection: Any) -> int:
    """Drop the points that no collection has; returns how many collections had them."""
    if not await connection.fetchval("SELECT to_regclass('vector_points') IS NOT NULL"):
        return 0
    dropped = 0
    for row in await connection.fetch(_NEEDED_BY_NOBODY):
        if await take_turn(connection, row["number"]):
            async with connection.transaction():
                await connection.execute(f"DROP TABLE IF EXISTS {table_of(row['number'])}")
                await connection.execute("DELETE FROM vector_points WHERE number = $1", row["number"])
            dropped += 1
    return dropped
