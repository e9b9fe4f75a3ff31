"""How artifacts are named: a UUIDv7, or `workspace/alias`."""

import re
import uuid
from typing import NewType

import msgspec

from armarium.domain.errors import Invalid

ArtifactId = NewType("ArtifactId", str)
VersionId = NewType("VersionId", str)

MAX_ALIAS_LENGTH = 64
MAX_FILLED_LENGTH = 256
RESERVED_ALIASES = frozenset({"-", "~", "_"})

_WORKSPACES = uuid.UUID("7c9d4f5e-1b0a-5e7d-9c3e-6a1f2d8b4e90")
"""The namespace of workspace_uuid, which must never change."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ALIAS = re.compile(r"[A-Za-z0-9_~][A-Za-z0-9._:~+=@|-]*")
_WORKSPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._|@-]*")


class ByAlias(msgspec.Struct, frozen=True):
    """An artifact by its public name."""

    workspace: str
    alias: str

    def __str__(self) -> str:
        return f"{self.workspace}/{self.alias}"


class ById(msgspec.Struct, frozen=True):
    """An artifact by its UUID."""

    id: ArtifactId

    def __str__(self) -> str:
        return self.id


ArtifactRef = ByAlias | ById


def is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


def workspace_uuid(name: str) -> str:
    """The UUID that stands for a workspace where a protocol wants one; the same on every server."""
    return str(uuid.uuid5(_WORKSPACES, name))


def parse_ref(text: str, workspace: str) -> ArtifactRef:
    """Read `workspace/alias`, an alias of the current workspace, or a UUID."""
    if is_uuid(text):
        return ById(ArtifactId(text))
    before, slash, after = text.rpartition("/")
    if not text or not after or "/" in before or (slash and not before):
        raise Invalid(
            "artifact_id", f"Invalid artifact ID format '{text}': it must be 'workspace/alias', 'alias' or a UUID."
        )
    return ByAlias(before or workspace, after)


def checked_alias(alias: str, *, most: int = MAX_ALIAS_LENGTH) -> str:
    """Return an alias that may name a new artifact.

    Letters, digits and `- _ . : ~ + = @ |`; no UUID, no reserved word. most: how many characters it may have.
    """
    check_alias_length(alias, most=most)
    if alias in RESERVED_ALIASES:
        raise Invalid("alias", f"Alias '{alias}' is reserved.")
    if is_uuid(alias):
        raise Invalid("alias", "Alias cannot be a UUID.")
    if not _ALIAS.fullmatch(alias):
        raise Invalid("alias", f"Invalid alias {alias!r}: use letters, digits and - _ . : without spaces or slashes.")
    return alias


def check_alias_length(alias: str, *, most: int = MAX_ALIAS_LENGTH) -> None:
    if len(alias) > most:
        raise Invalid("alias", f"Alias is too long: the maximum is {most} characters.")


def checked_workspace(workspace: str) -> str:
    """Return a name that may belong to a workspace."""
    if len(workspace) > 128 or not _WORKSPACE.fullmatch(workspace):
        raise Invalid("workspace", f"Invalid workspace name {workspace!r}: use letters, digits and - _ . |")
    return workspace
