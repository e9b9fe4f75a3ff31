"""Files of versions and drafts, and the blobs behind them."""

from collections.abc import Sequence

import msgspec

from armarium.adapters.catalog.compiled import UNLIMITED
from armarium.adapters.catalog.records.base import Records
from armarium.adapters.catalog.rows import entry_of, json_list, outline_of, staged_of, upload_of
from armarium.adapters.catalog.statements import files as sql
from armarium.adapters.catalog.statements import versions as version_sql
from armarium.domain.errors import Conflict
from armarium.domain.file import BlobId, FileEntry
from armarium.domain.identifiers import ArtifactId, VersionId
from armarium.domain.upload import OpenUpload
from armarium.domain.version import Outline, StagedFile

_BEHIND_ALL = "\U0010ffff" * 512
"""Sorts behind every path."""


def _end_of(prefix: str) -> str | None:
    """The least text behind everything that begins with a prefix; None where nothing is."""
    head = prefix.rstrip("\U0010ffff")
    if not head:
        return None
    following = ord(head[-1]) + 1
    return head[:-1] + chr(0xE000 if following == 0xD800 else following)  # surrogates are no text


class FileReader(Records):
    async def staged_files(self, artifact_ids: Sequence[ArtifactId]) -> dict[ArtifactId, tuple[StagedFile, ...]]:
        staged: dict[ArtifactId, list[StagedFile]] = {}
        for row in await self._all(sql.staged_files, artifact_ids=json_list(artifact_ids)):
            staged.setdefault(row[0], []).append(staged_of(row[1:]))
        return {artifact_id: tuple(files) for artifact_id, files in staged.items()}

    async def find_slot(self, slot: str) -> tuple[ArtifactId, StagedFile] | None:
        row = await self._one(sql.find_slot, slot=slot)
        return (row[0], staged_of(row[1:])) if row is not None else None

    async def find_upload(self, upload_id: str) -> OpenUpload | None:
        row = await self._one(sql.find_upload, upload_id=upload_id)
        return upload_of(row) if row is not None else None

    async def whole_uploads(self, artifact_id: ArtifactId) -> list[tuple[OpenUpload, StagedFile]]:
        rows = await self._all(sql.whole_uploads, artifact_id=artifact_id)
        return [(upload_of(row[:6]), staged_of(row[6:])) for row in rows]

    async def expired_uploads(self, *, expired_before: float, limit: int, whole: bool = False) -> list[OpenUpload]:
        rows = await self._all(sql.expired_uploads, whole, expired_before=expired_before, limit=limit)
        return [upload_of(row) for row in rows]

    async def find_files(self, version_id: VersionId, paths: Sequence[str]) -> dict[str, FileEntry]:
        rows = await self._all(sql.find_files, version_id=version_id, paths=json_list(paths))
        return {row[0]: entry_of(row) for row in rows}

    async def list_files(
        self, version_id: VersionId, *, prefix: str = "", after: str = "", limit: int | None = None
    ) -> list[FileEntry]:
        end = _end_of(prefix)
        rows = await self._all(
            sql.list_files,
            end is not None,
            version_id=version_id,
            first=prefix,
            after=after,
            end=end,
            limit=UNLIMITED if limit is None else limit,
        )
        return [entry_of(row) for row in rows]

    async def outlines(self, version_ids: Sequence[VersionId]) -> dict[VersionId, Outline]:
        rows = await self._all(sql.outlines, version_ids=json_list(version_ids))
        return {row[0]: outline_of(row[1:]) for row in rows}

    async def list_directory(
        self, version_id: VersionId, directory: str, *, limit: int | None = None
    ) -> tuple[list[FileEntry], list[str]]:
        most = UNLIMITED if limit is None else limit
        files = await self._all(sql.files_in_directory, version_id=version_id, directory=directory, limit=most)
        names = await self._all(
            sql.subdirectories,
            version_id=version_id,
            directory=directory,
            end=_end_of(directory) or _BEHIND_ALL,
            limit=most,
        )
        return [entry_of(row) for row in files], [name for (name,) in names]

    async def known_blobs(self, ids: Sequence[BlobId]) -> set[BlobId]:
        return {row[0] for row in await self._all(sql.known_blobs, ids=json_list(ids))}


