"""Tickets: what is written into a URL so that whoever holds it may move the bytes of one object for a while."""

from typing import TypeVar

import msgspec

from armarium.core.signing import Signer
from armarium.domain.errors import Forbidden, NotAuthenticated
from armarium.domain.file import BlobId
from armarium.domain.identifiers import ArtifactId


class Download(msgspec.Struct, frozen=True, array_like=True, tag="d"):
    """Read one blob. expires_at: seconds since the epoch. modified_at: likewise. inline: show it, do not save it."""

    blob_id: BlobId
    size_bytes: int
    content_type: str
    filename: str
    expires_at: int
    modified_at: float = 0.0
    inline: bool = False


class Upload(msgspec.Struct, frozen=True, array_like=True, tag="u"):
    """Put the bytes of one staged path; dies with its slot. sha256 (hex), size_bytes: what must arrive, where known."""

    slot: str
    expires_at: int
    size_bytes: int | None = None
    sha256: str | None = None


class PartUpload(msgspec.Struct, frozen=True, array_like=True, tag="p"):
    """Put one part of an upload."""

    upload_id: str
    part_number: int
    expires_at: int


class PartsStart(msgspec.Struct, frozen=True, array_like=True, tag="s"):
    """Begin an upload in parts of one staged path."""

    slot: str
    part_count: int
    expires_at: int


class PartsEnd(msgspec.Struct, frozen=True, array_like=True, tag="e"):
    """Join the parts of an upload."""

    upload_id: str
    expires_at: int


class ZipDownload(msgspec.Struct, frozen=True, array_like=True, tag="z"):
    """Read all files of one artifact as a zip."""

    artifact_id: ArtifactId
    expires_at: int


class Removal(msgspec.Struct, frozen=True, array_like=True, tag="r"):
    """Let go of the content of one artifact that is about to be deleted."""

    artifact_id: ArtifactId
    expires_at: int


class Probe(msgspec.Struct, frozen=True, array_like=True, tag="t"):
    """Try the store with one small object. method: the HTTP method it is good for."""

    blob_id: BlobId
    method: str
    expires_at: int


Ticket = Download | Upload | PartUpload | PartsStart | PartsEnd | ZipDownload | Removal | Probe
T = TypeVar("T", Download, Upload, PartUpload, PartsStart, PartsEnd, ZipDownload, Removal, Probe)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Ticket).decode


class Tickets:
    """Issues and redeems tickets."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def issue(self, ticket: Ticket) -> str:
        """Return URL-safe ASCII without padding."""
        return self._signer.sign(_encode(ticket))

    def redeem(self, text: str, kind: type[T], now: float) -> T:
        """Return the ticket behind a text.

        Raises NotAuthenticated for one that is not ours or has expired, Forbidden for one of another kind.
        """
        ticket = self._read(text)
        if not isinstance(ticket, kind):
            raise Forbidden(kind.__name__.lower(), "This link is good for something else.")
        if ticket.expires_at <= now:
            raise NotAuthenticated("This link has expired: ask for a new one.")
        return ticket

    def _read(self, text: str) -> Ticket:
        payload = self._signer.read(text)
        if payload is None:
            raise NotAuthenticated("This link is not valid.")
        ticket: Ticket = _decode(payload)
        return ticket
