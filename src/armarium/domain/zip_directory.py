"""Reading the directory of a zip archive that somebody uploaded, and trusting none of it.

Pure: the caller reads the spans named here and hands the bytes in. An archive may stand behind other data (a
self-extracting one), end with a comment and use zip64. A name that is no safe path makes a member nobody can ask for,
and it is left out. Raises Invalid for what is no archive or a damaged one, Unsupported for what only others can read.
Source: APPNOTE.TXT 6.3.10.
"""

import calendar
import contextlib
import struct
from collections.abc import Iterator

import msgspec

from armarium.domain.archive import ArchiveFolder, ArchiveMember
from armarium.domain.errors import Invalid, Unsupported
from armarium.domain.file import safe_path
from armarium.domain.zip_format import (
    CENTRAL,
    CENTRAL_SIGNATURE,
    END,
    END_SIGNATURE,
    LOCAL,
    LOCAL_SIGNATURE,
    TIME_EXTRA,
    UNTOLD_16,
    UNTOLD_32,
    UTF8_NAME,
    ZIP64_END,
    ZIP64_END_SIGNATURE,
    ZIP64_EXTRA,
    ZIP64_LOCATOR,
    ZIP64_LOCATOR_SIGNATURE,
)

TAIL_BYTES = END.size + UNTOLD_16 + ZIP64_LOCATOR.size + ZIP64_END.size
"""How much of an archive's end is enough to find its directory."""
LOCAL_HEADER_BYTES = LOCAL.size

_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
_MAX_DEPTH = 64


class DirectorySpan(msgspec.Struct, frozen=True):
    """Where the directory stands in the blob. shift: what all offsets inside it are short of, for data before it."""

    offset: int
    size_bytes: int
    shift: int


def not_an_archive(reason: str) -> Invalid:
    return Invalid("archive", f"Invalid ZIP file: {reason}.")


def find_directory(tail: bytes, archive_bytes: int) -> DirectorySpan:
    """Find the directory. tail: the last `TAIL_BYTES` of the archive, or all of it."""
    at = _end_position(tail)
    _, disk, first_disk, _, _, size_bytes, offset, _ = END.unpack_from(tail, at)
    records_at = at
    zip64 = _zip64_end(tail, at, archive_bytes)
    if zip64 is not None:
        records_at, disk, first_disk, size_bytes, offset = zip64
    elif UNTOLD_32 in (size_bytes, offset):
        raise not_an_archive("it is truncated or damaged")
    if disk or first_disk:
        raise Unsupported("ZIP files in several parts cannot be read.")
    starts_at = archive_bytes - len(tail) + records_at - size_bytes
    if starts_at < 0 or offset > starts_at:
        raise not_an_archive("it is truncated or damaged")
    return DirectorySpan(starts_at, size_bytes, starts_at - offset)


def _end_position(tail: bytes) -> int:
    """Where the end record stands: the last whose comment ends with the archive, else the last whose comment fits."""
    fitting = -1
    at = tail.rfind(END_SIGNATURE)
    while at >= 0:
        if at + END.size <= len(tail):
            ends_at = at + END.size + int.from_bytes(tail[at + END.size - 2 : at + END.size], "little")
            if ends_at == len(tail):
                return at
            if ends_at < len(tail) and fitting < 0:
                fitting = at
        at = tail.rfind(END_SIGNATURE, 0, at)
    if fitting < 0:
        raise not_an_archive("it does not end like one")
    return fitting


def _zip64_end(tail: bytes, end_at: int, archive_bytes: int) -> tuple[int, int, int, int, int] | None:
    """Return (position in the tail, disk, disk of the directory, its size, its offset), None without zip64."""
    locator_at = end_at - ZIP64_LOCATOR.size
    if locator_at < 0 or not tail.startswith(ZIP64_LOCATOR_SIGNATURE, locator_at):
        return None
    _, _, told_at, _ = ZIP64_LOCATOR.unpack_from(tail, locator_at)
    for at in (locator_at - ZIP64_END.size, told_at - (archive_bytes - len(tail))):
        if 0 <= at <= locator_at - ZIP64_END.size and tail.startswith(ZIP64_END_SIGNATURE, at):
            _, _, _, _, disk, first_disk, _, _, size_bytes, offset = ZIP64_END.unpack_from(tail, at)
            return at, disk, first_disk, size_bytes, offset
    return None


