"""The contract over a folder, and what only a folder can get wrong: crashes, full disks, other processes."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from armarium.adapters.blobs.incoming import BATCH_BYTES
from armarium.adapters.blobs.local import LocalBlobs
from armarium.domain.errors import Unavailable
from armarium.domain.storage_keys import PARTS
from armarium.testing.contracts.blobs import (
    MIB,
    BlobsContract,
    PartsContract,
    a_key,
    chunked,
    keys_under,
    read,
    some_bytes,
)

CONTENT = some_bytes(3 * MIB + 5)

# Kills itself with SIGKILL at the n-th call that touches the disk, before or after that call.
DOOMED = """
import asyncio, itertools, os, signal, sys
from pathlib import Path
from armarium.adapters.blobs.local import LocalBlobs
from armarium.ports.blobs import PartStat
from armarium.testing.contracts.blobs import MIB, Filling, chunked, some_bytes

action, root, key, upload, fatal, when, size = sys.argv[1:]
calls = itertools.count(1)

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def doomed(real):
    def call(*args, **kwargs):
        last = next(calls) == int(fatal)
        if last and when == "before":
            die()
        result = real(*args, **kwargs)
        if last:
            die()
        return result
    return call

async def dying(chunks):
    async for chunk in chunks:
        if next(calls) == int(fatal):
            die()
        yield chunk

class Dying(Filling):
    async def fill(self, memory):
        if next(calls) == int(fatal):
            die()
        return await super().fill(memory)

async def main():
    blobs = LocalBlobs(Path(root))
    parts = await blobs.list_parts(upload)
    for name in ("fsync", "link", "rename", "replace", "mkdir", "unlink", "rmdir", "write"):
        setattr(os, name, doomed(getattr(os, name)))
    content = some_bytes(int(size))
    if action == "put":
        await blobs.put(key, dying(chunked(content, step=MIB)))
    elif action == "fill":
        await blobs.put(key, Dying(content))
    elif action == "put_part":
        await blobs.put_part(upload, 1, dying(chunked(content, step=MIB)))
    else:
        await blobs.join_parts(upload, parts, key)

asyncio.run(main())
"""


class TestLocalBlobs(BlobsContract, PartsContract):
    @pytest.fixture
    def blobs(self, tmp_path):
        return LocalBlobs(tmp_path / "store")


def doomed(action: str, root: Path, key: str, upload: str, fatal: int, when: str, size: int = len(CONTENT)) -> bool:
    """Run an action that is killed at its n-th step; False when it had fewer steps and ended well."""
    command = [sys.executable, "-c", DOOMED, action, root, key, upload, str(fatal), when, str(size)]
    code = subprocess.run(command, check=False, timeout=60).returncode
    assert code in (0, -signal.SIGKILL)
    return code != 0


async def whole_or_nothing(root: Path, key: str, content: bytes = CONTENT) -> bool:
    """Check that a key is absent or has all its bytes; True when it is there."""
    blobs = LocalBlobs(root)
    assert await keys_under(blobs, "blobs/") <= {key}
    if await blobs.stat(key) is None:
        return False
    assert await read(blobs, key) == content
    return True


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("action", "size"),
    [("put", len(CONTENT)), ("put", BATCH_BYTES + MIB + 5), ("fill", BATCH_BYTES + MIB + 5)],
    ids=["short", "long", "filled"],
)
async def test_killed_at_any_step_of_a_put_the_key_is_whole_or_not_there(tmp_path, action, when, size):
    outcomes = []
    for fatal in range(1, 50):
        root, key = tmp_path / str(fatal), a_key()
        killed = doomed(action, root, key, str(uuid4()), fatal, when, size)
        outcomes.append(await whole_or_nothing(root, key, some_bytes(size)))
        if not killed:
            break
    assert not killed
    assert outcomes == sorted(outcomes)
    assert outcomes[-1]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_at_any_step_of_a_part_it_is_whole_or_not_there(tmp_path, when):
    for fatal in range(1, 50):
        root, upload = tmp_path / str(fatal), str(uuid4())
        killed = doomed("put_part", root, a_key(), upload, fatal, when)
        assert [part.size_bytes for part in await LocalBlobs(root).list_parts(upload)] in ([], [len(CONTENT)])
        if not killed:
            return
    pytest.fail("the part was never finished")


@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_at_any_step_of_a_join_no_byte_is_lost(tmp_path, when):
    for fatal in range(1, 50):
        root, key, upload = tmp_path / str(fatal), a_key(), str(uuid4())
        blobs = LocalBlobs(root)
        parts = [
            await blobs.put_part(upload, number, chunked(CONTENT[at : at + 2 * MIB]))
            for number, at in enumerate(range(0, len(CONTENT), 2 * MIB), 1)
        ]
        killed = doomed("join", root, key, upload, fatal, when)
        if not await whole_or_nothing(root, key):
            await blobs.join_parts(upload, parts, key)
            assert await whole_or_nothing(root, key)
        if not killed:
            assert await keys_under(blobs, "parts/") == set()
            return
    pytest.fail("the join was never finished")


async def test_what_a_crash_left_behind_can_be_swept(tmp_path):
    assert doomed("put", tmp_path, a_key(), str(uuid4()), 3, "before")
    blobs = LocalBlobs(tmp_path)
    left = await keys_under(blobs, "incoming/")
    assert len(left) == 1
    for key in left:
        await blobs.delete(key)
    assert await keys_under(blobs, "incoming/") == set()


async def test_a_file_cut_short_is_unavailable_rather_than_short(tmp_path):
    blobs, key = LocalBlobs(tmp_path), a_key()
    await blobs.put(key, chunked(CONTENT))
    chunks = blobs.open(key)
    await anext(chunks)
    os.truncate(tmp_path / key, MIB)
    with pytest.raises(Unavailable):
        await anext(chunks)


async def test_a_deleted_file_is_still_read_to_its_end(tmp_path):
    blobs, key = LocalBlobs(tmp_path), a_key()
    await blobs.put(key, chunked(CONTENT))
    chunks = blobs.open(key)
    first = await anext(chunks)
    await blobs.delete(key)
    assert first + b"".join([chunk async for chunk in chunks]) == CONTENT


async def test_a_reader_who_stops_early_leaves_no_file_open(tmp_path):
    blobs, key = LocalBlobs(tmp_path), a_key()
    await blobs.put(key, chunked(CONTENT))
    before = len(os.listdir("/proc/self/fd"))
    chunks = blobs.open(key)
    await anext(chunks)
    assert len(os.listdir("/proc/self/fd")) == before + 1
    await chunks.aclose()
    assert len(os.listdir("/proc/self/fd")) == before


FULL = """
import asyncio, os, resource, signal, sys
from pathlib import Path
from armarium.adapters.blobs.local import LocalBlobs
from armarium.domain.errors import Unavailable
from armarium.testing.contracts.blobs import MIB, chunked, some_bytes

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))
try:
    asyncio.run(LocalBlobs(Path(sys.argv[1])).put(sys.argv[2], chunked(some_bytes(2 * MIB))))