class BlobRecords(Records):
    """What every writer that brings bytes shares."""

    async def _record_blob(
        self, blob_id: BlobId, *, size_bytes: int, sha256: str | None, crc32: int | None, created_at: float
    ) -> None:
        """Add a blob, or confirm one that is known. Raises Conflict when it is condemned."""
        recorded = await self._one(
            sql.record_blob,
            id=blob_id,
            size_bytes=size_bytes,
            sha256=sha256,
            crc32=crc32,
            created_at=created_at,
            condemned=0,
            released_at=None,
        )
        if recorded is None:
            raise Conflict("The content of a file is no longer stored: send it again.")


class FileWriter(FileReader, BlobRecords):
    async def apply_staged_files(self, artifact_id: ArtifactId, version_id: VersionId) -> int:
        await self._change(sql.drop_replaced_files, artifact_id=artifact_id, version_id=version_id)
        await self._change(sql.add_staged_files, artifact_id=artifact_id, version_id=version_id)
        row = await self._one(version_sql.total_version, version_id=version_id)
        return row[0] if row is not None else 0

    async def stage_files(self, artifact_id: ArtifactId, files: Sequence[StagedFile]) -> list[StagedFile]:
        await self._require_usable({file.blob_id for file in files if file.blob_id is not None})
        rows = [
            {
                "artifact_id": artifact_id,
                "path": file.path,
                "slot": file.slot,
                "removed": int(file.removed),
                "download_weight": file.download_weight,
                "blob_id": file.blob_id,
                "size_bytes": file.size_bytes,
                "modified_at": file.modified_at,
                "content_type": file.content_type,
                "sha256": file.sha256,
            }
            for file in files
        ]
        if not rows:
            return []
        await self._change_many(sql.stage_file, rows)
        paths = [file.path for file in files]
        standing = await self._all(sql.staged_paths, artifact_id=artifact_id, paths=json_list(paths))
        by_path = {row[0]: staged_of(row) for row in standing}
        return [by_path[path] for path in paths]

    async def _require_usable(self, blobs: set[BlobId]) -> None:
        """A blob the sweeper has condemned may lose its bytes at any moment: nothing may start to need it."""
        usable = await self._all(sql.usable_blobs, ids=json_list(blobs)) if blobs else []
        if len(usable) < len(blobs):
            raise Conflict("The content of a file is no longer stored: send it again.")

    async def insert_upload(self, *uploads: OpenUpload) -> None:
        await self._change_many(sql.insert_upload, [msgspec.structs.asdict(upload) for upload in uploads])

    async def delete_whole_uploads(self, slots: Sequence[str]) -> list[OpenUpload]:
        return [upload_of(row) for row in await self._all(sql.delete_whole_uploads, slots=json_list(slots))]

    async def delete_upload(self, *upload_ids: str) -> None:
        await self._change(sql.delete_upload, ids=json_list(upload_ids))

    async def unstage_files(self, artifact_id: ArtifactId, paths: Sequence[str]) -> None:
        await self._change(sql.unstage_files, artifact_id=artifact_id, paths=json_list(paths))

    async def fill_slot(self, slot: str, entry: FileEntry, *, crc32: int | None = None) -> bool:
        if await self._one(sql.has_slot, slot=slot) is None:
            return False
        await self._record_blob(
            entry.blob_id,
            size_bytes=entry.size_bytes,
            sha256=entry.sha256,
            crc32=crc32,
            created_at=entry.modified_at,
        )
        filled = await self._one(
            sql.fill_slot,
            in_slot=slot,
            blob_id=entry.blob_id,
            size_bytes=entry.size_bytes,
            modified_at=entry.modified_at,
            content_type=entry.content_type,
            sha256=entry.sha256,
        )
        return filled is not None