class DirectoryParser:
    """Turns the bytes of a directory into members, piece by piece; remembers the folders they are in."""

    def __init__(self, span: DirectorySpan, *, max_folders: int) -> None:
        self.span = span
        self._max_folders = max_folders
        self._rest = b""
        self._folders: dict[str, float | None] = {}

    def feed(self, piece: bytes) -> list[ArchiveMember]:
        """Take the next bytes and return the files they complete."""
        data = self._rest + piece
        members: list[ArchiveMember] = []
        at = 0
        while (length := _record_bytes(data, at)) is not None:
            member = _member(data, at, self.span)
            if member is not None and self._note_folders(member):
                members.append(member)
            at += length
        self._rest = data[at:]
        return members

    def _note_folders(self, member: ArchiveMember) -> bool:
        """Remember the folders above a member, or the folder it is; say whether it is a file."""
        above = member.path.rpartition("/")[0] if not member.path.endswith("/") else ""
        if member.path.endswith("/"):
            self._folders.setdefault(member.path, member.modified_at)
            above = member.path[:-1].rpartition("/")[0]
        while above and self._folders.get(f"{above}/", 0) is not None:
            self._folders[f"{above}/"] = None
            above = above.rpartition("/")[0]
        if len(self._folders) > self._max_folders:
            raise not_an_archive("it has too many folders")
        return not member.path.endswith("/")

    def finish(self) -> list[ArchiveFolder]:
        """Return the folders; raises Invalid when the directory ended in the middle."""
        if self._rest:
            raise not_an_archive("its directory is truncated or damaged")
        return [ArchiveFolder(path=path, modified_at=when) for path, when in self._folders.items()]


def _record_bytes(data: bytes, at: int) -> int | None:
    """The length of the record at a place, None while it is not there completely."""
    if len(data) - at < CENTRAL.size:
        return None
    if not data.startswith(CENTRAL_SIGNATURE, at):
        raise not_an_archive("its directory is damaged")
    name_bytes, extra_bytes, comment_bytes = struct.unpack_from("<3H", data, at + 28)
    length: int = CENTRAL.size + name_bytes + extra_bytes + comment_bytes
    return length if len(data) - at >= length else None


def _member(data: bytes, at: int, span: DirectorySpan) -> ArchiveMember | None:
    """Read one record; None when its name is no safe path. A folder keeps its trailing slash."""
    record = CENTRAL.unpack_from(data, at)
    _, _, _, flags, method, dos_time, dos_date, crc32, compressed, size, name_bytes, extra_bytes = record[:12]
    name_at = at + CENTRAL.size
    path = _path(data[name_at : name_at + name_bytes], flags)
    if path is None:
        return None
    extra = data[name_at + name_bytes : name_at + name_bytes + extra_bytes]
    size, compressed, offset, modified_at = _with_extra(extra, size, compressed, record[16])
    offset += span.shift
    if offset + LOCAL.size + compressed > span.offset:
        raise not_an_archive("a member lies outside of it")
    return ArchiveMember(
        path=path,
        offset=offset,
        compressed_bytes=compressed,
        size_bytes=size,
        method=method,
        crc32=crc32,
        is_encrypted=bool(flags & _ENCRYPTED),
        modified_at=_seconds(dos_time, dos_date) if modified_at is None else modified_at,
    )


def _path(name: bytes, flags: int) -> str | None:
    text = _decoded(name, flags).replace("\\", "/")
    with contextlib.suppress(Invalid):
        path = safe_path(text.lstrip("/"))
        if path.count("/") < _MAX_DEPTH:
            return path + "/" if text.endswith("/") else path
    return None


def _decoded(name: bytes, flags: int) -> str:
    """Some write UTF-8 and do not say so; few names of the old code page are valid UTF-8 by accident."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("utf-8", "replace") if flags & UTF8_NAME else name.decode("cp437")


def _with_extra(extra: bytes, size: int, compressed: int, offset: int) -> tuple[int, int, int, float | None]:
    """Complete (size, compressed size, offset) from zip64, and add the time in UTC if there is one."""
    told = [size, compressed, offset]
    modified_at = None
    for kind, value in _extras(extra):
        if kind == ZIP64_EXTRA:
            told = _from_zip64(value, told)
        elif kind == TIME_EXTRA and len(value) >= 5 and value[0] & 1:
            modified_at = float(int.from_bytes(value[1:5], "little", signed=True))
    return told[0], told[1], told[2], modified_at


def _from_zip64(value: bytes, told: list[int]) -> list[int]:
    """Replace the numbers that stand elsewhere, in order, as far as the value goes."""
    numbers = (number for (number,) in struct.iter_unpack("<Q", value[: len(value) // 8 * 8]))
    return [next(numbers, given) if given == UNTOLD_32 else given for given in told]


def _extras(extra: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        yield kind, extra[at + 4 : at + 4 + length]
        at += 4 + length


def _seconds(dos_time: int, dos_date: int) -> float:
    month, day = min(max(dos_date >> 5 & 15, 1), 12), max(dos_date & 31, 1)
    clock = (dos_time >> 11, dos_time >> 5 & 63, (dos_time & 31) * 2)
    return float(calendar.timegm(((dos_date >> 9) + 1980, month, day, *clock)))


def data_offset(header: bytes, member: ArchiveMember) -> int:
    """Where the bytes of a member begin. header: the `LOCAL_HEADER_BYTES` at its offset."""
    if len(header) < LOCAL.size or not header.startswith(LOCAL_SIGNATURE):
        raise not_an_archive(f"'{member.path}' is not where its directory says")
    name_bytes, extra_bytes = struct.unpack_from("<2H", header, 26)
    offset: int = member.offset + LOCAL.size + name_bytes + extra_bytes
    return offset
