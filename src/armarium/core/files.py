"""Files: stage, receive, list, hand out, remove. The core moves no byte; it names blobs and checks what arrived."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import msgspec

from armarium.core.arrivals import Arrivals, entry_of_arrival
from armarium.core.counters import Counters
from armarium.core.interruptions import again_if_interrupted
from armarium.core.links import Links
from armarium.core.lookup import Shown, find
from armarium.core.own_stores import OwnStores
from armarium.core.permissions import access_of, require, rules_of
from armarium.core.publishing import audit, publish
from armarium.core.values import published_values
from armarium.domain.artifact import Artifact, Found
from armarium.domain.errors import Forbidden, Invalid, NotFound, NotStaged
from armarium.domain.file import ByteRange, FileEntry, content_type_of, safe_directory, safe_path
from armarium.domain.manifest import encode_json
from armarium.domain.principal import Action, Principal
from armarium.domain.storage_keys import blob_key, is_elsewhere
from armarium.domain.version import Selector, StagedFile
from armarium.ports.blobs import Blobs
from armarium.ports.catalog import Catalog, Transaction
from armarium.ports.clock import Clock

MAX_READ_BYTES = 10 * 1024 * 1024
"""The most that `read` returns in one answer; larger files are for download links."""


class Directory(msgspec.Struct, frozen=True):
    """One level of an artifact's files. pending: staged paths below it, at any depth, that have not arrived."""

    prefix: str
    files: list[FileEntry]
    subdirectories: list[str]
    weights: dict[str, float] = {}
    pending: list[StagedFile] = []


class Download(msgspec.Struct, frozen=True):
    """A file someone may read now."""

    entry: FileEntry
    artifact: Artifact


