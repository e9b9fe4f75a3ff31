"""What a model file says of itself: `.fnnx`, `.pyfnx` and `.dfs` are uncompressed tar archives with a manifest.

Archives come from anywhere, so nothing in them is believed: names must stay inside, only files and folders may be
there, and headers and JSON have a size beyond which they are not read.
"""

import hashlib
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from armarium.domain.errors import Invalid
from armarium.domain.file import safe_path
from armarium.sdk.dataforce.errors import FileError
from armarium.sdk.dataforce.metrics import metrics_of

MAX_FILE_BYTES = 5 * 1024**3
EXTENSIONS = (".fnnx", ".pyfnx", ".dfs")

MAX_MEMBERS = 50_000
MAX_HEADER_BYTES = 1024 * 1024
MAX_JSON_BYTES = 64 * 1024 * 1024

_COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
}


class ModelFile(msgspec.Struct, frozen=True, kw_only=True):
    """size: bytes. file_hash: SHA-256 of the file in hex. file_index: member -> offset of its data and size."""

    path: Path
    file_name: str
    size: int
    file_hash: str
    manifest: dict[str, Any]
    extra_values: dict[str, Any]
    file_index: dict[str, tuple[int, int]]


def read_model_file(path: Path) -> ModelFile:
    """Read and check a model file; name and size come first, so that a wrong file costs nothing.

    Raises FileError, which says what is wrong; FileNotFoundError if there is no file.
    """
    if path.suffix.lower() not in EXTENSIONS:
        raise FileError(f"'{path.name}' is not a model file: its name must end in {', '.join(EXTENSIONS)}.")
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise FileError(f"'{path.name}' has {size:,} bytes; a model file may have {MAX_FILE_BYTES:,} (5 GB).")
    with path.open("rb") as file, _explained(path.name):
        _refuse_compressed(file)
        index = _index(file, size)
        manifest = _manifest(file, index)
        meta = _json(file, index, "meta.json", broken=[])
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ModelFile(
        path=path,
        file_name=path.name,
        size=size,
        file_hash=digest,
        manifest=manifest,
        extra_values=metrics_of(manifest, meta),
        file_index=index,
    )


class _UnusableError(Exception):
    """A reason why the file is not taken, as the end of a sentence."""


@contextmanager
def _explained(name: str) -> Iterator[None]:
    try:
        yield
    except _UnusableError as refused:
        raise FileError(f"'{name}' cannot be used: {refused}.") from None
    except Invalid as error:
        raise FileError(f"'{name}' cannot be used: a member has a bad name. {error.reason}") from None
    except (tarfile.TarError, OverflowError, RecursionError, ValueError) as error:
        raise FileError(f"'{name}' is not an uncompressed tar archive: {error}.") from error


def _refuse_compressed(file: BinaryIO) -> None:
    head = file.read(8)
    file.seek(0)
    for magic, name in _COMPRESSED.items():
        if head.startswith(magic):
            raise _UnusableError(f"it is compressed ({name}), and a model file is a plain tar archive")


def _index(file: BinaryIO, size: int) -> dict[str, tuple[int, int]]:
    """Where each file of the archive begins and how long it is; of two with the same name the last counts."""
    index: dict[str, tuple[int, int]] = {}
    with tarfile.open(fileobj=cast("BinaryIO", _Careful(file)), mode="r:") as archive:
        for count, member in enumerate(_members(archive)):
            if count >= MAX_MEMBERS:
                raise _UnusableError(f"it has more than {MAX_MEMBERS:,} members")
            safe_path(member.name)
            if member.isdir():
                continue
            if not member.isreg() or member.issparse():
                raise _UnusableError(f"'{member.name}' is a link or a special file, and only plain files may be inside")
            if member.offset_data + member.size > size:
                raise _UnusableError(f"it ends in the middle of '{member.name}'")
            index[member.name] = (member.offset_data, member.size)
    return index


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """One after the other; the archive itself would keep them all."""
    while (member := archive.next()) is not None:
        archive.members = []  # type: ignore[attr-defined]
        yield member


class _Careful:
    """A file that hands out no more at once than a header may need: a header says itself how long it is."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek = file.seek
        self.tell = file.tell

    def read(self, size: int) -> bytes:
        if not 0 <= size <= MAX_HEADER_BYTES:
            raise _UnusableError("a header in it is too long")
        return self._file.read(size)


def _manifest(file: BinaryIO, index: dict[str, tuple[int, int]]) -> dict[str, Any]:
    if "manifest.json" not in index:
        raise _UnusableError("it has no manifest.json")
    manifest = _json(file, index, "manifest.json", broken=None)
    if not isinstance(manifest, dict):
        raise _UnusableError("its manifest.json is not a JSON object")
    return manifest


def _json(file: BinaryIO, index: dict[str, tuple[int, int]], name: str, *, broken: Any) -> Any:
    """A decoded member, or `broken`. Python writes NaN into JSON, which is none; it becomes null."""
    offset, size = index.get(name, (0, 0))
    if size > MAX_JSON_BYTES:
        raise _UnusableError(f"its {name} has {size:,} bytes")
    file.seek(offset)
    try:
        return json.loads(file.read(size), parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return broken
