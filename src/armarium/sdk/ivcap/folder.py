"""Artifacts and aspects in a folder, for work without a service.

    <base>/
      artifacts/<name>       the bytes; a name may have directories
      aspects/<uuid>.json    one aspect: id, entity, schema, content, valid_from, valid_to, ...

An artifact is `urn:file://<path>`. What its file does not say (type, policy, hash) is in its aspect of schema
`urn:ivcap:schema:artifact.1`, as a service would write it; a file laid here by hand is an artifact too.
Nothing outside the folder is ever read or written.
"""

import contextlib
import itertools
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import msgspec

from armarium.domain.aspect import ARTIFACT_SCHEMA
from armarium.domain.errors import Invalid
from armarium.domain.file import content_type_of, safe_path
from armarium.sdk.ivcap.platform import NewArtifact, Record

URN_PREFIX = "urn:file://"
_UNFINISHED = ".unfinished-"

_Stamp = tuple[int, int, int]
"""Changes whenever a file is replaced: inode, time in nanoseconds, size."""


class Folder:
    """The files below one directory; safe to use from several threads and processes.

    Raises KeyError for what is not there and ValueError for names that cannot be used.
    """

    def __init__(self, base: str | Path) -> None:
        self.base = Path(base).absolute()
        self._artifacts = self.base / "artifacts"
        self._aspects = self.base / "aspects"
        self._lock = threading.Lock()
        self._read: dict[str, tuple[_Stamp, Record | None]] = {}

    # -- artifacts ------------------------------------------------------------------------------------------------

    def begin(self, new: NewArtifact) -> Record:
        """A record that awaits bytes in a file nobody else sees; its name is decided by `finish`."""
        place = self._place(new.name or str(uuid4()))
        unfinished = place.with_name(f"{_UNFINISHED}{uuid4()}")
        unfinished.touch()
        about = {
            "name": new.name,
            "mime-type": new.content_type,
            "policy": new.policy,
            "collection": new.collection,
        }
        given = {name: value for name, value in about.items() if value is not None}
        return {"id": _urn(unfinished), "status": "pending", "place": str(place), "about": given}

    def finish(self, pending: Record, digest: str) -> Record:
        """Give what has arrived its name; one that is taken gets a number. digest: SHA-256, hex."""
        unfinished = unfinished_file(pending)
        stored = _named(unfinished, Path(pending["place"]))
        unfinished.unlink()
        self.add(_urn(stored), ARTIFACT_SCHEMA, pending["about"] | {"etag": digest, "created-at": now()})
        return self.artifact(_urn(stored))

    def artifact(self, id: str) -> Record:
        path = self.path_of(id)
        urn = _urn(path)
        about = [aspect["content"] for aspect in self.all_aspects() if _describes(aspect, urn)]
        return _artifact_record(path, str(path.relative_to(self._artifacts)), about[-1] if about else {})

    def artifacts(self) -> list[Record]:
        described = {
            aspect["entity"]: aspect["content"] for aspect in self.all_aspects() if aspect["schema"] == ARTIFACT_SCHEMA
        }
        return [
            _artifact_record(path, str(path.relative_to(self._artifacts)), described.get(_urn(path), {}))
            for path in self._files()
        ]

    def path_of(self, id: str) -> Path:
        """The file of an artifact; KeyError for everything that is no file below the folder."""
        prefix, _, name = id.partition("file://")
        if prefix not in ("", "urn:"):
            raise KeyError(id)
        path = Path(name)
        known = path.is_absolute() and ".." not in path.parts and not path.name.startswith(_UNFINISHED)
        if not known or not self._is_inside(path) or not path.is_file():
            raise KeyError(id)
        return path

    def _place(self, name: str) -> Path:
        try:
            place = self._artifacts / safe_path(name)
        except Invalid as refused:
            raise ValueError(refused.message) from None
        if place.name.startswith(_UNFINISHED):
            raise ValueError(f"'{name}' is a name the folder keeps for itself")
        # Asked before a directory is made: what exists of the path may be a link that leads elsewhere.
        if not self._is_inside(place):
            raise ValueError(f"'{name}' leads out of the folder")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise ValueError(f"a part of '{name}' is a file") from None
        return place

    def _is_inside(self, path: Path) -> bool:
        return path.resolve().is_relative_to(self._artifacts.resolve())

    def _files(self) -> Iterator[Path]:
        found = (path for path in sorted(self._artifacts.rglob("*")) if not path.name.startswith(_UNFINISHED))
        return (path for path in found if path.is_file() and self._is_inside(path))

    # -- aspects --------------------------------------------------------------------------------------------------

    def add(self, entity: str, schema: str, content: Record, policy: str | None = None) -> str:
        with self._lock:
            return self._write_new(entity, schema, content, policy, replaces=None)

    def replace(self, entity: str, schema: str, content: Record, policy: str | None) -> str:
        """End the one aspect of this entity and schema and begin another; LookupError if there are several."""
        with self._lock:
            active = [
                aspect
                for aspect in self.all_aspects()
                if aspect["entity"] == entity and aspect["schema"] == schema and "valid-to" not in aspect
            ]
            if len(active) > 1:
                raise LookupError(f"{len(active)} aspects of '{entity}' have the schema '{schema}'")
            return self._write_new(entity, schema, content, policy, replaces=active[0]["id"] if active else None)

    def retract(self, id: str) -> None:
        with self._lock:
            aspect = self.aspect(id)
            if "valid-to" not in aspect:
                self._write(aspect | {"valid-to": now()})

    def aspect(self, id: str) -> Record:
        for aspect in self.all_aspects():
            if aspect["id"] == id:
                return aspect
        raise KeyError(id)

    def all_aspects(self) -> list[Record]:
        """Every aspect there ever was, oldest first.

        The one that replaces another also ends it: so a replacement is one file, there or not there.
        """
        aspects = sorted(self._read_aspects(), key=lambda aspect: (aspect["valid-from"], aspect["id"]))
        ends = {aspect["replaces"]: aspect["valid-from"] for aspect in aspects if "replaces" in aspect}
        return [
            aspect | {"valid-to": ends[aspect["id"]]} if aspect["id"] in ends and "valid-to" not in aspect else aspect
            for aspect in aspects
        ]

    def _write_new(self, entity: str, schema: str, content: Record, policy: str | None, *, replaces: str | None) -> str:
        urn = f"urn:ivcap:aspect:{uuid4()}"
        aspect = {
            "id": urn,
            "entity": entity,
            "schema": schema,
            "content": {"$schema": schema, "$entity": entity} | content,
            "content-type": "application/json",
            "policy": policy,
            "replaces": replaces,
            "valid-from": now(),
        }
        self._write({name: value for name, value in aspect.items() if value is not None})
        return urn

    def _write(self, aspect: Record) -> None:
        self._aspects.mkdir(parents=True, exist_ok=True)
        place = self._aspects / f"{aspect['id'].rpartition(':')[2]}.json"
        unfinished = place.with_suffix(f".{uuid4()}")
        stored = {name.replace("-", "_"): value for name, value in aspect.items()}
        unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(stored)))
        unfinished.replace(place)

    def _read_aspects(self) -> Iterator[Record]:
        """What is in the files; one that was read before and is the same is not read again."""
        read: dict[str, tuple[_Stamp, Record | None]] = {}
        for place in self._aspects.glob("*.json"):
            with contextlib.suppress(FileNotFoundError):
                stamp = _stamp(place.stat())
                known = self._read.get(place.name)
                read[place.name] = known if known and known[0] == stamp else (stamp, _aspect_in(place))
        self._read = read
        return (aspect for _, aspect in read.values() if aspect is not None)


