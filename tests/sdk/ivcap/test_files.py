"""What an artifact looks like on the local disk and in memory."""

import io
import logging
from pathlib import Path

import pytest

from armarium.sdk.ivcap import CMPath, ProxyFile, SafePath
from armarium.sdk.ivcap.files import resolve_chunk_size

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("asked", "size", "chunk"),
    [
        (-1, 102400, 10240),
        (-1, 81919, 8192),
        (-1, 104857600, 10 * MIB),
        (-1, 10 * 1024 * MIB, 10 * MIB),
        (-1, None, 8192),
        (-1, 0, 8192),
        (-1, -5, 8192),
        (1, 102400, 1),
        (7 * MIB, None, 7 * MIB),
    ],
)
def test_the_size_of_a_chunk(asked: int, size: int | None, chunk: int):
    assert resolve_chunk_size(asked, size) == chunk


def test_a_temporary_file_goes_when_its_block_ends(tmp_path: Path):
    path = CMPath(tmp_path / "a")
    path.write_bytes(b"x")
    with path as inside:
        assert inside is path
        assert isinstance(inside, Path)
        assert inside.read_bytes() == b"x"
    assert not path.exists()


def test_a_temporary_file_outside_a_block_stays(tmp_path: Path):
    path = CMPath(tmp_path / "a")
    path.write_bytes(b"x")
    assert path.read_bytes() == b"x"
    assert path.exists()


def test_a_block_whose_file_is_gone_ends_well(tmp_path: Path):
    with CMPath(tmp_path / "a"):
        pass


def test_a_file_that_cannot_be_deleted_is_reported_and_the_error_of_the_block_is_the_one_seen(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    folder = CMPath(tmp_path / "a folder")
    folder.mkdir()
    with caplog.at_level(logging.WARNING), pytest.raises(KeyError), folder:
        raise KeyError
    assert "could not be deleted" in caplog.text


def test_a_stored_file_stays_whatever_is_done_to_its_path(tmp_path: Path):
    path = SafePath(tmp_path / "a")
    path.write_bytes(b"x")
    with path:
        path.unlink()
    assert path.read_bytes() == b"x"


def test_bytes_in_memory_read_like_a_file():
    with ProxyFile(io.BytesIO(b"one\ntwo\n")) as file:
        assert file.readline() == b"one\n"
        assert file.tell() == 4
        assert list(file) == [b"two\n"]
        file.seek(0)
        assert file.readlines() == [b"one\n", b"two\n"]
        file.seek(0)
        assert file.read() == b"one\ntwo\n"
        assert not file.closed
    assert file.closed


def test_bytes_in_memory_cannot_be_read_after_they_were_closed():
    file = ProxyFile(io.BytesIO(b"x"))
    file.close()
    with pytest.raises(ValueError):
        file.read()
    with pytest.raises(ValueError), file:
        pass
