"""Archives: an artifact's files as one zip made on the fly, and the members of a zip that is one of its files."""

from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial

import msgspec

from armarium.core.archive_index import ArchiveIndex
from armarium.core.checksums import Checksums
from armarium.core.files import Files
from armarium.core.lookup import Shown, find
from armarium.core.member_stream import open_member
from armarium.core.permissions import access_of, require, rules_of
from armarium.core.zip_stream import SMALL_BYTES, ZipStream
from armarium.domain.archive import ArchiveFolder, ArchiveMember
from armarium.domain.artifact import Access, Artifact, Found
from armarium.domain.errors import NotFound
from armarium.domain.file import ByteRange, FileEntry, content_type_of, safe_directory, safe_path
from armarium.domain.inflate import require_readable
from armarium.domain.principal import Action, Principal
from armarium.domain.version import Selector
from armarium.ports.blobs import Blobs
from armarium.ports.catalog import Catalog

ZIP_WEIGHT = "create-zip-file"
"""The path whose download weight, where a config has one, stands for a whole zip however many files it has."""


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes made when they are asked for. open: yields a span of them; etag: strong, without quotes."""

    filename: str
    content_type: str
    size_bytes: int
    etag: str
    modified_at: float
    open: Callable[[ByteRange], AsyncGenerator[bytes, None]]


class Archives:
    """Use cases around zip archives."""

    def __init__(self, catalog: Catalog, blobs: Blobs, files: Files) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._files = files
        self._index = ArchiveIndex(catalog, blobs)

    async def create_zip(
        self,
        principal: Principal,
        name: str,
        paths: Sequence[str] | None = None,
        *,
        version: Selector = None,
        stage: bool = False,
        silent: bool = False,
    ) -> Content:
        """Return the files behind paths, or all of them, as one zip; counts as one download unless silent.

        Raises NotFound (artifact, version, the first path that is not there), Forbidden, Invalid (path).
        """
        wanted = list(dict.fromkeys(map(safe_path, paths))) if paths else None
        found = await find(self._catalog, principal, name)
        access = access_of(found)
        _require_get(principal, access, wanted)
        entries = await self._entries(found, wanted, version=version, stage=stage)
        checksums = Checksums(self._catalog, self._blobs)
        await checksums.load([entry for entry in entries if entry.size_bytes > SMALL_BYTES])
        if not silent:
            self._count(found.artifact, entries)
        stream = ZipStream(entries, checksums, self._blobs)
        return Content(
            filename=f"{found.artifact.alias}.zip",
            content_type="application/zip",
            size_bytes=stream.total_bytes,
            etag=stream.etag,
            modified_at=max((entry.modified_at for entry in entries), default=float(found.artifact.modified_at)),
            open=stream.open,
        )

    async def _entries(
        self, found: Found, wanted: list[str] | None, *, version: Selector, stage: bool
    ) -> list[FileEntry]:
        shown = Shown(found, version=version, stage=stage)
        await self._files.settle(shown)
        if wanted is None:
            return await shown.all(self._catalog)
        entries = await shown.find(self._catalog, wanted)
        for path in wanted:
            if path not in entries:
                raise NotFound("file", path, f"File '{path}' does not exist in the artifact.")
        return [entries[path] for path in wanted]

    def _count(self, artifact: Artifact, entries: Sequence[FileEntry]) -> None:
        whole = ZIP_WEIGHT in (rules_of(artifact.config).download_weights or {})
        self._files.count_downloads(artifact, [ZIP_WEIGHT] if whole else [entry.path for entry in entries])

    async def list_zip(
        self,
        principal: Principal,
        name: str,
        zip_path: str,
        directory: str | None = None,
        *,
        version: Selector = None,
        stage: bool = False,
    ) -> tuple[list[ArchiveMember], list[ArchiveFolder]]:
        """The files and folders directly in a directory of a zip, both sorted; none where it is not there.

        Raises NotFound (artifact, version, zip), Forbidden, Invalid (path, or no zip), Unsupported.
        """
        archive = await self._archive(principal, name, zip_path, version=version, stage=stage)
        return await self._index.listing(archive, safe_directory(directory))

    async def open_member(
        self,
        principal: Principal,
        name: str,
        zip_path: str,
        path: str,
        *,
        version: Selector = None,
        stage: bool = False,
    ) -> Content:
        """Return one file inside a zip.

        Raises NotFound (artifact, version, zip, member), Forbidden, Invalid (path, no zip, damaged), Unsupported.
        """
        archive = await self._archive(principal, name, zip_path, version=version, stage=stage)
        member = await self._index.find(archive, safe_path(path))
        if member is None:
            raise NotFound("member", path, f"File not found inside ZIP: {path}")
        require_readable(member)
        return Content(
            filename=member.path.rpartition("/")[2],
            content_type=content_type_of(member.path),
            size_bytes=member.size_bytes,
            etag=f"{archive.blob_id}-{member.offset:x}",
            modified_at=member.modified_at,
            open=partial(open_member, self._blobs, archive, member),
        )

    async def _archive(
        self, principal: Principal, name: str, zip_path: str, *, version: Selector, stage: bool
    ) -> FileEntry:
        return (await self._files.find(principal, name, [zip_path], version=version, stage=stage))[0].entry


def _require_get(principal: Principal, access: Access, paths: Sequence[str] | None) -> None:
    """Raise Forbidden unless the caller may get each path, or every file: who is limited to some must name them."""
    if not paths:
        require(principal, Action.GET_FILE, access)
    for path in paths or ():
        require(principal, Action.GET_FILE, access, path=path)