def now() -> str:
    return datetime.now(UTC).isoformat()


def unfinished_file(pending: Record) -> Path:
    return Path(pending["id"].removeprefix(URN_PREFIX))


def _urn(path: Path) -> str:
    return f"{URN_PREFIX}{path}"


def _stamp(known: os.stat_result) -> _Stamp:
    return known.st_ino, known.st_mtime_ns, known.st_size


def _aspect_in(place: Path) -> Record | None:
    try:
        stored = msgspec.json.decode(place.read_bytes())
    except msgspec.DecodeError:
        return None
    if not isinstance(stored, dict) or not stored.keys() >= {"id", "entity", "schema", "content", "valid_from"}:
        return None
    return {name.replace("_", "-"): value for name, value in stored.items() if value is not None}


def _describes(aspect: Record, urn: str) -> bool:
    return bool(aspect["schema"] == ARTIFACT_SCHEMA and aspect["entity"] == urn)


def _artifact_record(path: Path, name: str, about: Record) -> Record:
    known = path.stat()
    changed = datetime.fromtimestamp(known.st_mtime, UTC).isoformat()
    found = {
        "id": _urn(path),
        "status": "ready",
        "name": about.get("name", name),
        "mime-type": about.get("mime-type", content_type_of(name)),
        "size": known.st_size,
        "created-at": about.get("created-at", changed),
        "last-modified-at": changed,
        "etag": about.get("etag"),
        "policy": about.get("policy"),
        "data-href": path.as_uri(),
    }
    return {name: value for name, value in found.items() if value is not None}


def _named(unfinished: Path, place: Path) -> Path:
    """Give a file its name without taking one that exists, not even from another process."""
    for number in itertools.count(1):
        candidate = place if number == 1 else place.with_name(f"{place.stem}-{number}{place.suffix}")
        with contextlib.suppress(FileExistsError):
            os.link(unfinished, candidate)
            return candidate
    raise AssertionError("numbers do not end")
