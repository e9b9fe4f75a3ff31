"""A delivery: a file that is declared before its bytes come, and accepted once they are what was declared.

pending_upload ----> uploaded         the bytes are there and match: a version is committed
               `---> upload_failed    they are not; nothing of them is kept
any            ----> pending_deletion ----> deletion_failed
                                      `---> the record is gone
"""

import enum
import math
import re
from collections.abc import Mapping

import msgspec

from armarium.domain.artifact import Artifact
from armarium.domain.errors import Invalid
from armarium.domain.units import GIB, MIB
from armarium.domain.version import StagedFile

STATE = "dataforce"
"""The key of a config that holds the status of a delivery."""

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


class Status(enum.StrEnum):
    """How far a delivery has come."""

    PENDING_UPLOAD = "pending_upload"
    UPLOADED = "uploaded"
    UPLOAD_FAILED = "upload_failed"
    PENDING_DELETION = "pending_deletion"
    DELETION_FAILED = "deletion_failed"


_MOVES: Mapping[Status, tuple[Status, ...]] = {
    Status.PENDING_UPLOAD: (Status.UPLOADED, Status.UPLOAD_FAILED),
    Status.PENDING_DELETION: (Status.DELETION_FAILED,),
}
"""What a client may report; everything else a delivery becomes by what is done with it."""

_LEAVING = (Status.PENDING_DELETION, Status.DELETION_FAILED)


class _State(msgspec.Struct, frozen=True):
    status: str | None = None


class _Kept(msgspec.Struct, frozen=True):
    """The part of a config that concerns deliveries."""

    dataforce: _State = _State()


_kept = msgspec.json.Decoder(_Kept)


def status_of(artifact: Artifact) -> Status:
    """Tell the status of any artifact; one that came another way is uploaded once it is committed."""
    try:
        noted = Status(_kept.decode(artifact.config).dataforce.status or "")
    except (msgspec.ValidationError, ValueError):
        noted = None
    if noted in _LEAVING:
        return noted
    if artifact.versions:
        return Status.UPLOADED
    return Status.UPLOAD_FAILED if noted is Status.UPLOAD_FAILED else Status.PENDING_UPLOAD


def check_move(now: Status, wanted: Status) -> None:
    """Refuse a status a client may not report now."""
    if wanted not in _MOVES.get(now, ()):
        raise Invalid("status", f"Invalid status transition from {now} to {wanted}")


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """What was said of a file before its bytes came. sha256: lower-case hex, None where none was given."""

    path: str
    size_bytes: int
    sha256: str | None

    def check(self, staged: tuple[StagedFile, ...]) -> None:
        """Refuse a draft that is not exactly this file. Raises Invalid (`status`)."""
        arrived = [file for file in staged if not file.removed and file.blob_id is not None]
        if [file.path for file in arrived] != [self.path]:
            raise Invalid("status", f"The upload is not complete: '{self.path}' has not arrived.")
        file = arrived[0]
        if file.size_bytes != self.size_bytes:
            raise Invalid("status", f"The upload has {file.size_bytes} bytes where {self.size_bytes} were declared.")
        if self.sha256 is not None and file.sha256 not in (None, self.sha256):
            raise Invalid("status", "The SHA-256 of the upload is not the declared file_hash.")


def sha256_in(file_hash: str) -> str | None:
    """The SHA-256 a declared hash is, None for any other text."""
    return file_hash.lower() if _SHA256.fullmatch(file_hash) else None


class Part(msgspec.Struct, frozen=True):
    """A part of an upload: its number from 1 on, its first and its last byte."""

    number: int
    first: int
    last: int


_PART_SIZES = ((GIB, 32 * MIB), (5 * GIB, 64 * MIB), (10 * GIB, 128 * MIB), (100 * GIB, 512 * MIB))
"""Files up to so many bytes are sent in parts of so many bytes; larger ones in parts of 1 GiB."""


def part_bytes(size_bytes: int) -> int:
    return next((part for most, part in _PART_SIZES if size_bytes <= most), GIB)


def part_count(size_bytes: int) -> int:
    return max(1, math.ceil(size_bytes / part_bytes(size_bytes)))


def parts_of(size_bytes: int) -> list[Part]:
    """How a file is cut; the last part takes what is left."""
    each = part_bytes(size_bytes)
    numbers = range(1, part_count(size_bytes) + 1)
    return [Part(number, (number - 1) * each, min(number * each, size_bytes) - 1) for number in numbers]
