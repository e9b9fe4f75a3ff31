import contextlib
import io
import struct
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armarium.domain.archive import ArchiveFolder, ArchiveMember
from armarium.domain.errors import Invalid, Unsupported
from armarium.domain.file import safe_path
from armarium.domain.inflate import DEFLATED, Inflater, require_readable
from armarium.domain.zip_directory import LOCAL_HEADER_BYTES, TAIL_BYTES, DirectoryParser, data_offset, find_directory


def an_archive(files: dict[str, bytes], *, method=zipfile.ZIP_DEFLATED, comment=b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 2, 29, 12, 30, 58)), content, method)
        archive.comment = comment
    return buffer.getvalue()


def read(archive: bytes, *, piece_bytes=1000) -> tuple[list[ArchiveMember], list[ArchiveFolder]]:
    span = find_directory(archive[-TAIL_BYTES:], len(archive))
    parser = DirectoryParser(span, max_folders=1000)
    members = []
    for at in range(span.offset, span.offset + span.size_bytes, piece_bytes):
        members += parser.feed(archive[at : min(at + piece_bytes, span.offset + span.size_bytes)])
    return members, parser.finish()


def content_of(archive: bytes, member: ArchiveMember) -> bytes:
    require_readable(member)
    first = data_offset(archive[member.offset : member.offset + LOCAL_HEADER_BYTES], member)
    data = archive[first : first + member.compressed_bytes]
    return b"".join(Inflater(member).feed(data)) if member.method == DEFLATED else data


NAMES = st.text("abc./\\ ü漢:", min_size=1, max_size=20)
CONTENTS = st.dictionaries(NAMES, st.binary(max_size=300), max_size=12)


METHODS = st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])


@given(CONTENTS, METHODS, st.binary(max_size=50), st.integers(1, 99))
def test_every_member_with_a_safe_name_is_read_as_it_was_written(files, method, comment, piece_bytes):
    archive = b"MZ something before it" + an_archive(files, method=method, comment=comment)
    members, _ = read(archive, piece_bytes=piece_bytes)
    expected = {path: content for name, content in files.items() if (path := as_file(name))}
    assert {member.path: content_of(archive, member) for member in members} == expected


def as_file(name: str) -> str | None:
    """The path a member's name stands for, None for folders and what is refused."""
    with contextlib.suppress(Invalid):
        path = safe_path(name.replace("\\", "/").lstrip("/"))
        return None if name.endswith(("/", "\\")) else path
    return None


def test_folders_are_found_and_only_empty_ones_have_a_time():
    members, folders = read(an_archive({"a/b/c.txt": b"1", "a/": b"", "empty/": b"", "d/e": b""}))
    assert [member.path for member in members] == ["a/b/c.txt", "d/e"]
    assert {folder.path: folder.modified_at is None for folder in folders} == {
        "a/": True,
        "a/b/": True,
        "d/": True,
        "empty/": False,
    }


def test_names_that_leave_the_archive_are_left_out():
    hostile = ["../up", "a/../../up", "/etc/passwd", "C:/windows", "a\\..\\b", "ok\\file", "nul\x01", "..", "a/./b"]
    members, _ = read(an_archive(dict.fromkeys(hostile, b"x")))
    assert [member.path for member in members] == ["etc/passwd", "ok/file", "a/b"]


def test_the_time_is_read_as_utc():
    members, _ = read(an_archive({"a": b""}))
    assert members[0].modified_at == 1709209858


def test_a_comment_that_looks_like_an_end_does_not_mislead():
    archive = an_archive({"a": b"1"}, comment=b"PK\5\6" + bytes(18) + b"more")
    assert [member.path for member in read(archive)[0]] == ["a"]


def test_bytes_behind_the_archive_are_forgiven():
    assert [member.path for member in read(an_archive({"a": b"1"}) + b"\n\n")[0]] == ["a"]


