"""Versions and drafts: what is committed, what is staged, and what a commit would make of it."""

import enum

import msgspec

from armarium.domain.errors import AlreadyExists, Invalid, NotFound
from armarium.domain.file import BlobId, FileEntry
from armarium.domain.identifiers import ArtifactId, VersionId

INITIAL_COMMENT = "Initial version"


class Version(msgspec.Struct, frozen=True, array_like=True):
    """One committed state of an artifact. position: rank among its versions, unique, ascending, may have gaps.

    created_at: seconds since the epoch, UTC.
    """

    id: VersionId
    label: str
    position: int
    comment: str
    created_at: int
    file_count: int
    size_bytes: int


class Outline(msgspec.Struct, frozen=True, kw_only=True):
    """What the files of one version add up to.

    name_bytes: of all paths in UTF-8. modified_at: of the newest. only: the file, where there is just one.
    """

    file_count: int
    size_bytes: int
    name_bytes: int
    modified_at: float
    only: FileEntry | None


class Intent(enum.StrEnum):
    """What a commit will make of a draft."""

    NEW_VERSION = "new_version"
    EDIT_VERSION = "edit_version"


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """The staged, not yet committed values of an artifact; manifest and config are JSON."""

    artifact_id: ArtifactId
    intent: Intent
    manifest: msgspec.Raw
    config: msgspec.Raw
    type: str


class StagedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One staged path: an addition or replacement, or a removal mark.

    slot: names this staging of the path; an upload URL is bound to it and dies with it.
    blob_id: None until bytes have arrived (`size_bytes`, `modified_at`, `sha256` likewise).
    """

    path: str
    slot: str
    removed: bool = False
    download_weight: float = 0.0
    blob_id: BlobId | None = None
    size_bytes: int | None = None
    modified_at: float | None = None
    content_type: str = "application/octet-stream"
    sha256: str | None = None


class Staging(msgspec.Struct, frozen=True):
    """What a reader of the draft sees of it besides manifest and config: its intent and its paths."""

    intent: Intent
    files: tuple[StagedFile, ...]


def new_label(versions: tuple[Version, ...], wanted: str | None) -> str:
    """Choose the label of the next version: the wanted one if it is free, else the next free `v<n>`."""
    taken = {version.label for version in versions}
    if wanted is None:
        return next(label for n in range(len(versions), 2 * len(versions) + 1) if (label := f"v{n}") not in taken)
    if wanted in taken:
        raise AlreadyExists("version", wanted, f"Version '{wanted}' already exists.")
    return checked_label(wanted)


def checked_label(label: str) -> str:
    """Return a label that may name a version: printable, no slash, at most 64 characters."""
    if label in ("", "stage", "new", "latest") or len(label) > 64 or not label.isprintable() or "/" in label:
        raise Invalid(
            "version",
            f"Invalid version {label!r}: use at most 64 printable characters without '/'; "
            "'stage', 'new' and 'latest' are reserved.",
        )
    return label


Selector = str | int | None
"""How a caller names a version: a label, a 0-based index, `latest` or None for the latest, `stage` for the draft."""


def pick_version(versions: tuple[Version, ...], selector: Selector) -> Version | None:
    """Find a version; None for the latest of an artifact that has none.

    Text is always a label: `"0"` is not the first version. Raises NotFound for a label nobody has, Invalid for an
    index out of range.
    """
    if selector is None or selector == "latest":
        return versions[-1] if versions else None
    if isinstance(selector, bool) or not isinstance(selector, str | int):
        raise Invalid("version", "Invalid version: it must be a label or an index.")
    if isinstance(selector, str):
        return _by_label(versions, selector)
    if selector < 0:
        raise Invalid("version", "Version index must be non-negative.")
    if selector >= len(versions):
        raise NotFound("version", str(selector), f"Artifact version index {selector} is out of range.")
    return versions[selector]


def _by_label(versions: tuple[Version, ...], label: str) -> Version:
    found = next((version for version in versions if version.label == label), None)
    if found is None:
        raise NotFound("version", label, f"Artifact version '{label}' does not exist.")
    return found
