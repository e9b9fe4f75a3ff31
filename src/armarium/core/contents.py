"""An artifact as one file: what it is for whoever knows no directories.

An artifact with one file is that file; with several, or none, it is the zip of them.
"""

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from armarium.core import archives
from armarium.core.archives import Archives
from armarium.core.files import Files
from armarium.core.links import Links
from armarium.core.lookup import find
from armarium.core.permissions import access_of, require
from armarium.domain.artifact import Artifact
from armarium.domain.errors import NotFound
from armarium.domain.file import FileEntry
from armarium.domain.identifiers import ArtifactId
from armarium.domain.principal import Action, Principal
from armarium.domain.version import Outline
from armarium.domain.zip_format import ZipLayout, plain_zip_bytes
from armarium.ports.catalog import Catalog

ZIP = "application/zip"
_ZIP_ACTIONS = (Action.GET_FILE, Action.LIST_FILES)


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What one file an artifact is. sha256: hex; None for a zip, whose bytes exist only while it is sent."""

    filename: str
    content_type: str
    size_bytes: int
    modified_at: float
    sha256: str | None = None


class Contents:
    """Use cases of doors that see one file in each artifact."""

    def __init__(self, catalog: Catalog, files: Files, archives: Archives, links: Links) -> None:
        self._catalog = catalog
        self._files = files
        self._archives = archives
        self._links = links

    async def of(self, artifacts: Sequence[Artifact]) -> dict[ArtifactId, Content]:
        """Describe the content of artifacts the caller was allowed to read; one never committed is left out."""
        latest = {artifact.id: artifact.versions[-1].id for artifact in artifacts if artifact.versions}
        outlines = await self._catalog.outlines(list(latest.values())) if latest else {}
        return {
            artifact.id: await self._described(artifact, outlines.get(latest[artifact.id]))
            for artifact in artifacts
            if artifact.id in latest
        }

    async def open(self, principal: Principal, name: str, *, silent: bool = False) -> FileEntry | archives.Content:
        """Return the one file, or the zip of all; counts as a download unless silent.

        Raises NotFound (artifact, or never committed), Forbidden.
        """
        found = await find(self._catalog, principal, name)
        artifact = found.artifact
        require(principal, Action.GET_FILE, access_of(found))
        if not artifact.versions:
            raise NotFound("file", artifact.name, "The artifact has no content yet.")
        outline = (await self._catalog.outlines([artifact.versions[-1].id])).get(artifact.versions[-1].id)
        if outline is None or outline.only is None:
            return await self._archives.create_zip(principal, artifact.id, silent=silent)
        if not silent:
            self._files.count_downloads(artifact, [outline.only.path])
        return outline.only

    async def url(self, principal: Principal, name: str, *, expires_in: timedelta) -> str:
        """Return a signed URL that answers GET and HEAD, with ranges; raises as `open` does."""
        content = await self.open(principal, name)
        if isinstance(content, FileEntry):
            return (
                await self._files.download_urls(principal, name, [content.path], expires_in=expires_in, silent=True)
            )[0]
        found = await find(self._catalog, principal, name)
        return self._links.zip(found.artifact.id, content.filename, expires_in=expires_in)

    async def zip_by_ticket(self, artifact_id: ArtifactId) -> archives.Content:
        """Return the zip of all files of an artifact; the ticket is all the right it takes."""
        holder = Principal(id="ticket", scopes=tuple(f"{action}:{artifact_id}:*" for action in _ZIP_ACTIONS))
        return await self._archives.create_zip(holder, artifact_id, silent=True)

    async def _described(self, artifact: Artifact, outline: Outline | None) -> Content:
        if outline is not None and outline.only is not None:
            return content_of(outline.only)
        return Content(
            filename=f"{artifact.alias}.zip",
            content_type=ZIP,
            size_bytes=await self._zip_bytes(artifact, outline),
            modified_at=outline.modified_at if outline else float(artifact.modified_at),
        )

    async def _zip_bytes(self, artifact: Artifact, outline: Outline | None) -> int:
        if outline is None:
            return ZipLayout(()).total_bytes
        plain = plain_zip_bytes(
            members=outline.file_count, name_bytes=outline.name_bytes, size_bytes=outline.size_bytes
        )
        if plain is not None:
            return plain
        entries = await self._catalog.list_files(artifact.versions[-1].id)  # where zip64 records go hangs on each size
        return ZipLayout((entry.path, entry.size_bytes, entry.modified_at) for entry in entries).total_bytes


def content_of(entry: FileEntry) -> Content:
    """Describe one file."""
    return Content(
        filename=entry.path.rpartition("/")[2],
        content_type=entry.content_type,
        size_bytes=entry.size_bytes,
        modified_at=entry.modified_at,
        sha256=entry.sha256,
    )
