"""Exact search: every vector is compared, in memory, so nothing near is ever missed.

A collection is loaded when somebody first searches it, and catches up with what was committed since before every
search after that. What was not asked for longest makes room when the memory allowed is used up.
"""

import asyncio
import os
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from armarium.domain.errors import Unsupported
from armarium.domain.identifiers import ArtifactId
from armarium.domain.vector import Hits, VectorQuery, VectorSpace, VectorState
from armarium.ports.vectors import VectorReader

if TYPE_CHECKING:
    from armarium.adapters.vector_index.matrix import Matrix

A = TypeVar("A")
T = TypeVar("T")

_CHANGES_AT_ONCE = 5000
_THREADS = 2
_HELPERS = min(4, os.cpu_count() or 1)
_FLOAT_BYTES = 4


class _Loaded:
    """A collection in memory. behind: the last (revision, id) that is in it."""

    def __init__(self, space: VectorSpace, epoch: int, helpers: ThreadPoolExecutor) -> None:
        self.space = space
        self.epoch = epoch
        self.matrix = _matrix(space, helpers)
        self.behind: tuple[int, str] = (-1, "")
        self.revision = 0
        self.lock = asyncio.Lock()


def _matrix(space: VectorSpace, helpers: ThreadPoolExecutor) -> "Matrix":
    try:
        from armarium.adapters.vector_index.matrix import Matrix  # noqa: PLC0415 - numpy is slow to load, and optional
    except ImportError:
        raise Unsupported("Searching vectors needs numpy on the server: pip install 'armarium[vectors]'.") from None
    return Matrix(space, helpers)


class ExactIndex:
    """The `VectorIndex` port over the vectors of a catalog. memory_bytes: how much vectors may take all together."""

    def __init__(self, catalog: VectorReader, *, memory_bytes: int) -> None:
        self._catalog = catalog
        self._memory_bytes = memory_bytes
        self._loaded: OrderedDict[ArtifactId, _Loaded] = OrderedDict()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="vectors")
        self._helpers = ThreadPoolExecutor(_HELPERS, thread_name_prefix="vectors-helper")

    async def search(self, artifact_id: ArtifactId, space: VectorSpace, query: VectorQuery) -> Hits:
        state = await self._catalog.vector_state(artifact_id)
        if state.item_count * space.dimension * _FLOAT_BYTES > self._memory_bytes:
            raise Unsupported("This vector collection is larger than this server is allowed to search.")
        loaded = self._place(artifact_id, space, state)
        async with loaded.lock:
            if loaded.revision < state.revision:
                await self._catch_up(artifact_id, loaded, state)
            return await self._in_thread(loaded.matrix.search, query)

    async def close(self) -> None:
        self._threads.shutdown()
        self._helpers.shutdown()

    def _place(self, artifact_id: ArtifactId, space: VectorSpace, state: VectorState) -> _Loaded:
        loaded = self._loaded.get(artifact_id)
        if loaded is None or loaded.space != space or loaded.epoch != state.epoch:
            loaded = self._loaded[artifact_id] = _Loaded(space, state.epoch, self._helpers)
        self._loaded.move_to_end(artifact_id)
        return loaded

    async def _catch_up(self, artifact_id: ArtifactId, loaded: _Loaded, state: VectorState) -> None:
        while True:
            changes = await self._catalog.vector_changes(artifact_id, after=loaded.behind, limit=_CHANGES_AT_ONCE)
            if changes:
                await self._in_thread(loaded.matrix.apply, changes)
                loaded.behind = (changes[-1].revision, changes[-1].id)
            if len(changes) < _CHANGES_AT_ONCE:
                break
        loaded.revision = max(state.revision, loaded.behind[0])
        self._make_room()

    def _make_room(self) -> None:
        used = sum(loaded.matrix.size_bytes for loaded in self._loaded.values())
        while used > self._memory_bytes and len(self._loaded) > 1:
            _, dropped = self._loaded.popitem(last=False)
            used -= dropped.matrix.size_bytes

    async def _in_thread(self, work: Callable[[A], T], argument: A) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, argument)