except Unavailable as error:
    print(error.message)
"""


async def test_a_full_disk_is_unavailable_names_no_path_and_leaves_nothing(tmp_path):
    command = [sys.executable, "-c", FULL, tmp_path, a_key()]
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    assert "no room" in said
    assert str(tmp_path) not in said
    assert await keys_under(LocalBlobs(tmp_path), "incoming/") == set()
    assert await keys_under(LocalBlobs(tmp_path), "blobs/") == set()


WRITER = """
import asyncio, sys
from pathlib import Path
from armarium.adapters.blobs.local import LocalBlobs
from armarium.domain.errors import AlreadyExists
from armarium.testing.contracts.blobs import chunked

sys.stdin.readline()
try:
    asyncio.run(LocalBlobs(Path(sys.argv[1])).put(sys.argv[2], chunked(sys.argv[3].encode() * 100_000)))
    print("won")
except AlreadyExists:
    print("lost")
"""


def test_of_many_processes_that_write_a_key_one_wins(tmp_path):
    key = a_key()
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, tmp_path, key, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in "abcd"
    ]
    for writer in writers:
        writer.stdin.write("\n")
        writer.stdin.flush()
    said = {name: writer.communicate(timeout=60)[0].strip() for name, writer in zip("abcd", writers, strict=True)}
    assert sorted(said.values()) == ["lost", "lost", "lost", "won"]
    winner = next(name for name, result in said.items() if result == "won")
    assert (tmp_path / key).read_text() == winner * 100_000


async def test_parts_may_arrive_while_a_sweeper_removes_their_folder(tmp_path):
    blobs, upload = LocalBlobs(tmp_path), str(uuid4())

    async def sweep():
        for _ in range(100):
            for key in await keys_under(blobs, "parts/"):
                if key.endswith("00001"):
                    await blobs.delete(key)

    async def send():
        for _ in range(30):
            await blobs.put_part(upload, 1, chunked(b"one"))

    await asyncio.gather(sweep(), send())
    last = await blobs.put_part(upload, 2, chunked(b"two"))
    assert last in await blobs.list_parts(upload)
    await blobs.drop_parts(upload)
    assert list((tmp_path / PARTS).iterdir()) == []


async def test_a_put_cancelled_while_it_becomes_durable_leaves_no_temporary_file(tmp_path):
    blobs = LocalBlobs(tmp_path)
    for turns in range(1, 12):
        put = asyncio.create_task(blobs.put(a_key(), chunked(b"few")))
        for _ in range(turns):
            await asyncio.sleep(0)
        put.cancel()
        await asyncio.gather(put, return_exceptions=True)
    assert await keys_under(blobs, "incoming/") == set()


async def test_more_files_than_one_batch_are_all_listed(tmp_path):
    blobs = LocalBlobs(tmp_path)
    keys = {a_key() for _ in range(2500)}
    for key in keys:
        (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / key).write_bytes(b"")
    assert await keys_under(blobs, "blobs/") == keys
