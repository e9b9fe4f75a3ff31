"""The zip archives we write: members stored, every byte known but the checksums before the first is read.

    local header 30 + name + extra, then the bytes       for each member
    central header 46 + name + extra                     for each member
    zip64 end 56, locator 20                             only where a number outgrows its 16 or 32 bits
    end 22

Each extra holds the time in UTC (9 bytes); a member or an offset of 4 GiB and more adds its zip64 numbers. There is no
data descriptor, so a member's CRC-32 must be known when its local header is written. The same files give the same
bytes. Source: APPNOTE.TXT 6.3.10, and Info-ZIP's note on the extended timestamp.
"""

import struct
import time
from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache

import msgspec

LOCAL = struct.Struct("<4s5H3L2H")
CENTRAL = struct.Struct("<4s6H3L5H2L")
END = struct.Struct("<4s4H2LH")
ZIP64_END = struct.Struct("<4sQ2H2L4Q")
ZIP64_LOCATOR = struct.Struct("<4sLQL")

LOCAL_SIGNATURE = b"PK\3\4"
CENTRAL_SIGNATURE = b"PK\1\2"
END_SIGNATURE = b"PK\5\6"
ZIP64_END_SIGNATURE = b"PK\6\6"
ZIP64_LOCATOR_SIGNATURE = b"PK\6\7"

UNTOLD_16 = 0xFFFF
UNTOLD_32 = 0xFFFFFFFF
"""A number that stands elsewhere, in a zip64 record."""

ZIP64_EXTRA = 0x0001
TIME_EXTRA = 0x5455
UTF8_NAME = 0x0800
STORED = 0

_TIME = struct.Struct("<2HBl")
_TIME_BYTES = _TIME.size
_HAS_MODIFIED = 1
_LATEST_TIME = 0x7FFFFFFF
_VERSION, _ZIP64_VERSION = 20, 45
_MADE_ON_UNIX = 3 << 8
_REGULAR_FILE = 0o100644 << 16


class ZipMember(msgspec.Struct, frozen=True):
    """One member at its place. offset: of its local header; modified_at: whole seconds since the epoch."""

    name: bytes
    size_bytes: int
    modified_at: int
    offset: int

    @property
    def data_offset(self) -> int:
        return self.offset + _local_bytes(len(self.name), self.size_bytes)

    @property
    def end_offset(self) -> int:
        return self.data_offset + self.size_bytes

    def local_header(self, crc32: int) -> bytes:
        big = self.size_bytes >= UNTOLD_32
        size = UNTOLD_32 if big else self.size_bytes
        zip64 = _zip64_extra(self.size_bytes, self.size_bytes) if big else b""
        head = LOCAL.pack(
            LOCAL_SIGNATURE,
            _ZIP64_VERSION if big else _VERSION,
            UTF8_NAME,
            STORED,
            *_dos_time(self.modified_at),
            crc32,
            size,
            size,
            len(self.name),
            len(zip64) + _TIME_BYTES,
        )
        return b"".join((head, self.name, zip64, _time_extra(self.modified_at)))

    def central_header(self, crc32: int) -> bytes:
        zip64 = _zip64_extra(*self._outgrown())
        version = _ZIP64_VERSION if zip64 else _VERSION
        size = min(self.size_bytes, UNTOLD_32)
        head = CENTRAL.pack(
            CENTRAL_SIGNATURE,
            _MADE_ON_UNIX | version,
            version,
            UTF8_NAME,
            STORED,
            *_dos_time(self.modified_at),
            crc32,
            size,
            size,
            len(self.name),
            len(zip64) + _TIME_BYTES,
            0,
            0,
            0,
            _REGULAR_FILE,
            min(self.offset, UNTOLD_32),
        )
        return b"".join((head, self.name, zip64, _time_extra(self.modified_at)))

    @property
    def central_bytes(self) -> int:
        if self.size_bytes < UNTOLD_32 > self.offset:
            return CENTRAL.size + len(self.name) + _TIME_BYTES
        return CENTRAL.size + len(self.name) + _zip64_bytes(len(self._outgrown())) + _TIME_BYTES

    def _outgrown(self) -> tuple[int, ...]:
        """The numbers the central header has no room for, in the order of the zip64 extra."""
        if self.size_bytes < UNTOLD_32 and self.offset < UNTOLD_32:
            return ()
        sizes = (self.size_bytes, self.size_bytes) if self.size_bytes >= UNTOLD_32 else ()
        return (*sizes, self.offset) if self.offset >= UNTOLD_32 else sizes


