"""The URLs bytes come and go by: minted when asked for, signed, expiring, good for one object and one method."""

from datetime import timedelta
from urllib.parse import quote

from armarium.core.tickets import Download, PartUpload, Tickets, Upload
from armarium.domain.file import FileEntry
from armarium.ports.clock import Clock

DOWNLOADS = "/-/blobs/"
UPLOADS = "/-/uploads/"
PARTS = "/-/parts/"


class Links:
    """Mints URLs below a public base URL, which never ends with a slash."""

    def __init__(self, tickets: Tickets, clock: Clock, base_url: str) -> None:
        self._tickets = tickets
        self._clock = clock
        self.base_url = base_url

    def upload(self, slot: str, *, expires_in: timedelta) -> str:
        """A URL that takes one PUT after the other for a staged path, until the draft is committed or discarded."""
        ticket = Upload(slot=slot, expires_at=self._expiry(expires_in))
        return f"{self.base_url}{UPLOADS}{self._tickets.issue(ticket)}"

    def part(self, upload_id: str, number: int, *, expires_in: timedelta) -> str:
        """A URL that takes one part of an upload."""
        ticket = PartUpload(upload_id=upload_id, part_number=number, expires_at=self._expiry(expires_in))
        return f"{self.base_url}{PARTS}{self._tickets.issue(ticket)}"

    def download(self, entry: FileEntry, *, expires_in: timedelta) -> str:
        """A URL that answers GET and HEAD, with ranges, for one blob; it ends with the file's name."""
        name = entry.path.rpartition("/")[2]
        ticket = Download(
            blob_id=entry.blob_id,
            size_bytes=entry.size_bytes,
            modified_at=entry.modified_at,
            content_type=entry.content_type,
            filename=name,
            expires_at=self._expiry(expires_in),
        )
        return f"{self.base_url}{DOWNLOADS}{self._tickets.issue(ticket)}/{quote(name, safe='')}"

    def _expiry(self, expires_in: timedelta) -> int:
        return int(self._clock.now() + expires_in.total_seconds())
