"""What goes over the wire, as values: names with hyphens, and nothing where there is nothing to say."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Limit = Annotated[int, Meta(ge=1, le=50)]
Status = Literal["pending", "partial", "ready", "error", "unknown"]


class _Wire(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", omit_defaults=True):
    pass


class Link(msgspec.Struct, frozen=True):
    """Where something is."""

    rel: str
    type: str
    href: str


class ArtifactRecord(_Wire, frozen=True, kw_only=True):
    """An artifact and how far it has come."""

    id: str
    status: Status
    data_href: str
    links: list[Link]
    name: str | None = None
    mime_type: str | None = None
    size: int | None = None
    created_at: str | None = None
    last_modified_at: str | None = None
    etag: str | None = None
    policy: str | None = None
    account: str | None = None
    cache_of: str | None = None


class ArtifactItem(ArtifactRecord, frozen=True, kw_only=True):
    """An artifact in a listing: all of its record, so that it can be read without asking again."""

    href: str


class ArtifactList(_Wire, frozen=True, kw_only=True):
    """A page of artifacts."""

    items: list[ArtifactItem]
    links: list[Link]
    at_time: str


class ArtifactQuery(msgspec.Struct, kw_only=True, rename="kebab"):
    """Which artifacts. page: from the link to the next page; with it, all but limit is ignored."""

    limit: Limit = 10
    page: str = ""
    filter: str = ""
    order_by: str = "created-at"
    order_desc: bool = True
    at_time: str = ""


class AspectRecord(_Wire, frozen=True, kw_only=True):
    """A statement as it was made."""

    id: str
    entity: str
    schema: str
    content: dict[str, Any]
    content_type: str
    valid_from: str
    asserter: str
    account: str
    policy: str
    links: list[Link]
    valid_to: str | None = None
    retracter: str | None = None
    replaces: str | None = None


class AspectItem(_Wire, frozen=True, kw_only=True):
    """A statement in a listing. content: only where it was asked for."""

    id: str
    entity: str
    schema: str
    content: dict[str, Any] | None = None
    content_type: str
    valid_from: str
    asserter: str
    policy: str
    valid_to: str | None = None
    replaces: str | None = None


class AspectList(_Wire, frozen=True, kw_only=True):
    """A page of statements."""

    items: list[AspectItem]
    links: list[Link]
    at_time: str
    entity: str | None = None
    schema: str | None = None
    aspect_path: str | None = None


class AspectQuery(msgspec.Struct, kw_only=True, rename="kebab"):
    """Which statements. page: from the link to the next page; with it, all but limit is ignored."""

    limit: Limit = 10
    page: str = ""
    entity: str = ""
    schema: str = ""
    content_path: str = ""
    aspect_path: str = ""
    at_time: str = ""
    filter: str = ""
    order_by: str = "valid_from"
    order_direction: str = "DESC"
    include_content: bool = False


class StatementQuery(msgspec.Struct, kw_only=True):
    """What a statement is about."""

    entity: str
    schema: str
    policy: str = ""


class AspectId(_Wire, frozen=True, kw_only=True):
    """What was stated, by name."""

    id: str


class SecretItem(_Wire, frozen=True, kw_only=True):
    """A secret in a listing. expiry-time: in seconds since 1970, 0 for never."""

    secret_name: str
    expiry_time: int
    secret_type: str | None = None


class SecretRecord(SecretItem, frozen=True, kw_only=True):
    """A secret and its value."""

    secret_value: str


class SecretList(_Wire, frozen=True, kw_only=True):
    """A page of secrets."""

    items: list[SecretItem]
    links: list[Link]


class SecretListQuery(msgspec.Struct, kw_only=True):
    """Which secrets. filter: a regular expression found in the name."""

    limit: Limit = 10
    page: str = ""
    filter: str = ""


class SecretQuery(msgspec.Struct, kw_only=True, rename="kebab"):
    """One secret; with a type, only if it is of that type."""

    secret_name: str
    secret_type: str = ""


class NewSecret(msgspec.Struct, kw_only=True, rename="kebab"):
    """What to keep. expiry-time: in seconds since 1970, 0 for never."""

    secret_name: str
    secret_value: str
    expiry_time: int = 0
    secret_type: str = ""


class SearchQuery(msgspec.Struct, kw_only=True, rename="kebab"):
    """How many answers, and of when."""

    limit: Limit = 10
    at_time: str = ""


class SearchResult(_Wire, frozen=True, kw_only=True):
    """What answers a question: the value of each variable by its name."""

    items: list[dict[str, Any]]
    links: list[Link]
    at_time: str
