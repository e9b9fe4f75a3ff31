"""Aspects: dated statements about anything that has a URN. What was said is kept; it only ends."""

import re

import msgspec

from armarium.domain.errors import Invalid
from armarium.domain.identifiers import ArtifactId, is_uuid
from armarium.domain.policy import Reach

ARTIFACT_URN = "urn:ivcap:artifact:"
ARTIFACT_SCHEMA = "urn:ivcap:schema:artifact.1"
IN_COLLECTION_SCHEMA = "urn:ivcap:schema:artifact-in-collection.1"
COLLECTION_ITEM_SCHEMA = "urn:ivcap:schema:collection-item.1"

MAX_URN_LENGTH = 1024
_URN = re.compile(r"urn:[A-Za-z0-9][A-Za-z0-9-]{0,31}:[!-~\u00a1-\U0010ffff]+")
_RESERVED_SCHEMA = "urn:ivcap:schema:artifact"


class Aspect(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody states about an entity, under a schema, for as long as it holds.

    workspace: the account it belongs to: that of the artifact it is about, else the asserter's.
    content: a JSON object. valid_from, valid_to: microseconds since the epoch; it holds from the first up to, and not
    at, the second. retracter, replaces: who ended it, and the id of the aspect it came in place of.
    """

    id: str
    workspace: str
    entity: str
    schema: str
    content: msgspec.Raw
    policy: str
    reach: Reach
    asserter: str
    valid_from: int
    valid_to: int | None = None
    retracter: str | None = None
    replaces: str | None = None

    def holds_at(self, moment: int) -> bool:
        return self.valid_from <= moment and (self.valid_to is None or moment < self.valid_to)


def checked_urn(field: str, urn: str) -> str:
    """Return a URN that may name an entity or a schema. Raises Invalid."""
    if len(urn) > MAX_URN_LENGTH or not _URN.fullmatch(urn):
        raise Invalid(field, f"Invalid {field}: it must be a URN such as 'urn:example:thing'.")
    return urn


def artifact_urn(artifact_id: str) -> str:
    return ARTIFACT_URN + artifact_id


def artifact_of(entity: str) -> ArtifactId | None:
    """The artifact a URN names, None for a URN of anything else."""
    rest = entity.removeprefix(ARTIFACT_URN)
    return ArtifactId(rest) if rest != entity and is_uuid(rest) else None


def is_platforms_own(entity: str, schema: str) -> bool:
    """Whether only the server itself makes statements of this kind."""
    return entity.startswith(ARTIFACT_URN) and schema.startswith(_RESERVED_SCHEMA)


FIELDS = (
    "entity", "schema", "content", "policy", "workspace", "asserter", "retracter", "replaces", "valid_from", "valid_to",
)  # fmt: skip
"""What a listing may be ordered by."""


class Place(msgspec.Struct, frozen=True, array_like=True):
    """The last row of a page: its sort keys, the id at the end."""

    keys: tuple[str | int, ...]


class AspectQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which aspects, in which order, and where to go on.

    schema: `%` stands for any run of characters. workspaces: all of theirs; shared: of that one, too, all that its
    readers may see; with_open: of every one what is open to all.
    at: microseconds since the epoch; None for what holds now. text: only content in whose JSON it occurs.
    """

    workspaces: tuple[str, ...]
    shared: str | None = None
    with_open: bool = False
    entity: str | None = None
    schema: str | None = None
    at: int | None = None
    text: str | None = None
    order: tuple[str, ...] = ("valid_from",)
    descending: bool = True
    after: Place | None = None
    limit: int = 10


_NEVER = 2**62


def place_of(aspect: Aspect, order: tuple[str, ...]) -> Place:
    """Where an aspect stands in a listing; what has not ended comes behind all that has."""
    keys: list[str | int] = []
    for name in (*order, "id"):
        value = getattr(aspect, name)
        if isinstance(value, msgspec.Raw):
            value = bytes(value).decode()
        keys.append(value if value is not None else _NEVER if name == "valid_to" else "")
    return Place(tuple(keys))
