"""The URLs bytes come and go by: minted when asked for, signed, expiring, good for one object and one method."""

from datetime import timedelta
from urllib.parse import quote

from armarium.core.tickets import (
    Download,
    PartsEnd,
    PartsStart,
    PartUpload,
    Probe,
    Removal,
    Ticket,
    Tickets,
    Upload,
    ZipDownload,
)
from armarium.domain.file import BlobId, FileEntry
from armarium.domain.identifiers import ArtifactId
from armarium.ports.clock import Clock

DOWNLOADS = "/-/blobs/"
UPLOADS = "/-/uploads/"
PARTS = "/-/parts/"
MULTIPART = "/-/multipart/"
ZIPS = "/-/zips/"
REMOVALS = "/-/removals/"
PROBES = "/-/probes/"


class Links:
    """Mints URLs below a public base URL, which never ends with a slash."""

    def __init__(self, tickets: Tickets, clock: Clock, base_url: str) -> None:
        self._tickets = tickets
        self._clock = clock
        self.base_url = base_url

    def upload(
        self, slot: str, *, expires_in: timedelta, size_bytes: int | None = None, sha256: str | None = None
    ) -> str:
        """A URL that takes one PUT after the other for a staged path, until the draft is committed or discarded.

        size_bytes, sha256 (hex): what alone it takes.
        """
        ticket = Upload(slot=slot, expires_at=self._expiry(expires_in), size_bytes=size_bytes, sha256=sha256)
        return self._url(UPLOADS, ticket)

    def part(self, upload_id: str, number: int, *, expires_in: timedelta) -> str:
        """A URL that takes one part of an upload."""
        return self._url(PARTS, PartUpload(upload_id, number, self._expiry(expires_in)))

    def parts_start(self, slot: str, part_count: int, *, expires_in: timedelta) -> str:
        """A URL that begins an upload in parts each time it gets a POST."""
        return self._url(MULTIPART, PartsStart(slot, part_count, self._expiry(expires_in))) + "?uploads"

    def parts_end(self, upload_id: str, *, expires_in: timedelta) -> str:
        """A URL that joins the parts of an upload when it gets a POST that names them."""
        return self._url(MULTIPART, PartsEnd(upload_id, self._expiry(expires_in)))

    def zip(self, artifact_id: ArtifactId, filename: str, *, expires_in: timedelta) -> str:
        """A URL that answers GET and HEAD, with ranges, with all files of an artifact as a zip."""
        return f"{self._url(ZIPS, ZipDownload(artifact_id, self._expiry(expires_in)))}/{quote(filename, safe='')}"

    def removal(self, artifact_id: ArtifactId, *, expires_in: timedelta) -> str:
        """A URL whose DELETE lets go of what an artifact holds."""
        return self._url(REMOVALS, Removal(artifact_id, self._expiry(expires_in)))

    def probe(self, blob_id: BlobId, method: str, *, expires_in: timedelta) -> str:
        """A URL that tries the store with one small object."""
        return self._url(PROBES, Probe(blob_id, method, self._expiry(expires_in)))

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

    def _url(self, place: str, ticket: Ticket) -> str:
        return f"{self.base_url}{place}{self._tickets.issue(ticket)}"

    def _expiry(self, expires_in: timedelta) -> int:
        return int(self._clock.now() + expires_in.total_seconds())
