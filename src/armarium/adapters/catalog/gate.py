"""Whose turn it is to write, among the processes that share a database file.

SQLite gives its write lock to whoever asks at the right moment: nearly always the process that has just let go of it,
while the others starve. So nobody asks for that lock but who holds the gate, and who has just written finds the gate
held by the next.
"""

import contextlib
import os
import sys
from pathlib import Path

if sys.platform != "win32":
    import fcntl


class Gate:
    """A lock on a file beside the database, which the system lets go of when its process dies.

    database: None for one that no other process has. On Windows there is one server process, and the gate is open.
    """

    def __init__(self, database: Path | None) -> None:
        self._file: int | None = None
        if database is not None and sys.platform != "win32":
            path = database.with_name(f"{database.name}-gate")
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def try_enter(self) -> bool:
        """Take it if nobody has it. Where the file system has no such locks, everybody may enter."""
        if self._file is not None and sys.platform != "win32":
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            except OSError:
                return True
        return True

    def leave(self) -> None:
        if self._file is not None and sys.platform != "win32":
            with contextlib.suppress(OSError):
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
