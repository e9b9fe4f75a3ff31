"""The same vectors through the unmodified Hypha client, searched by each engine there is in PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from hypha_rpc import connect_to_server

from armarium.testing.postgres import Databases
from armarium.testing.server import RunningServer
from tests.faces.hypha.test_vectors import FILTERS, POINTS, SPACE, a_collection, ids

ENGINES = ("exact", "pgvector")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, postgres: Databases) -> Iterator[RunningServer]:
    settings = {"ARMARIUM_DATABASE": postgres.fresh()}
    with RunningServer(tmp_path_factory.mktemp("engines") / "data", settings=settings) as server:
        yield server


@pytest.fixture
async def manager(server: RunningServer) -> AsyncIterator[Any]:
    client = await connect_to_server({"server_url": server.url, "token": server.admin_token})
    yield await client.get_service("public/artifact-manager")
    await client.disconnect()


@pytest.mark.parametrize("engine", ENGINES)
async def test_the_printed_example_works(manager, engine):
    name = f"example-{engine}"
    await a_collection(manager, name, config={"dimension": 2, "vector_engine": engine})
    await manager.add_vectors(artifact_id=name, vectors=[{"id": 1, "vector": [0.1, 0.2]}])
    results = await manager.search_vectors(artifact_id=name, query={"vector": [0.1, 0.2]}, limit=10)
    assert [(hit["id"], hit["_score"]) for hit in results] == [("1", pytest.approx(1))]
    assert (await manager.get_vector(artifact_id=name, id=1))["vector"] == pytest.approx([0.1, 0.2])
    assert [item["id"] for item in await manager.list_vectors(artifact_id=name, limit=20)] == ["1"]
    await manager.remove_vectors(artifact_id=name, ids=[1, 2, 3])
    assert await manager.search_vectors(artifact_id=name, query={"vector": [0.1, 0.2]}) == []


@pytest.mark.parametrize("engine", ENGINES)
async def test_every_filter_finds_the_same(manager, engine):
    name = await a_collection(manager, f"points-{engine}", config={**SPACE, "vector_engine": engine})
    await manager.add_vectors(artifact_id=name, vectors=POINTS)
    for filters, expected in FILTERS:
        assert await ids(manager, name, filters=filters) == expected
        nearest = await ids(manager, name, filters=filters, query={"vector": [0.1, 0.2, 0.9, 0.0]})
        assert (sorted(nearest), nearest[:1]) == (sorted(expected), ["three"] if "three" in expected else nearest[:1])