class ZipLayout:
    """Where everything of an archive stands, in bytes from its beginning."""

    def __init__(self, files: Iterable[tuple[str, int, float]]) -> None:
        """files: (path, size in bytes, modified at) of each member, in the order of the archive."""
        self.members: list[ZipMember] = []
        at = 0
        for path, size_bytes, modified_at in files:
            name = path.encode()
            self.members.append(ZipMember(name, size_bytes, _whole_seconds(modified_at), at))
            at += _local_bytes(len(name), size_bytes) + size_bytes
        self.directory_offset = at
        self.directory_bytes = sum(member.central_bytes for member in self.members)
        self.end = _end(len(self.members), self.directory_bytes, self.directory_offset)

    @property
    def end_offset(self) -> int:
        return self.directory_offset + self.directory_bytes

    @property
    def total_bytes(self) -> int:
        return self.end_offset + len(self.end)

    def index_at(self, offset: int) -> int:
        """The first member that has bytes at an offset or behind it; the number of members where none has."""
        if offset >= self.directory_offset:
            return len(self.members)
        return bisect_right(self.members, offset, key=lambda member: member.offset) - 1


def plain_zip_bytes(*, members: int, name_bytes: int, size_bytes: int) -> int | None:
    """The length of an archive by what its members add up to; None where it may need zip64 records.

    name_bytes: of all names in UTF-8.
    """
    headers = (LOCAL.size + CENTRAL.size + 2 * _TIME_BYTES) * members + 2 * name_bytes
    total = size_bytes + headers + END.size
    return total if members < UNTOLD_16 and total < UNTOLD_32 else None


def _local_bytes(name_bytes: int, size_bytes: int) -> int:
    return LOCAL.size + name_bytes + _TIME_BYTES + (_zip64_bytes(2) if size_bytes >= UNTOLD_32 else 0)


def _zip64_bytes(numbers: int) -> int:
    return 4 + 8 * numbers if numbers else 0


def _zip64_extra(*numbers: int) -> bytes:
    if not numbers:
        return b""
    return struct.pack(f"<2H{len(numbers)}Q", ZIP64_EXTRA, 8 * len(numbers), *numbers)


def _end(members: int, directory_bytes: int, directory_offset: int) -> bytes:
    zip64 = members >= UNTOLD_16 or directory_bytes >= UNTOLD_32 or directory_offset >= UNTOLD_32
    count = min(members, UNTOLD_16)
    end = END.pack(
        END_SIGNATURE, 0, 0, count, count, min(directory_bytes, UNTOLD_32), min(directory_offset, UNTOLD_32), 0
    )
    return _zip64_end(members, directory_bytes, directory_offset) + end if zip64 else end


def _zip64_end(members: int, directory_bytes: int, directory_offset: int) -> bytes:
    record = ZIP64_END.pack(
        ZIP64_END_SIGNATURE,
        ZIP64_END.size - 12,
        _MADE_ON_UNIX | _ZIP64_VERSION,
        _ZIP64_VERSION,
        0,
        0,
        members,
        members,
        directory_bytes,
        directory_offset,
    )
    return record + ZIP64_LOCATOR.pack(ZIP64_LOCATOR_SIGNATURE, 0, directory_offset + directory_bytes, 1)


def _whole_seconds(modified_at: float) -> int:
    return max(0, min(int(modified_at), _LATEST_TIME))


@lru_cache(maxsize=1024)
def _time_extra(modified_at: int) -> bytes:
    return _TIME.pack(TIME_EXTRA, _TIME_BYTES - 4, _HAS_MODIFIED, modified_at)


@lru_cache(maxsize=1024)
def _dos_time(modified_at: int) -> tuple[int, int]:
    """The (time, date) of old readers, who take it for local time; it counts from 1980 in steps of two seconds."""
    year, month, day, hour, minute, second = time.gmtime(modified_at)[:6]
    if year < 1980:
        return 0, 1 << 5 | 1
    return hour << 11 | minute << 5 | second // 2, (year - 1980) << 9 | month << 5 | day
