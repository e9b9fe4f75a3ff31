"""The store against its records: is every blob that is needed there, as long as it should be, with the right bytes?"""

import asyncio
import hashlib
import zlib
from collections.abc import Sequence
from contextlib import aclosing

import msgspec

from armarium.core.sweep import Sweeper, SweepReport
from armarium.domain.errors import ArmariumError, NotFound, Unavailable
from armarium.domain.file import BlobId
from armarium.domain.storage_keys import blob_key, is_elsewhere
from armarium.ports.blobs import Blobs
from armarium.ports.catalog import BlobUse, Catalog, StoredBlob

_BATCH = 500
_AT_ONCE = 16
"""How many blobs are looked at side by side: a store that is far away answers many as fast as one."""
_MOST_USES = 10


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A blob that is not as it was recorded. uses: some of the files that need it."""

    blob_id: BlobId
    reason: str
    uses: list[BlobUse]


class CheckReport(msgspec.Struct, kw_only=True):
    """What was looked at, what is wrong, and what is left over.

    hashed: blobs whose bytes were read and compared with a recorded hash. unused: recorded and needed by nothing.
    """

    blobs: int = 0
    size_bytes: int = 0
    hashed: int = 0
    unused: int = 0
    problems: list[Problem] = []
    leftovers: SweepReport = msgspec.field(default_factory=lambda: SweepReport(dry_run=True))

    @property
    def is_good(self) -> bool:
        return not self.problems


class Check:
    """Looks at everything and changes nothing; servers may be at work meanwhile."""

    def __init__(self, catalog: Catalog, blobs: Blobs, sweeper: Sweeper) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._sweeper = sweeper

    async def run(self, *, read_data: bool = False) -> CheckReport:
        """read_data: read every byte and compare its hash, where one is recorded."""
        report = CheckReport()
        after = BlobId("")
        while records := await self._catalog.list_blobs(after=after, limit=_BATCH):
            needed = [record for record in records if record.is_needed]
            report.unused += len(records) - len(needed)
            await self._check_all(needed, report, read_data=read_data)
            after = records[-1].id
        report.leftovers = await self._sweeper.sweep(dry_run=True)
        return report

    async def _check_all(self, records: Sequence[StoredBlob], report: CheckReport, *, read_data: bool) -> None:
        turns = asyncio.Semaphore(_AT_ONCE)

        async def check(record: StoredBlob) -> str | None:
            async with turns:
                return await self._wrong_with(record, read_data=read_data)

        reasons = await asyncio.gather(*map(check, records))
        wrong = {record.id: reason for record, reason in zip(records, reasons, strict=True) if reason}
        # What was deleted while we were looking is missing rightly.
        uses = await self._catalog.uses_of_blobs(list(wrong), limit=_MOST_USES) if wrong else {}
        for blob_id, found in uses.items():
            report.problems.append(Problem(blob_id=blob_id, reason=wrong[blob_id], uses=found))
        report.blobs += len(records)
        report.size_bytes += sum(record.size_bytes for record in records)
        report.hashed += sum(1 for record in records if read_data and record.sha256 and record.id not in wrong)

    async def _wrong_with(self, record: StoredBlob, *, read_data: bool) -> str | None:
        try:
            return await self._compared(record, read_data=read_data)
        except ArmariumError as error:
            if not is_elsewhere(record.id):
                raise
            return f"cannot be asked for: {error.message}"  # somebody's own bucket, which we cannot vouch for

    async def _compared(self, record: StoredBlob, *, read_data: bool) -> str | None:
        stat = await self._blobs.stat(blob_key(record.id))
        if stat is None:
            return "missing"
        if stat.size_bytes != record.size_bytes:
            return f"{stat.size_bytes} bytes instead of {record.size_bytes}"
        return await self._wrong_bytes(record) if read_data else None

    async def _wrong_bytes(self, record: StoredBlob) -> str | None:
        digest, crc32 = hashlib.sha256(), 0
        try:
            async with aclosing(self._blobs.open(blob_key(record.id))) as chunks:
                async for chunk in chunks:
                    digest.update(chunk)
                    crc32 = zlib.crc32(chunk, crc32)
        except (NotFound, Unavailable) as error:
            return f"cannot be read: {error.message}"
        if record.sha256 not in (None, digest.hexdigest()):
            return "other bytes than were stored: the SHA-256 differs"
        return "other bytes than were stored: the CRC-32 differs" if record.crc32 not in (None, crc32) else None
