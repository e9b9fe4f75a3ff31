"""What the clients hand out, without the calls: fields of artifacts and aspects, secrets, search results."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

import msgspec

from armarium.sdk.ivcap.platform import Record


class ArtifactStatusRTStatus(StrEnum):
    """Where an artifact stands between its name and its last byte."""

    ERROR = "error"
    PARTIAL = "partial"
    PENDING = "pending"
    READY = "ready"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return cls("unknown") if isinstance(value, str) else None


@dataclass(init=False, repr=False, eq=False)
class ArtifactFields:
    """What is known of an artifact.

    id: `urn:ivcap:artifact:<uuid>`. size: in bytes. created_at, last_modified_at: ISO 8601, as the service says them.
    """

    id: str
    status: ArtifactStatusRTStatus | None
    name: str | None = None
    size: int | None = None
    mime_type: str | None = None
    created_at: str | None = None
    last_modified_at: str | None = None
    etag: str | None = None
    policy: str | None = None
    account: str | None = None

    @property  # type: ignore[no-redef]  # a field to `dataclasses.fields`, and a property to everyone else
    def status(self) -> ArtifactStatusRTStatus | None:
        """How far it is, as the service said last."""
        return self._status

    @property
    def urn(self) -> str:
        """The same as `id`."""
        return self.id

    def update(self, record: Record) -> None:
        """Take over a record of the protocol; what it does not name becomes None."""
        if not record.get("id"):
            raise ValueError("missing 'id' for Artifact")
        self.id = record["id"]
        self.name = record.get("name")
        self.size = record.get("size")
        self.mime_type = record.get("mime-type")
        self.created_at = record.get("created-at")
        self.last_modified_at = record.get("last-modified-at")
        self.etag = record.get("etag")
        self.policy = record.get("policy")
        self.account = record.get("account")
        status = record.get("status")
        self._status = None if status is None else ArtifactStatusRTStatus(status)
        self._cache_of: str | None = record.get("cache-of")
        self._data_href: str | None = record.get("data-href")

    @property
    def record(self) -> Record:
        """What reading the bytes needs to know."""
        return {"id": self.id, "data-href": self._data_href}

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, ArtifactFields) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<Artifact id={self.id}, status={self._status or '???'}>"


class AspectFields:
    """A dated statement about an entity: what it says, by which schema, and from when until when.

    valid_from, valid_to: ISO 8601; None while not known, valid_to also while it holds.
    """

    id: str
    entity: str
    schema: str
    content_type: str | None
    valid_from: str | None
    valid_to: str | None
    asserter: str | None
    retracter: str | None
    policy: str | None

    @property
    def urn(self) -> str:
        """The same as `id`."""
        return self.id

    def update(self, record: Record) -> None:
        """Take over a record of the protocol."""
        self.id = record["id"]
        self.entity = record["entity"]
        self.schema = record["schema"]
        self.content_type = record.get("content-type")
        self.valid_from = record.get("valid-from")
        self.valid_to = record.get("valid-to")
        self.asserter = record.get("asserter")
        self.retracter = record.get("retracter")
        self.policy = record.get("policy")
        self._content: dict[str, Any] | None = record.get("content")

    def __repr__(self) -> str:
        return f"<Aspect id={self.id}, entity={self.entity}, schema={self.schema}>"


class CollectionFields:
    """What defines a collection, and since when; urn: chosen by who made it."""

    urn: str
    name: str | None
    description: str | None
    policy: str | None
    valid_from: datetime | None
    valid_to: datetime | None
    asserter: str | None

    @property
    def id(self) -> str:
        """The same as `urn`."""
        return self.urn

    def update(self, record: Record) -> None:
        """Take over the defining aspect."""
        self.urn = record["entity"]
        self.name = record["content"].get("name")
        self.description = record["content"].get("description")
        self.policy = record.get("policy")
        self.valid_from = moment(record.get("valid-from"))
        self.valid_to = moment(record.get("valid-to"))
        self.asserter = record.get("asserter")

    def __repr__(self) -> str:
        return f"<Collection urn={self.urn}, name={self.name}>"


class CollectionItem(msgspec.Struct, frozen=True, kw_only=True):
    """One member of a collection. id: URN of the aspect that says so."""

    id: str
    collection: str
    item: str
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    asserter: str | None = None

    @classmethod
    def of(cls, record: Record) -> Self:
        """Read the aspect that makes something a member."""
        return cls(
            id=record["id"],
            collection=record["content"]["collection"],
            item=record["content"]["item"],
            valid_from=moment(record.get("valid-from")),
            valid_to=moment(record.get("valid-to")),
            asserter=record.get("asserter"),
        )


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """A secret without its value. expiry: seconds since the epoch, 0 for never."""

    name: str
    type: str | None = None
    expiry: int = 0

    @classmethod
    def of(cls, record: Record) -> Self:
        """Read a record of the protocol."""
        return cls(
            name=record["secret-name"], type=record.get("secret-type"), expiry=int(record.get("expiry-time") or 0)
        )


class SearchResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a search found as of a moment: one value per answer, of any shape."""

    items: list[Any]
    at_time: datetime
    links: list[dict[str, Any]]

    @classmethod
    def of(cls, record: Record) -> Self:
        """Read a record of the protocol."""
        return cls(items=record["items"], at_time=datetime.fromisoformat(record["at-time"]), links=record["links"])


def moment(text: str | None) -> datetime | None:
    """Read a time of the protocol."""
    return None if text is None else datetime.fromisoformat(text)
