"""Views and downloads, counted in memory and written in batches: a read is never a write.

A reader still sees every increment of its own process: what is not written yet is added on the way out.
While a batch is being written nobody can tell whether the database already holds it, so a reader of an
artifact in that batch waits for the write to end.
"""

import asyncio
import datetime as dt

import msgspec

from armarium.core.interruptions import again_if_interrupted
from armarium.domain.artifact import Artifact
from armarium.domain.identifiers import ArtifactId
from armarium.ports.catalog import Catalog
from armarium.ports.clock import Clock

Counts = dict[ArtifactId, tuple[float, float]]
_NOTHING = (0.0, 0.0)


class Counters:
    """Buffered (views, downloads) by artifact."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock
        self._waiting: Counts = {}
        self._batch: Counts = {}
        self._written: asyncio.Event | None = None
        self._flushing = asyncio.Lock()

    def add(self, artifact_id: ArtifactId, *, views: float = 0.0, downloads: float = 0.0) -> None:
        if views or downloads:
            before = self.waiting(artifact_id)
            self._waiting[artifact_id] = (before[0] + views, before[1] + downloads)

    def counted(self, artifact: Artifact) -> Artifact:
        """Return the artifact with what is not written yet added to its counters."""
        return with_counts(artifact, *self.waiting(artifact.id))

    def waiting(self, artifact_id: ArtifactId) -> tuple[float, float]:
        """The (views, downloads) of an artifact that are not written yet."""
        return self._waiting.get(artifact_id, _NOTHING)

    async def settle(self) -> None:
        """Wait until no batch is half-way to the database; call before the read whose result is `counted`."""
        while self._written is not None:
            await self._written.wait()

    async def flush(self) -> None:
        """Write what has been counted; on failure it stays counted and is tried again."""
        async with self._flushing:
            if not self._waiting:
                return
            self._batch, self._waiting = self._waiting, {}
            self._written = asyncio.Event()
            try:
                await self._write()
            except BaseException:
                for artifact_id, (views, downloads) in self._batch.items():
                    self.add(artifact_id, views=views, downloads=downloads)
                raise
            finally:
                self._batch = {}
                self._written.set()
                self._written = None

    def forget(self, artifact_id: ArtifactId) -> None:
        """Drop what is not written yet, as when the counters are reset."""
        self._waiting.pop(artifact_id, None)
        self._batch.pop(artifact_id, None)

    @again_if_interrupted
    async def _write(self) -> None:
        day = dt.datetime.fromtimestamp(self._clock.now(), dt.UTC).date().isoformat()
        async with self._catalog.transaction() as tx:
            await tx.add_counts(self._batch, day=day)


def with_counts(artifact: Artifact, views: float, downloads: float) -> Artifact:
    """Return the artifact with this much more on its counters."""
    if not (views or downloads):
        return artifact
    return msgspec.structs.replace(
        artifact, view_count=artifact.view_count + views, download_count=artifact.download_count + downloads
    )
