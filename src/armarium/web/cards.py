"""An artifact as a card: what its owner wrote, reduced to what is safe and short enough to show."""

import zlib
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from armarium.core.sites import is_viewable, view_config_of
from armarium.domain.artifact import Artifact
from armarium.domain.errors import Invalid

SHADES = 8
_MOST_TAGS = 5
_LONGEST_TEXT = 280


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What a gallery shows of an artifact. cover: a URL on this server. shade: picks a colour where there is none."""

    name: str
    description: str
    type: str
    tags: list[str]
    more_tags: int
    cover: str | None
    initials: str
    shade: int
    link: str
    files_link: str
    file_count: int
    version_count: int
    view_count: float
    download_count: float
    modified_at: int


class Addresses:
    """Where things of one workspace are, as paths of this server."""

    def __init__(self, prefix: str, workspace: str, base_url: str) -> None:
        self._place = f"{prefix}/{quote(workspace, safe='')}"
        self._base_url = base_url

    def page(self, artifact: Artifact) -> str:
        """Where an artifact can be looked at: its own site, else the page of ours."""
        try:
            if is_viewable(artifact):
                return f"{self._place}/view/{quote(artifact.alias, safe='')}"
            return self.record(artifact) if view_config_of(artifact) is not None else self.own_page(artifact)
        except Invalid:
            return self.record(artifact)

    def own_page(self, artifact: Artifact) -> str:
        return f"{self._place}/view/{quote(artifact.alias, safe='')}?builtin=true"

    def record(self, artifact: Artifact) -> str:
        """The artifact as JSON."""
        return f"{self._place}/artifacts/{quote(artifact.alias, safe='')}"

    def file(self, artifact: Artifact, path: str) -> str:
        return f"{self.record(artifact)}/files/{quote(path)}"

    def archive(self, artifact: Artifact) -> str:
        return f"{self.record(artifact)}/create-zip-file"

    def parent(self, artifact: Artifact) -> str | None:
        if artifact.parent_alias is None:
            return None
        return f"{self._place}/view/{quote(artifact.parent_alias, safe='')}?builtin=true"

    def cover(self, artifact: Artifact, path: str) -> str | None:
        """A picture among the artifact's own files; none of other servers, which would learn who looks."""
        if path.startswith(f"{self._base_url}/"):
            return path
        if _scheme(path) or path.startswith(("//", "data:")) or not path:
            return None
        return self.file(artifact, path.removeprefix("./").lstrip("/")) + "?silent=true"


def card_of(artifact: Artifact, addresses: Addresses, *, shows_manifest: bool = True) -> Card:
    """Describe an artifact; shows_manifest: the collection lets its children's manifests be listed."""
    manifest: dict[str, Any] = msgspec.json.decode(artifact.manifest) if shows_manifest else {}
    name = text_of(manifest.get("name")) or artifact.alias
    tags = list_of_texts(manifest.get("tags"))
    covers = list_of_texts(manifest.get("covers"))
    return Card(
        name=name,
        description=_shortened(text_of(manifest.get("description"))),
        type=artifact.type,
        tags=tags[:_MOST_TAGS],
        more_tags=max(0, len(tags) - _MOST_TAGS),
        cover=addresses.cover(artifact, covers[0]) if covers else None,
        initials=_initials(name, text_of(manifest.get("icon"))),
        shade=zlib.crc32(artifact.id.encode()) % SHADES,
        link=addresses.page(artifact),
        files_link=f"{addresses.own_page(artifact)}#files",
        file_count=artifact.file_count,
        version_count=len(artifact.versions),
        view_count=artifact.view_count,
        download_count=artifact.download_count,
        modified_at=artifact.modified_at,
    )


def text_of(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def list_of_texts(value: object) -> list[str]:
    return [item.strip() for item in value if isinstance(item, str) and item.strip()] if isinstance(value, list) else []


def web_link(text: str) -> str | None:
    """A link that leads to another page and runs nothing."""
    return text if _scheme(text) in ("http", "https") else None


def _scheme(text: str) -> str:
    try:
        return urlsplit(text).scheme
    except ValueError:  # a bracket where an address should be
        return "unreadable"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT].rsplit(" ", 1)[0] + "\u2026"


def _initials(name: str, icon: str) -> str:
    if icon and len(icon) <= 4 and not icon.isascii():
        return icon
    words = [word for word in name.replace("-", " ").replace("_", " ").split() if word[0].isalnum()]
    return "".join(word[0] for word in words[:2]).upper() or "?"
