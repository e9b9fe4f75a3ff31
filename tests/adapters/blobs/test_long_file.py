import errno
import hashlib
import mmap
import os

import pytest

from armarium.adapters.blobs import long_file
from armarium.adapters.blobs.incoming import BATCH_BYTES
from armarium.adapters.blobs.local import LocalBlobs
from armarium.testing.contracts.blobs import MIB, a_key, chunked, read, some_bytes

BLOCK = long_file._BLOCK_BYTES

SIZES = [0, 1, 4095, 4096, 4097, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 4096 + 7]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("step", [1000, MIB + 3])
def test_what_is_written_is_what_is_there(tmp_path, size, step):
    path, content = tmp_path / "file", some_bytes(size)
    path.touch()
    file = long_file.LongFile(path)
    for at in range(0, size, step):
        file.write(content[at : at + step])
    file.finish()
    file.close()
    file.close()
    assert path.read_bytes() == content


@pytest.mark.parametrize("size", SIZES)
def test_whole_pages_are_written_as_they_lie(tmp_path, size):
    path, content = tmp_path / "file", some_bytes(size)
    path.touch()
    file = long_file.LongFile(path)
    pages = memoryview(mmap.mmap(-1, BLOCK))
    for at in range(0, size, BLOCK):
        count = len(content[at : at + BLOCK])
        pages[:count] = content[at : at + count]
        file.write_pages(pages[:count])
    file.finish()
    file.close()
    assert path.read_bytes() == content


@pytest.mark.parametrize("refuse", ["open", "write"])
def test_a_file_system_without_direct_writes_gets_ordinary_ones(tmp_path, monkeypatch, refuse):
    direct, real = os.O_DIRECT, getattr(os, refuse)

    def picky(first, second, *rest):
        flags = second if refuse == "open" else long_file.fcntl.fcntl(first, long_file.fcntl.F_GETFL)
        if flags & direct:
            raise OSError(errno.EINVAL, "not here")
        return real(first, second, *rest)

    monkeypatch.setattr(os, refuse, picky)
    test_what_is_written_is_what_is_there(tmp_path, 2 * BLOCK + 5, MIB)
    (tmp_path / "file").unlink()
    test_whole_pages_are_written_as_they_lie(tmp_path, 2 * BLOCK + 5)


@pytest.mark.parametrize("size", [BATCH_BYTES - 1, BATCH_BYTES, BATCH_BYTES + 1, 2 * BATCH_BYTES + 4096 + 7])
async def test_long_blobs_have_all_their_bytes_and_the_right_hash(tmp_path, size):
    blobs, key, content = LocalBlobs(tmp_path), a_key(), some_bytes(size)
    stat = await blobs.put(key, chunked(content, step=300_000))
    assert (stat.size_bytes, stat.sha256) == (size, hashlib.sha256(content).hexdigest())
    assert await read(blobs, key) == content


async def test_a_long_part_has_all_its_bytes(tmp_path):
    blobs, upload, content = LocalBlobs(tmp_path), "01a20032-4740-7124-b014-9ae62cc7160f", some_bytes(BATCH_BYTES + 5)
    part = await blobs.put_part(upload, 1, chunked(content, step=MIB))
    assert await blobs.list_parts(upload) == [part]
    key = a_key()
    await blobs.join_parts(upload, [part], key)
    assert await read(blobs, key) == content
