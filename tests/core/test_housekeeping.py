"""What is done from time to time, on a server wired as it is served."""

import asyncpg

from armarium.assembly import assemble, running
from armarium.core.vectors import Asked, NewVector
from armarium.domain.principal import ROOT
from armarium.domain.vector import VECTOR_COLLECTION
from armarium.settings import Settings


async def test_what_a_deleted_vector_collection_leaves_in_the_database_goes(tmp_path, postgres):
    url = postgres.fresh()
    async with running(assemble(Settings(data=tmp_path, database=url), "http://x")) as core:
        made = await core.artifacts.create(
            ROOT, workspace="public", manifest={"name": "x"}, type=VECTOR_COLLECTION,
            config={"dimension": 2, "vector_engine": "pgvector"},
        )  # fmt: skip
        name = made.artifact.id
        await core.vectors.add(ROOT, name, [NewVector("a", [1, 2])])
        assert (await core.vectors.search(ROOT, name, Asked(vector=[1, 2]))).total == 1
        assert await tables(url) == 1
        await core.artifacts.delete(ROOT, name)
        assert await core.housekeeping.run()
        assert await tables(url) == 0
        assert not await core.housekeeping.run()


async def tables(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval("SELECT count(*) FROM pg_class WHERE relname ~ '^vector_points_[0-9]+$'")
    finally:
        await connection.close()
