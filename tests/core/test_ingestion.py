"""Adding documents to a vector collection, with every attempt at the job in the hands of the test."""

from datetime import timedelta

import pytest

from armarium.adapters.blobs.memory import MemoryBlobs
from armarium.adapters.documents.confined import ConfinedDocuments
from armarium.adapters.embedder.by_uri import EmbeddersByUri
from armarium.core.ingestion import INGEST, GivenText, Ingestion
from armarium.core.ingestion_work import IngestWork
from armarium.core.job_runner import Runner
from armarium.core.jobs import Jobs
from armarium.domain.errors import Unavailable
from armarium.domain.job import JobStatus
from armarium.domain.passages import Cut
from armarium.domain.principal import ROOT
from armarium.domain.vector import VECTOR_COLLECTION
from armarium.testing.contracts.catalog_fixtures import an_artifact
from tests.accounts import World

STORY = " ".join(f"Sentence number {number} is here." for number in range(40))
SMALL = Cut(size=100, overlap=20)


class Shaky:
    """An embedder that can be told to go away."""

    def __init__(self):
        self.real = EmbeddersByUri(None, None)
        self.calls_left = None

    def find(self, uri):
        self.real.find(uri)
        return self

    async def embed(self, texts, dimension):
        if self.calls_left is not None:
            self.calls_left -= 1
            if self.calls_left < 0:
                raise Unavailable("The embedding service is down.")
        return await self.real.find("hashing:").embed(texts, dimension)


class Library:
    def __init__(self, world):
        self.world = world
        self.embedder = Shaky()
        self.jobs = Jobs(world.catalog, world.clock)
        self.ingestion = Ingestion(world.catalog, self.embedder, world.clock, self.jobs)
        self.work = IngestWork(world.catalog, MemoryBlobs(), ConfinedDocuments(), self.embedder)
        limits = {"lease": timedelta(seconds=30), "time_limit": timedelta(minutes=1)}
        self.runner = Runner(world.catalog, world.clock, self.jobs, {INGEST: self.work}, **limits)

    async def add(self, *documents, cut=SMALL):
        return await self.ingestion.add(ROOT, self.name, documents, cut)

    async def done(self, job):
        assert await self.runner.run_one()
        return await self.world.catalog.find_job(job.id)

    async def vectors(self):
        return await self.world.catalog.list_vectors(self.name, offset=0, limit=10**6)


@pytest.fixture
async def library():
    async with World() as world:
        library = Library(world)
        config = {"dimension": 16, "embedding_model": "hashing:"}
        library.name = await an_artifact(
            world.catalog, "points", workspace="public", type=VECTOR_COLLECTION, config=config
        )
        yield library


async def test_a_job_that_is_done_twice_adds_once(library):
    job = await library.add(GivenText(source="story", text=STORY))
    claimed = await library.world.catalog.find_job(job.id)

    class Forgotten:
        job = claimed

        async def report(self, progress):
            pass

    for _ in range(2):  # as after a crash behind the last transaction but before its end was told
        effect = await library.work.do(Forgotten())
        async with library.world.catalog.transaction() as tx:
            made = await effect(tx)
    assert (await library.done(job)).status is JobStatus.COMPLETED
    vectors = await library.vectors()
    assert len({item.id for item in vectors}) == len(vectors) == made["passages"] > 10


async def test_a_failure_on_the_way_leaves_nothing_and_is_tried_again(library):
    library.embedder.calls_left = 1
    text = GivenText(source="story", text=STORY * 8)
    job = await library.add(text, cut=Cut(size=60, overlap=0))
    waiting = await library.done(job)
    assert (waiting.status, waiting.error.message) == (JobStatus.PENDING, "The embedding service is down.")
    assert waiting.progress > 10
    assert await library.vectors() == []
    library.embedder.calls_left = None
    library.world.clock.time += 600
    assert (await library.done(job)).status is JobStatus.COMPLETED
    assert len(await library.vectors()) > 64


async def test_what_a_source_said_before_is_replaced(library):
    await library.done(await library.add(GivenText(source="story", text=STORY), GivenText(source="other", text="x")))
    before = len(await library.vectors())
    await library.done(await library.add(GivenText(source="story", text="Much shorter.")))
    texts = [bytes(item.payload) for item in await library.vectors()]
    assert before > len(texts) == 2
    assert any(b"Much shorter." in text for text in texts)


async def test_a_collection_that_is_gone_fails_the_job(library):
    job = await library.add(GivenText(source="story", text=STORY))
    claimed = await library.world.catalog.find_job(job.id)
    async with library.world.catalog.transaction() as tx:
        await tx.delete_artifacts([library.name])
    assert claimed is not None
    assert not await library.runner.run_one()  # it went with the collection