def test_more_members_than_16_bits_can_count():
    members, _ = read(an_archive({f"d{n % 50}/{n}": b"" for n in range(66_000)}, method=0), piece_bytes=1 << 16)
    assert len(members) == 66_000


def test_zip64_members_are_read():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, archive.open("big", "w", force_zip64=True) as member:
        member.write(b"content")
    (found,), _ = read(buffer.getvalue())
    assert content_of(buffer.getvalue(), found) == b"content"


@pytest.mark.parametrize("junk", [b"", b"PK", b"hello" * 1000, b"PK\5\6", b"PK\5\6" + b"\xff" * 18, b"PK\5\6" * 20_000])
def test_what_is_no_archive_is_refused(junk):
    with pytest.raises((Invalid, Unsupported), match="ZIP"):
        read(junk)


def test_a_truncated_archive_is_refused():
    archive = an_archive({f"{n}": b"content" for n in range(20)})
    for length in range(0, len(archive), 7):
        with pytest.raises(Invalid, match="Invalid ZIP file"):
            read(archive[:length])


def test_an_encrypted_member_is_listed_and_not_read():
    archive = bytearray(an_archive({"secret": b"1"}))
    archive[archive.rindex(b"PK\1\2") + 8] |= 1
    (member,), _ = read(bytes(archive))
    with pytest.raises(Unsupported, match="encrypted"):
        require_readable(member)


def test_a_method_only_others_know_is_refused():
    archive = an_archive({"a": b"1" * 100}, method=zipfile.ZIP_BZIP2)
    (member,), _ = read(archive)
    with pytest.raises(Unsupported):
        content_of(archive, member)


def test_a_member_that_inflates_to_more_than_declared_is_stopped():
    archive = bytearray(an_archive({"bomb": bytes(10_000_000)}))
    at = archive.rindex(b"PK\1\2")
    struct.pack_into("<L", archive, at + 24, 1000)
    (member,), _ = read(bytes(archive))
    with pytest.raises(Invalid, match="damaged"):
        content_of(bytes(archive), member)


def test_a_member_that_claims_an_impossible_size_is_refused():
    archive = bytearray(an_archive({"bomb": bytes(1000)}))
    struct.pack_into("<L", archive, archive.rindex(b"PK\1\2") + 24, 0xFFFFFFF0)
    (member,), _ = read(bytes(archive))
    with pytest.raises(Invalid, match="damaged"):
        require_readable(member)


def test_inflated_pieces_are_small_whatever_the_ratio():
    archive = an_archive({"zeros": bytes(5_000_000)})
    (member,), _ = read(archive)
    first = data_offset(archive[member.offset :], member)
    pieces = [*Inflater(member).feed(archive[first : first + member.compressed_bytes])]
    assert max(map(len, pieces)) <= 1 << 18
    assert sum(map(len, pieces)) == 5_000_000


def test_too_many_folders_are_refused():
    with pytest.raises(Invalid, match="too many folders"):
        read(an_archive({f"{n}/x": b"" for n in range(1001)}))


SAMPLE = an_archive({"a/b.txt": b"hello " * 50, "c": b"", "d/": b"", "e": bytes(3000)}, comment=b"note")


@settings(max_examples=500)
@given(st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255)), min_size=1, max_size=8), st.data())
def test_damage_never_raises_anything_but_our_errors(changes, data):
    archive = bytearray(SAMPLE)
    for at, value in changes:
        archive[at] = value
    archive = archive[: data.draw(st.integers(0, len(archive)))] if data.draw(st.booleans()) else archive
    try:
        for member in read(bytes(archive))[0]:
            content_of(bytes(archive), member)
    except (Invalid, Unsupported):
        return


@given(st.binary(max_size=400))
def test_noise_with_a_signature_never_raises_anything_but_our_errors(noise):
    try:
        read(noise + b"PK\5\6" + noise[:18].ljust(18, b"\0"))
    except (Invalid, Unsupported):
        return
