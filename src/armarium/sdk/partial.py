"""A file on its way to its name.

.<name>.<etag>.part     what has come so far of the version of that ETag
.<name>.~<random>.part  the same where the server gives no strong ETag, or someone else is at it; it is not kept
"""

import base64
import binascii
import contextlib
import hashlib
import os
import secrets
import sys
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Self

if sys.platform != "win32":
    import fcntl

_TAIL = ".part"
_LONGEST_ETAG = 70
_READ_BYTES = 4 * 1024 * 1024


class Partial:
    """What has come so far of a file, beside the place where it will stand.

    size: bytes that are there. etag: of the version they belong to; None when they cannot be taken up again.
    """

    def __init__(self, target: Path) -> None:
        self.size = 0
        self.etag: str | None = None
        self._target = target
        self._head = f".{_short(target.name)}."
        self._path: Path | None = None
        self._file: BinaryIO | None = None
        self._sha256 = hashlib.sha256()
        self._take_up_leftover()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        if self._path is not None and (self.etag is None or self.size == 0):
            self._path.unlink(missing_ok=True)

    def restart(self, etag: str | None) -> None:
        """Forget what came; what comes now belongs to the version of this ETag."""
        self.discard()
        file = self._open(self._named(_encoded(etag)), "ab") if etag is not None and _is_usable(etag) else None
        self.etag = etag if file is not None else None
        file = file or self._open(self._named("~" + secrets.token_hex(8)), "ab")
        if file is not None:
            file.truncate(0)

    def write(self, pieces: Iterable[bytes]) -> None:
        assert self._file is not None  # noqa: S101 - restarted or taken up before
        for piece in pieces:
            self._file.write(piece)
            self.size += len(piece)

    def digest(self, pieces: Iterable[bytes]) -> None:
        """Take what is written into the checksum; apart from `write`, so that both run at the same time."""
        for piece in pieces:
            self._sha256.update(piece)

    def sha256(self) -> str:
        """Hex digest of everything that came."""
        return self._sha256.hexdigest()

    def finish(self) -> None:
        """Give the file its name."""
        assert self._file is not None  # noqa: S101 - restarted or taken up before
        assert self._path is not None  # noqa: S101
        self._file.flush()
        if sys.platform == "win32":
            self._close()  # nothing that is open can be renamed there
        self._path.replace(self._target)
        self._path = None
        self._close()

    def discard(self) -> None:
        """Remove what came."""
        self._close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        self._path = None
        self.size = 0
        self._sha256 = hashlib.sha256()

    def _take_up_leftover(self) -> None:
        for path in self._target.parent.iterdir():
            if path.name.startswith(self._head) and path.name.endswith(_TAIL):
                etag = _decoded(path.name[len(self._head) : -len(_TAIL)])
                if etag is not None and (file := self._open(path, "r+b")):
                    self.etag = etag
                    self._count(file, path.stat().st_size - 1)
                    return

    def _count(self, file: BinaryIO, wanted: int) -> None:
        """Read what is there but for its last byte: a server has nothing to say to a range behind the end."""
        while self.size < wanted:
            piece = file.read(min(_READ_BYTES, wanted - self.size))
            self._sha256.update(piece)
            self.size += len(piece)
        file.truncate(self.size)

    def _named(self, token: str) -> Path:
        return self._target.with_name(f"{self._head}{token}{_TAIL}")

    def _open(self, path: Path, mode: Literal["ab", "r+b"]) -> BinaryIO | None:
        """Open a file for this download alone; None if another one is writing it."""
        file = path.open(mode)
        if not _is_ours(file, path):
            file.close()
            return None
        self._path, self._file = path, file
        return file

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _is_ours(file: BinaryIO, path: Path) -> bool:
    """Lock an open file; False if it is locked, or got another name before we had the lock.

    On Windows two processes that fetch the same file to the same place are not told apart.
    """
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False


def _short(name: str) -> str:
    """A name that leaves room for an ETag in the 255 bytes of a file name."""
    return name if len(name.encode()) <= 140 else hashlib.sha256(name.encode()).hexdigest()


def _is_usable(etag: str) -> bool:
    return etag.startswith('"') and etag.isascii() and len(etag) <= _LONGEST_ETAG


def _encoded(etag: str) -> str:
    return base64.urlsafe_b64encode(etag.encode()).decode().rstrip("=")


def _decoded(token: str) -> str | None:
    with contextlib.suppress(binascii.Error, UnicodeDecodeError, ValueError):
        etag = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode("ascii")
        return etag if etag.startswith('"') else None
    return None
