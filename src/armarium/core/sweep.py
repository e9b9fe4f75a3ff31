"""The sweeper: bytes that no version, draft or upload needs wait out a grace period, then go.

Two kinds are found: blobs the catalog knows and nobody refers to, and objects in the store the catalog
never heard of (a crash between the bytes and the row). Condemning comes first, in a transaction: a
condemned blob can not be referenced again, so nothing that is still wanted is ever deleted.
"""

import datetime as dt

import msgspec

from armarium.core.arrivals import Arrivals
from armarium.domain.errors import NotFound
from armarium.domain.file import BlobId
from armarium.domain.storage_keys import BLOBS, INCOMING, blob_key, blob_of
from armarium.domain.upload import OpenUpload
from armarium.ports.blobs import Blobs, SignsUrls, UploadsParts
from armarium.ports.catalog import Catalog
from armarium.ports.clock import Clock

_BATCH = 500
_ALL = 1_000_000


class SweepReport(msgspec.Struct, kw_only=True):
    """What was found and, unless it was a dry run, removed."""

    unreferenced: int = 0
    unknown: int = 0
    interrupted: int = 0
    expired_uploads: int = 0
    freed_bytes: int = 0
    dry_run: bool = False


class Sweeper:
    """Removes leftovers older than the grace period; safe to run beside everything, and in several processes."""

    def __init__(self, catalog: Catalog, blobs: Blobs, clock: Clock, arrivals: Arrivals, grace: dt.timedelta) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._clock = clock
        self._arrivals = arrivals
        self._grace = grace

    async def sweep(self, *, dry_run: bool = False) -> SweepReport:
        """Look for leftovers once through; returns what there was."""
        report = SweepReport(dry_run=dry_run)
        await self._sweep_unreferenced(report)
        await self._forget_stores(report)
        await self._sweep_unknown(report)
        await self._sweep_interrupted(report)
        await self._sweep_files_sent_whole(report)
        await self._sweep_uploads(report)
        await self._sweep_resumables(report)
        await self._sweep_open_uploads(report)
        return report

    async def _sweep_unreferenced(self, report: SweepReport) -> None:
        before = self._clock.now() - self._grace.total_seconds()
        limit = _ALL if report.dry_run else _BATCH
        while records := await self._catalog.unreferenced_blobs(released_before=before, limit=limit):
            report.unreferenced += len(records)
            report.freed_bytes += sum(record.size_bytes for record in records)
            if report.dry_run:
                return
            async with self._catalog.transaction() as tx:
                condemned = await tx.condemn_blobs([record.id for record in records])
            for blob_id in condemned:
                await self._blobs.delete(blob_key(blob_id))
            async with self._catalog.transaction() as tx:
                await tx.forget_blobs(condemned)

    async def _forget_stores(self, report: SweepReport) -> None:
        """Forget the keys of buckets that hold nothing of ours any more."""
        if not report.dry_run:
            async with self._catalog.transaction() as tx:
                await tx.forget_stores()

    async def _sweep_unknown(self, report: SweepReport) -> None:
        batch: dict[BlobId, int] = {}
        async for stat in self._blobs.list(f"{BLOBS}/", older_than=self._deadline()):
            blob_id = blob_of(stat.key)
            if blob_id is not None:
                batch[blob_id] = stat.size_bytes
            if len(batch) >= _BATCH:
                await self._drop_unknown(batch, report)
                batch = {}
        await self._drop_unknown(batch, report)

    async def _drop_unknown(self, batch: dict[BlobId, int], report: SweepReport) -> None:
        known = await self._catalog.known_blobs(list(batch))
        for blob_id, size_bytes in batch.items():
            if blob_id not in known:
                report.unknown += 1
                report.freed_bytes += size_bytes
                if not report.dry_run:
                    await self._blobs.delete(blob_key(blob_id))

    async def _sweep_interrupted(self, report: SweepReport) -> None:
        async for stat in self._blobs.list(f"{INCOMING}/", older_than=self._deadline()):
            report.interrupted += 1
            report.freed_bytes += stat.size_bytes
            if not report.dry_run:
                await self._blobs.delete(stat.key)

    async def _sweep_uploads(self, report: SweepReport) -> None:
        before = self._clock.now() - self._grace.total_seconds()
        limit = _ALL if report.dry_run else _BATCH
        while expired := await self._catalog.expired_uploads(expired_before=before, limit=limit):
            report.expired_uploads += len(expired)
            if report.dry_run:
                return
            for upload in expired:
                await self._drop_upload(upload)
            async with self._catalog.transaction() as tx:
                await tx.delete_upload(*(upload.id for upload in expired))

    async def _drop_upload(self, upload: OpenUpload) -> None:
        if upload.blob_id is not None and upload.store_upload is not None and isinstance(self._blobs, SignsUrls):
            await self._blobs.drop_upload(blob_key(upload.blob_id), upload.store_upload)
        elif isinstance(self._blobs, UploadsParts):
            await self._blobs.drop_parts(upload.id)

    async def _sweep_files_sent_whole(self, report: SweepReport) -> None:
        if not report.dry_run:
            before = self._clock.now() - self._grace.total_seconds()
            report.expired_uploads += await self._arrivals.settle_expired(dropped_before=before)

    async def _sweep_open_uploads(self, report: SweepReport) -> None:
        """Drop uploads of the store that no row knows and nothing has come to of late."""
        if not isinstance(self._blobs, SignsUrls):
            return
        async for key, upload in self._blobs.open_uploads(older_than=self._deadline()):
            blob_id = blob_of(key)
            if blob_id is None or await self._catalog.known_blobs([blob_id]) or await self._is_fed(key, upload):
                continue
            report.interrupted += 1
            if not report.dry_run:
                await self._blobs.drop_upload(key, upload)

    async def _is_fed(self, key: str, upload: str) -> bool:
        if not isinstance(self._blobs, SignsUrls):
            return False
        try:
            parts = await self._blobs.arrived_parts(key, upload)
        except NotFound:
            return True
        return any(part.modified_at >= self._deadline().timestamp() for part in parts)

    async def _sweep_resumables(self, report: SweepReport) -> None:
        """Forget uploads nobody went on with; their bytes are released, and wait out the grace period."""
        now = self._clock.now()
        limit = _ALL if report.dry_run else _BATCH
        while expired := await self._catalog.expired_resumables(expired_before=now, limit=limit):
            report.expired_uploads += len(expired)
            if report.dry_run:
                return
            for upload_id in expired:
                async with self._catalog.transaction() as tx:
                    await tx.delete_resumable(upload_id, now=now)

    def _deadline(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self._clock.now(), dt.UTC) - self._grace
