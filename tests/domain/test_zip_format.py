import io
import shutil
import subprocess
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armarium.domain.zip_format import UNTOLD_32, ZipLayout

NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\\:"), min_size=1, max_size=40)
FILES = st.lists(
    st.tuples(NAMES.filter(lambda name: name.strip("/.")), st.binary(max_size=200), st.floats(-1e9, 1e10)),
    max_size=20,
    unique_by=lambda file: file[0],
)
GIB = 1 << 30


def layout_of(files) -> ZipLayout:
    return ZipLayout((name, len(content), when) for name, content, when in files)


def archive_of(files) -> bytes:
    layout = layout_of(files)
    sums = [zlib.crc32(content) for _, content, _ in files]
    parts = []
    for member, crc, (_, content, _) in zip(layout.members, sums, files, strict=True):
        parts += [member.local_header(crc), content]
    parts += [member.central_header(crc) for member, crc in zip(layout.members, sums, strict=True)]
    return b"".join([*parts, layout.end])


@given(FILES)
def test_what_is_written_reads_back_equal_and_as_long_as_predicted(files):
    archive = archive_of(files)
    assert len(archive) == layout_of(files).total_bytes
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.testzip() is None
        assert {info.orig_filename: opened.read(info) for info in opened.infolist()} == {
            name: content for name, content, _ in files
        }


@given(FILES)
def test_a_small_archive_is_exactly_as_long_as_the_protocol_says(files):
    expected = 22 + sum(len(content) + 94 + 2 * len(name.encode()) for name, content, _ in files)
    assert layout_of(files).total_bytes == expected


@given(FILES, st.integers(0, 10_000))
def test_every_offset_belongs_to_the_member_whose_bytes_are_there(files, offset):
    layout = layout_of(files)
    index = layout.index_at(offset)
    if index < len(layout.members):
        member = layout.members[index]
        assert member.offset <= offset < member.end_offset
    else:
        assert offset >= layout.directory_offset


@pytest.mark.skipif(shutil.which("unzip") is None, reason="unzip is not installed")
def test_unzip_finds_nothing_wrong(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(archive_of([("a/ü 漢.txt", b"hello" * 1000, 1.6e9), ("empty", b"", 0.0), ("b", b"\0" * 9, 1.7e9)]))
    done = subprocess.run(["unzip", "-t", path], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "No errors" in done.stdout


def test_the_time_is_told_in_utc_and_for_old_readers():
    with zipfile.ZipFile(io.BytesIO(archive_of([("a", b"", 1_700_000_000.9)]))) as opened:
        info = opened.infolist()[0]
    assert info.date_time == (2023, 11, 14, 22, 13, 20)
    assert info.extra[-4:] == (1_700_000_000).to_bytes(4, "little")


class Sparse(io.RawIOBase):
    """A file of zeros, except for the pieces put at their places; as long as you like."""

    def __init__(self, pieces, total):
        self._pieces, self._total, self._at = pieces, total, 0

    def seekable(self):
        return True

    def readable(self):
        return True

    def seek(self, offset, whence=0):
        self._at = offset + (self._at if whence == 1 else self._total if whence == 2 else 0)
        return self._at

    def tell(self):
        return self._at

    def readinto(self, buffer):
        length = max(0, min(len(buffer), self._total - self._at))
        buffer[:length] = bytes(length)
        for at, piece in self._pieces:
            low, high = max(at, self._at), min(at + len(piece), self._at + length)
            if low < high:
                buffer[low - self._at : high - self._at] = piece[low - at : high - at]
        self._at += length
        return length


def sparse_archive(files) -> tuple[ZipLayout, Sparse]:
    """files: (name, size); their bytes are zeros, and so are their checksums."""
    layout = ZipLayout((name, size, 1e9) for name, size in files)
    directory = b"".join(member.central_header(0) for member in layout.members)
    pieces = [(member.offset, member.local_header(0)) for member in layout.members]
    pieces.append((layout.directory_offset, directory + layout.end))
    return layout, Sparse(pieces, layout.total_bytes)


@pytest.mark.parametrize("size", [UNTOLD_32 - 1, UNTOLD_32, UNTOLD_32 + 1, 6 * GIB])
def test_members_beyond_4_gib_are_found_by_other_readers(size):
    layout, file = sparse_archive([("first", size), ("second", 3), ("third", size)])
    with zipfile.ZipFile(io.BufferedReader(file)) as opened:
        assert [(info.file_size, info.header_offset) for info in opened.infolist()] == [
            (member.size_bytes, member.offset) for member in layout.members
        ]
        assert opened.open("third").read(4) == bytes(4)
    assert layout.end_offset + len(layout.end) == layout.total_bytes
    assert layout.members[0].data_offset == len(layout.members[0].local_header(0))


@pytest.mark.parametrize("count", [65_534, 65_535, 65_536, 70_000])
def test_more_members_than_16_bits_can_count(count):
    archive = archive_of([(f"{n}", b"", 0.0) for n in range(count)])
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert len(opened.namelist()) == count


def test_nothing_is_an_archive_of_22_bytes():
    assert archive_of([]) == b"PK\5\6" + bytes(18)
