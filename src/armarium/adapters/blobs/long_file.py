"""Writing a long file past the page cache.

Touching a gigabyte of fresh page cache costs more than hashing it, and pushes out what others read. With
O_DIRECT the disk takes whole aligned blocks straight from our buffer; only the tail, which fills no block, goes
the ordinary way. Where a file system does not know O_DIRECT, everything does.
"""

import contextlib
import errno
import fcntl
import mmap
import os
from pathlib import Path

_DIRECT = getattr(os, "O_DIRECT", 0)
_ALIGNMENT = 4096
_BLOCK_BYTES = 2 << 20


class LongFile:
    """An empty file, filled from its start. Blocks: call it in a thread."""

    def __init__(self, path: Path) -> None:
        self._descriptor = _open(path)
        self._memory = mmap.mmap(-1, _BLOCK_BYTES)  # aligned to a page, as O_DIRECT wants it
        self._block = memoryview(self._memory)
        self._filled = 0

    def write(self, chunk: bytes | memoryview) -> None:
        rest = memoryview(chunk)
        while rest:
            count = min(len(rest), _BLOCK_BYTES - self._filled)
            self._block[self._filled : self._filled + count] = rest[:count]
            self._filled += count
            rest = rest[count:]
            if self._filled == _BLOCK_BYTES:
                self._put(self._block)
                self._filled = 0

    def write_pages(self, pages: memoryview) -> None:
        """Write memory that begins at a page, as `mmap` gives it; only the last may end within one."""
        whole = 0 if self._filled else len(pages) - len(pages) % _ALIGNMENT
        self._put(pages[:whole])
        self.write(pages[whole:])

    def finish(self) -> None:
        """Write what fills no block."""
        whole = self._filled - self._filled % _ALIGNMENT
        self._put(self._block[:whole])
        _buffer_again(self._descriptor)
        _put_all(self._descriptor, self._block[whole : self._filled])
        self._filled = 0

    def _put(self, memory: memoryview) -> None:
        try:
            written = os.write(self._descriptor, memory) if memory else 0
        except OSError as error:
            if not _is_refused(error):
                raise
            written = 0
        if written < len(memory):  # a file system that takes no direct writes after all, or a disk nearly full
            _buffer_again(self._descriptor)
            _put_all(self._descriptor, memory[written:])

    def close(self) -> None:
        """Let go of the file and the buffer; more than once is fine."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            self._block.release()
            self._memory.close()


def _open(path: Path) -> int:
    if _DIRECT:
        with contextlib.suppress(OSError):
            return os.open(path, os.O_WRONLY | _DIRECT)
    return os.open(path, os.O_WRONLY)


def _buffer_again(descriptor: int) -> None:
    if _DIRECT:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) & ~_DIRECT)


def _put_all(descriptor: int, rest: memoryview) -> None:
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _is_refused(error: OSError) -> bool:
    return error.errno == errno.EINVAL