class Files:
    """Use cases around the files of one artifact."""

    def __init__(
        self,
        catalog: Catalog,
        blobs: Blobs,
        clock: Clock,
        counters: Counters,
        links: Links,
        arrivals: Arrivals,
        own_stores: OwnStores,
        max_file_bytes: int | None,
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._clock = clock
        self._counters = counters
        self._links = links
        self._arrivals = arrivals
        self._own_stores = own_stores
        self._max_file_bytes = max_file_bytes

    @again_if_interrupted
    async def stage(
        self, principal: Principal, name: str, paths: Sequence[str], *, weights: Sequence[float]
    ) -> list[StagedFile]:
        """Enter paths into the draft, ready to receive bytes; a path staged before keeps its slot.

        weights: what a download of each counts, not negative; one for each path.
        Raises NotFound, Forbidden, NotStaged, Invalid (path, weight).
        """
        if not paths:
            raise Invalid("file_path", "At least one file path is required.")
        if len(weights) != len(paths):
            raise Invalid("download_weight", "There must be one download weight for each file path.")
        for weight in weights:
            check_weight(weight)
        staged = {
            (path := safe_path(given)): StagedFile(
                path=path, slot=self._clock.new_id(), download_weight=weight, content_type=content_type_of(path)
            )
            for given, weight in zip(paths, weights, strict=True)
        }
        async with self._catalog.transaction() as tx:
            found = await find(tx, principal, name)
            access = access_of(found)
            for path in staged:
                require(principal, Action.PUT_FILE, access, path=path)
            _require_staged(found.artifact)
            rows = await tx.stage_files(found.artifact.id, list(staged.values()))
        by_path = {row.path: row for row in rows}
        return [by_path[safe_path(path)] for path in paths]

    async def upload_urls(
        self,
        principal: Principal,
        name: str,
        paths: Sequence[str],
        *,
        weights: Sequence[float],
        expires_in: timedelta,
        direct: bool = True,
    ) -> list[str]:
        """Stage paths and return a signed URL to PUT each one's bytes to, in the order given.

        direct: the store's own URLs, where it has some; else they lead here.
        """
        staged = await self.stage(principal, name, paths, weights=weights)
        if direct and await self.may_be_direct(staged[0].slot):
            return await self._arrivals.urls([file.slot for file in staged], expires_in=expires_in)
        return [self._links.upload(file.slot, expires_in=expires_in) for file in staged]

    async def upload_url(
        self, slot: str, *, expires_in: timedelta, size_bytes: int | None = None, sha256: str | None = None
    ) -> str:
        """A signed URL to PUT the bytes of a staged path to: the store's own, where it has some.

        size_bytes, sha256 (hex): what alone is taken, where the server is the one to look at it.
        """
        if await self.may_be_direct(slot):
            return (await self._arrivals.urls([slot], expires_in=expires_in))[0]
        return self._links.upload(slot, expires_in=expires_in, size_bytes=size_bytes, sha256=sha256)

    async def receive(
        self,
        slot: str,
        chunks: AsyncIterator[bytes],
        *,
        size_bytes: int | None = None,
        sha256: str | None = None,
    ) -> FileEntry:
        """Store the bytes of a staged path; what was there before is replaced only once they are safe.

        Raises Forbidden when the path is not staged any more, Invalid (size, hash), TooLarge; then nothing changed.
        """
        staged = await self._catalog.find_slot(slot)
        if staged is None:
            raise _used_up()
        artifact_id, file = staged
        blob_id = await self._own_stores.new_blob(artifact_id)
        stat = await self._blobs.put(
            blob_key(blob_id), chunks, size_bytes=size_bytes, sha256=sha256, limit_bytes=self._max_file_bytes
        )
        entry = entry_of_arrival(file, blob_id, stat, self._clock.now())
        await self._keep(slot, entry, stat.crc32)
        await self._arrivals.overtaken(slot)
        return entry

    @again_if_interrupted
    async def _keep(self, slot: str, entry: FileEntry, crc32: int | None) -> None:
        async with self._catalog.transaction() as tx:
            if not await tx.fill_slot(slot, entry, crc32=crc32):
                raise _used_up()

    async def write(self, principal: Principal, name: str, path: str, content: bytes) -> FileEntry:
        """Stage a path and store these bytes behind it."""
        staged = await self.stage(principal, name, [path], weights=[0.0])
        return await self.receive(staged[0].slot, _once(content))

    async def find(
        self,
        principal: Principal,
        name: str,
        paths: Sequence[str],
        *,
        version: Selector = None,
        stage: bool = False,
        silent: bool = True,
    ) -> list[Download]:
        """Return the files behind paths, in the order given; counts their download weights unless silent.

        Raises NotFound for the first path that is not there: a batch is all or nothing.
        """
        wanted = [safe_path(path) for path in paths]
        found = await find(self._catalog, principal, name)
        access = access_of(found)
        for path in wanted:
            require(principal, Action.GET_FILE, access, path=path)
        shown = Shown(found, version=version, stage=stage)
        await self.settle(shown)
        entries = await shown.find(self._catalog, wanted)
        for path in wanted:
            if path not in entries:
                raise NotFound("file", path, f"File '{path}' does not exist in the artifact.")
        if not silent:
            self.count_downloads(found.artifact, wanted)
        return [Download(entries[path], found.artifact) for path in wanted]

    async def settle(self, shown: Shown) -> None:
        """Take in what clients have brought to the store, if it is a draft that is looked at."""
        if shown.draft:
            await self._arrivals.settle(shown.artifact.id)

    def count_downloads(self, artifact: Artifact, paths: Sequence[str]) -> None:
        """Count the download weights of paths, as one download."""
        weights = rules_of(artifact.config).download_weights or {}
        self._counters.add(artifact.id, downloads=sum(weights.get(path, 0.0) for path in paths))

    async def download_urls(
        self,
        principal: Principal,
        name: str,
        paths: Sequence[str],
        *,
        expires_in: timedelta,
        version: Selector = None,
        stage: bool = False,
        silent: bool = False,
        direct: bool = True,
    ) -> list[str]:
        """Return a signed URL to GET each file from, in the order given. direct: as for `upload_urls`."""
        downloads = await self.find(principal, name, paths, version=version, stage=stage, silent=silent)
        return [await self._download_url(item.entry, expires_in=expires_in, direct=direct) for item in downloads]

    async def _download_url(self, entry: FileEntry, *, expires_in: timedelta, direct: bool) -> str:
        if direct and self._arrivals.are_possible and not is_elsewhere(entry.blob_id):
            return await self._arrivals.download_url(entry, expires_in=expires_in)
        return self._links.download(entry, expires_in=expires_in)

    async def may_be_direct(self, slot: str) -> bool:
        """Whether clients can send the bytes of a staged path to the store themselves."""
        if not self._arrivals.are_possible:
            return False
        staged = await self._catalog.find_slot(slot)
        return staged is not None and await self._own_stores.wanted(staged[0]) is None

    async def read(
        self,
        principal: Principal,
        name: str,
        path: str,
        *,
        offset: int = 0,
        limit: int | None = None,
        version: Selector = None,
        stage: bool = False,
    ) -> bytes:
        """Return part of a file, at most 10 MiB of it; beyond its end there is nothing."""
        download = (await self.find(principal, name, [path], version=version, stage=stage))[0]
        size = download.entry.size_bytes
        last = min(size, offset + min(limit or MAX_READ_BYTES, MAX_READ_BYTES)) - 1
        if last < offset:
            return b""
        span = ByteRange(offset, last)
        return await self._blobs.read(blob_key(download.entry.blob_id), span)

    async def list(
        self,
        principal: Principal,
        name: str,
        directory: str | None = None,
        *,
        version: Selector = None,
        stage: bool = False,
        with_pending: bool = False,
        limit: int | None = None,
    ) -> Directory:
        """Return one directory level; a directory that is not there is an empty one.

        limit: how many files are enough; with_pending: name the staged paths whose bytes have not arrived.
        """
        found = await find(self._catalog, principal, name)
        require(principal, Action.LIST_FILES, access_of(found))
        shown = Shown(found, version=version, stage=stage)
        await self.settle(shown)
        prefix = safe_directory(directory)
        files, subdirectories = await shown.directory(self._catalog, prefix, limit=limit)
        staged = await shown.staged(self._catalog)
        return Directory(
            prefix,
            files,
            subdirectories,
            {file.path: file.download_weight for file in staged if file.download_weight},
            _pending(staged, prefix) if with_pending else [],
        )

    @again_if_interrupted
    async def remove(self, principal: Principal, name: str, path: str) -> None:
        """Take a path out of the draft, or mark it for removal when the draft is committed.

        A path nobody knows is fine. Raises NotFound, Forbidden, NotStaged, Invalid (path).
        """
        wanted = safe_path(path)
        async with self._catalog.transaction() as tx:
            found = await find(tx, principal, name)
            artifact = found.artifact
            require(principal, Action.REMOVE_FILE, access_of(found), path=wanted)
            _require_staged(artifact)
            committed = artifact.versions and await tx.find_files(artifact.versions[-1].id, [wanted])
            if committed:
                await tx.stage_files(artifact.id, [StagedFile(path=wanted, slot=self._clock.new_id(), removed=True)])
            else:
                await tx.unstage_files(artifact.id, [wanted])

    async def status(self, principal: Principal, name: str) -> tuple[StagedFile, ...] | None:
        """Return what is staged, None when there is no draft."""
        found = await find(self._catalog, principal, name)
        require(principal, Action.GET_STATUS, access_of(found))
        if found.artifact.intent is None:
            return None
        await self._arrivals.settle(found.artifact.id)
        return (await self._catalog.staged_files([found.artifact.id])).get(found.artifact.id, ())

    @again_if_interrupted
    async def set_weight(self, principal: Principal, name: str, path: str, weight: float) -> None:
        """Say what one download of a path counts, at once; 0 forgets it. The path need not exist."""
        check_weight(weight)
        async with self._catalog.transaction() as tx:
            found = await find(tx, principal, name)
            require(principal, Action.SET_DOWNLOAD_WEIGHT, access_of(found))
            await self._publish_weight(tx, found, path, weight)
            await audit(tx, self._clock, principal, found.artifact, "set_download_weight", path)

    async def _publish_weight(self, tx: Transaction, found: Found, path: str, weight: float) -> None:
        artifact = found.artifact
        config = msgspec.json.decode(artifact.config)
        weights = {**(config.get("download_weights") or {}), path: weight}
        config["download_weights"] = {path: weight for path, weight in weights.items() if weight}
        values = msgspec.structs.replace(published_values(artifact), config=encode_json("config", config))
        await publish(tx, artifact, values, now=self._clock.now())


def check_weight(weight: float) -> None:
    """Refuse a download weight that is no number or negative."""
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < float("inf"):
        raise Invalid("download_weight", "Download weight must be a non-negative number.")


def _require_staged(artifact: Artifact) -> None:
    if artifact.intent is None:
        raise NotStaged("Artifact must be in staging mode to change its files.")


def _used_up() -> Forbidden:
    return Forbidden(
        Action.PUT_FILE,
        "This upload URL is no longer valid: what was staged has been committed, discarded or replaced.",
    )


def _pending(staged: tuple[StagedFile, ...], prefix: str) -> list[StagedFile]:
    return [file for file in staged if not file.removed and file.blob_id is None and file.path.startswith(prefix)]


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
