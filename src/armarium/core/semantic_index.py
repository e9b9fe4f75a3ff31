"""The semantic index of a collection: vectors of its published children, made by a job that follows what changes.

    config switches it on  ->  an index that has scanned nothing, in the same transaction
    a child changes        ->  a mark, which the catalog sets in the same transaction
    something waits        ->  the job of the collection begins (anew)
    the job                ->  some children at a time: read, embed what says something new, keep it and the progress

The vectors are kept like those of a vector collection, each under the id of its artifact. They only say where to look:
whoever searches checks every child against what is published (`ranked_search.py`), so one that is behind does no harm.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from armarium.core.job_runner import WORKER, Attempt, Effect
from armarium.core.jobs import Jobs
from armarium.core.semantic_settings import semantic_settings
from armarium.domain.artifact import Artifact, Found
from armarium.domain.errors import Conflict
from armarium.domain.identifiers import ArtifactId, ById
from armarium.domain.job import Job
from armarium.domain.query import ContainsAny, Cursor, Field, Query
from armarium.domain.semantic import SemanticSearch, payload_of, texts_of
from armarium.domain.vector import VectorItem
from armarium.ports.catalog import Catalog, Transaction
from armarium.ports.clock import Clock
from armarium.ports.semantic import SemanticIndex
from armarium.ports.vectors import Embedders

INDEX = "index_artifacts"
"""The kind of the jobs that follow the children of a collection."""
_AT_ONCE = 64
_LONGEST_SECONDS = 60.0
"""Then the job ends and, if there is more, begins anew, so that others come in between."""
_PAUSE_SECONDS = 300.0
"""After so long a job that failed is tried again, as long as something waits."""
_MOST_COLLECTIONS = 100
"""Whose jobs are begun at a time."""


class IndexFeed:
    """Begins the job of every collection whose children wait."""

    def __init__(self, catalog: Catalog, clock: Clock, jobs: Jobs) -> None:
        self._catalog = catalog
        self._clock = clock
        self._jobs = jobs

    async def run(self) -> None:
        """Look once."""
        failed_before = self._clock.now() - _PAUSE_SECONDS
        waiting = await self._catalog.waiting_indexes(failed_before=failed_before, limit=_MOST_COLLECTIONS)
        for collection_id, job_id in waiting:
            await self._begin(collection_id, job_id)
        if waiting:
            self._jobs.tell()

    async def _begin(self, collection_id: ArtifactId, job_id: str | None) -> None:
        now = self._clock.now()
        async with self._catalog.transaction() as tx:
            if job_id is not None:
                await tx.revive_job(job_id, now=now, repeated=True)
                return
            found = await tx.find_artifact(ById(collection_id))
            job_id = self._clock.new_id()
            if found is not None and await tx.assign_job(collection_id, job_id):
                await tx.insert_job(_job(job_id, found.artifact, now))


def _job(id: str, collection: Artifact, now: float) -> Job:
    return Job(
        id=id,
        kind=INDEX,
        workspace=collection.workspace,
        artifact_id=collection.id,
        created_by=WORKER,
        created_at=now,
        updated_at=now,
        due_at=now,
    )


class IndexWork:
    """Implements `Work`. What it does it keeps some children at a time, so that a job begun anew goes on there."""

    def __init__(self, catalog: Catalog, embedders: Embedders, clock: Clock) -> None:
        self._catalog = catalog
        self._embedders = embedders
        self._clock = clock

    async def do(self, attempt: Attempt) -> Effect:
        collection_id = attempt.job.artifact_id
        looked_at = 0
        until = self._clock.now() + _LONGEST_SECONDS
        while collection_id is not None and self._clock.now() < until:
            number = await self._turn(collection_id)
            if not number:
                break
            looked_at += number

        async def effect(_: Transaction) -> Any:
            return {"artifacts": looked_at}

        return effect

    async def _turn(self, collection_id: ArtifactId) -> int:
        """Take in some children; returns how many were looked at, 0 when none waits."""
        found = await self._catalog.find_artifact(ById(collection_id))
        index = await self._catalog.find_semantic_index(collection_id, most_marks=_AT_ONCE)
        settings = None if found is None else semantic_settings(found.artifact.config, found.artifact.type)
        if settings is None or index is None or (index.scanned is None and not index.marks):
            return 0
        marked, scanned = await self._children(collection_id, index)
        items = await self._changed(collection_id, settings, [*marked, *scanned])
        async with self._catalog.transaction() as tx:
            await _require_same(await tx.find_artifact(ById(collection_id)), settings)
            ours = await tx.take_marks(collection_id, index.marks)
            if index.scanned is not None:
                reached = scanned[-1].id if len(scanned) == _AT_ONCE else None
                if not await tx.set_scanned(collection_id, reached, before=index.scanned):
                    raise Conflict("The collection was changed meanwhile.")
                ours |= {child.id for child in scanned} - set(index.marks)
            gone = ours - {child.id for child in marked} - {child.id for child in scanned}
            await tx.put_vectors(collection_id, [item for item in items if item.id in ours], update=True)
            await tx.remove_vectors(collection_id, sorted(gone))
        return len(index.marks) + len(scanned) or 1

    async def _children(self, collection_id: ArtifactId, index: SemanticIndex) -> tuple[list[Artifact], list[Artifact]]:
        """The published ones among those that are marked, and the next ones that were never looked at."""
        of_collection = Query(parent_id=collection_id, limit=_AT_ONCE, wants_next=False)
        where = ContainsAny(Field("artifact", "id"), tuple(index.marks))
        marked = await self._list(msgspec.structs.replace(of_collection, where=where)) if index.marks else []
        if index.scanned is None:
            return marked, []
        after = Cursor(None, index.scanned) if index.scanned else None
        return marked, await self._list(msgspec.structs.replace(of_collection, after=after))

    async def _list(self, query: Query) -> list[Artifact]:
        return (await self._catalog.list_artifacts(query)).artifacts

    async def _changed(
        self, collection_id: ArtifactId, settings: SemanticSearch, children: Sequence[Artifact]
    ) -> list[VectorItem]:
        """The vectors of those that say something else than what was embedded last."""
        texts = {child.id: texts_of(msgspec.json.decode(child.manifest), settings.fields) for child in children}
        there = await self._catalog.find_vectors(collection_id, list(texts))
        payloads = {id_: payload_of(said) for id_, said in texts.items()}
        new = [id_ for id_ in texts if id_ not in there or bytes(there[id_].payload) != bytes(payloads[id_])]
        if not new:
            return []
        embedder = self._embedders.find(settings.model)
        vectors = await embedder.embed(["\n".join(texts[id_]) for id_ in new], settings.dimension)
        return [
            VectorItem(id=id_, vector=vector, payload=payloads[id_]) for id_, vector in zip(new, vectors, strict=True)
        ]


async def _require_same(found: Found | None, settings: SemanticSearch) -> None:
    if found is None or semantic_settings(found.artifact.config, found.artifact.type) != settings:
        raise Conflict("The collection was changed meanwhile.")
