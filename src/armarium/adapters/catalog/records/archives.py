"""What is inside archives, and the checksums of blobs."""

from collections.abc import Sequence
from typing import Any

from armarium.adapters.catalog.records.base import Records
from armarium.adapters.catalog.rows import folder_of, json_list, member_of
from armarium.adapters.catalog.statements import archives as sql
from armarium.domain.archive import ArchiveFolder, ArchiveMember
from armarium.domain.file import BlobId


class ArchiveReader(Records):
    async def is_indexed(self, blob_id: BlobId) -> bool:
        return await self._one(sql.is_indexed, blob_id=blob_id) is not None

    async def find_member(self, blob_id: BlobId, path: str) -> ArchiveMember | None:
        row = await self._one(sql.find_member, blob_id=blob_id, **_place(path))
        return member_of(row) if row is not None else None

    async def list_archive(self, blob_id: BlobId, directory: str) -> tuple[list[ArchiveMember], list[ArchiveFolder]]:
        members = await self._all(sql.members_in_directory, blob_id=blob_id, directory=directory)
        folders = await self._all(sql.folders_in_directory, blob_id=blob_id, directory=directory)
        return [member_of(row) for row in members], [folder_of(row) for row in folders]

    async def checksums(self, ids: Sequence[BlobId]) -> dict[BlobId, int]:
        return {row[0]: row[1] for row in await self._all(sql.checksums, ids=json_list(ids))}


class ArchiveWriter(ArchiveReader):
    async def add_members(self, blob_id: BlobId, members: Sequence[ArchiveMember]) -> None:
        rows = [
            {"blob_id": blob_id, **_place(member.path), **{name: getattr(member, name) for name in sql.MEMBER_COLUMNS}}
            for member in members
        ]
        if rows:
            await self._change_many(sql.add_member, rows)

    async def add_archive(self, blob_id: BlobId, folders: Sequence[ArchiveFolder]) -> None:
        rows = [
            {"blob_id": blob_id, **_place(folder.path.rstrip("/")), "modified_at": folder.modified_at}
            for folder in folders
        ]
        if rows:
            await self._change_many(sql.add_folder, rows)
        await self._change(sql.add_archive, blob_id=blob_id)

    async def keep_checksum(self, blob_id: BlobId, crc32: int) -> None:
        await self._change(sql.keep_checksum, blob_id=blob_id, sum=crc32)


def _place(path: str) -> dict[str, Any]:
    directory, slash, name = path.rpartition("/")
    return {"directory": directory + slash, "name": name}
