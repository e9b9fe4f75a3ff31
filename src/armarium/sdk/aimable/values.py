"""What the service tells of spaces, artifacts and jobs. Source: protocols/aimable.md, sections 3 and 4."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, Self, TypeVar
from uuid import UUID

import msgspec

T = TypeVar("T")

Record = dict[str, Any]
Id = str | UUID

FINAL = frozenset({"completed", "failed", "cancelled"})
"""What an artifact or a job does not leave again."""


class Space(msgspec.Struct, frozen=True, kw_only=True):
    """A named place for artifacts. settings: everything else the service keeps about it."""

    id: str
    name: str
    description: str | None = None
    avatar_url: str | None = None
    artifact_count: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    settings: Mapping[str, Any] = {}

    @classmethod
    def of(cls, record: Record) -> Self:
        """Read a record of the protocol; what has no field of its own goes to `settings`."""
        known = _known(cls, record, "space_id")
        return msgspec.convert(known | {"settings": _others(record, known, "space_id")}, cls)


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """A document made in a space.

    status: pending, processing, completed, failed or cancelled. size: in bytes, once it is completed.
    error: `code` and `message` when it failed.
    """

    id: str
    space_id: str | None = None
    name: str | None = None
    type: str | None = None
    document_type: str | None = None
    status: str = "completed"
    thread_id: str | None = None
    mime_type: str | None = None
    file_name: str | None = None
    size: int | None = None
    sha256: str | None = None
    error: Mapping[str, Any] | None = None
    metadata: Mapping[str, Any] | None = None
    download_url: str | None = None
    job_id: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @classmethod
    def of(cls, record: Record) -> Self:
        """Read a record of the protocol."""
        return msgspec.convert(_known(cls, record, "artifact_id"), cls)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Work on an artifact. progress: 0 to 100. attempt: counts from 1."""

    id: str
    status: str
    type: str | None = None
    artifact_id: str | None = None
    space_id: str | None = None
    progress: float | None = None
    attempt: int | None = None
    error: Mapping[str, Any] | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    updated_at: datetime | None = None

    @classmethod
    def of(cls, record: Record) -> Self:
        """Read a record of the protocol."""
        return msgspec.convert(_known(cls, record, "job_id"), cls)


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A part of a list. cursor: what to ask for the part after it; None at the end."""

    data: Sequence[T]
    cursor: str | None = None


def unwrapped(answer: Any) -> Record:
    """An object, which some services put below `data`."""
    record: Record = answer
    return record["data"] if record.keys() == {"data"} else record


def cursor_of(answer: Record) -> str | None:
    """Where the next page begins; services name it in two ways."""
    cursor = answer.get("cursor") or (answer.get("meta") or {}).get("next_cursor")
    return None if cursor is None else str(cursor)


def _known(kind: type[msgspec.Struct], record: Record, other_id: str) -> Record:
    """The fields a value has; its id may go by the longer name."""
    record = {"id": record.get(other_id)} | {name: value for name, value in record.items() if value is not None}
    return {name: record[name] for name in kind.__struct_fields__ if name in record}


def _others(record: Record, known: Record, other_id: str) -> Record:
    return {name: value for name, value in record.items() if name not in known and name != other_id}
