"""Carrying a whole store into another: first the bytes, which never change, then all records in one transaction.

    bytes     copied side by side, checked while they pass; what an earlier attempt has brought is not copied again
    records   added to empty tables, read back, counted and compared; then kept at once, or not at all

Until the last step the target is an empty armarium with some bytes nobody refers to, so a copy that was interrupted
claims nothing and is simply begun again. While records are copied nobody writes to a SQLite source; on PostgreSQL
servers have to be stopped, and what changes nevertheless is noticed or not copied.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import msgspec

from armarium.domain.errors import AlreadyExists, ArmariumError, Conflict, Unavailable
from armarium.domain.file import BlobId
from armarium.domain.storage_keys import blob_key, is_elsewhere
from armarium.ports.blobs import Blobs
from armarium.ports.catalog import Catalog, StoredBlob, Transaction
from armarium.ports.tables import Row, TableReader

_ROWS = 1000
_BLOBS = 500
_AT_ONCE = 8


class Store(msgspec.Struct, frozen=True):
    """One armarium's records and bytes, opened."""

    catalog: Catalog
    blobs: Blobs


class RelocationReport(msgspec.Struct, kw_only=True):
    """What was copied. tables: rows by table; was_there: the target held all of it before, and nothing was done.

    blobs, size_bytes: copied this time; found_blobs: brought by an earlier attempt.
    """

    tables: dict[str, int] = {}
    blobs: int = 0
    size_bytes: int = 0
    found_blobs: int = 0
    was_there: bool = False


class Relocation:
    """One copy from a source to a target. tell: called with a line of progress."""

    def __init__(self, source: Store, target: Store, *, tell: Callable[[str], None] = lambda _: None) -> None:
        self._source = source
        self._target = target
        self._tell = tell

    async def run(self) -> RelocationReport:
        """Copy everything.

        Raises Conflict when the target holds something else, or came out different; Unavailable when bytes of the
        source are missing or damaged.
        """
        report = RelocationReport()
        if await self._is_filled():
            report.was_there = True
            report.tables = await self._require_equal(self._source.catalog, self._target.catalog)
        await self._copy_blobs(report)
        if not report.was_there:
            await self._copy_records(report)
        return report

    async def _is_filled(self) -> bool:
        catalog = self._target.catalog
        return any([await catalog.count_rows(table) for table in catalog.table_names()])

    # records

    async def _copy_records(self, report: RelocationReport) -> None:
        async with self._source.catalog.transaction() as source, self._target.catalog.transaction() as target:
            await self._copy_blobs(report)  # those that came while the first were copied
            for table in source.table_names():
                async for rows in _pages(source, table):
                    await target.add_rows(table, rows)
                if source.is_linked(table):
                    await self._link(table, source, target)
                self._tell(f"{table}: copied")
            report.tables = await self._require_equal(source, target)
            await target.finish_tables()

    async def _link(self, table: str, source: TableReader, target: Transaction) -> None:
        async for rows in _pages(source, table):
            await target.link_rows(table, rows)

    async def _require_equal(self, source: TableReader, target: TableReader) -> dict[str, int]:
        """Compare all rows; returns how many each table has. Raises Conflict."""
        counts = {}
        for table in source.table_names():
            ours, theirs = await _sum(source, table), await _sum(target, table)
            if ours != theirs:
                raise Conflict(
                    f"The target differs from the source: table '{table}' has {theirs[0]} rows there and {ours[0]} here"
                    f"{', with other content' if ours[0] == theirs[0] else ''}. Copy into an empty target."
                )
            counts[table] = ours[0]
        return counts

    # bytes

    async def _copy_blobs(self, report: RelocationReport) -> None:
        report.found_blobs = 0
        after = BlobId("")
        turns = asyncio.Semaphore(_AT_ONCE)

        async def copy(blob: StoredBlob) -> None:
            async with turns:
                await self._copy_blob(blob, report)

        while blobs := await self._source.catalog.list_blobs(after=after, limit=_BLOBS):
            async with asyncio.TaskGroup() as group:
                for blob in blobs:
                    group.create_task(copy(blob))
            after = blobs[-1].id
            self._tell(f"blobs: {report.blobs} copied, {report.found_blobs} were there")

    async def _copy_blob(self, blob: StoredBlob, report: RelocationReport) -> None:
        if is_elsewhere(blob.id):
            return  # a bucket somebody brought stays where it is
        key = blob_key(blob.id)
        there = await self._target.blobs.stat(key)
        if there is not None and there.size_bytes == blob.size_bytes:
            report.found_blobs += 1
            return
        if there is not None:
            await self._target.blobs.delete(key)
        if not blob.is_needed and await self._source.blobs.stat(key) is None:
            return  # the sweeper was quicker
        await self._put(blob, key)
        report.blobs += 1
        report.size_bytes += blob.size_bytes

    async def _put(self, blob: StoredBlob, key: str) -> None:
        try:
            async with aclosing(self._source.blobs.open(key)) as chunks:
                await self._target.blobs.put(key, chunks, size_bytes=blob.size_bytes, sha256=blob.sha256)
        except AlreadyExists:
            return
        except ArmariumError as error:
            raise Unavailable(
                f"The blob {blob.id} cannot be copied: {error.message} 'armarium check' tells more."
            ) from error


async def _pages(reader: TableReader, table: str) -> AsyncIterator[list[Row]]:
    after = None
    while rows := await reader.table_rows(table, after=after, limit=_ROWS):
        yield rows
        after = reader.key_of(table, rows[-1])


async def _sum(reader: TableReader, table: str) -> tuple[int, str]:
    """How many rows a table has, and a digest of them all."""
    count, digest = 0, hashlib.sha256()
    async for rows in _pages(reader, table):
        count += len(rows)
        digest.update(msgspec.msgpack.encode(rows))
    return count, digest.hexdigest()
