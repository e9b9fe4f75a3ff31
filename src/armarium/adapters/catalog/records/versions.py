"""Versions, drafts and secrets."""

from collections.abc import Mapping

import msgspec

from armarium.adapters.catalog.records.base import Records
from armarium.adapters.catalog.rows import draft_of, json_list, json_text
from armarium.adapters.catalog.statements import versions as sql
from armarium.domain.identifiers import ArtifactId, VersionId
from armarium.domain.version import Draft, Version


class VersionReader(Records):
    async def manifest_of(self, version_id: VersionId) -> tuple[msgspec.Raw, str] | None:
        row = await self._one(sql.manifest_of, version_id=version_id)
        return (msgspec.Raw(row[0]), row[1]) if row is not None else None

    async def find_draft(self, artifact_id: ArtifactId) -> Draft | None:
        row = await self._one(sql.find_draft, artifact_id=artifact_id)
        return draft_of(row) if row is not None else None

    async def secrets_of(self, artifact_id: ArtifactId, *, staged: bool = False) -> dict[str, bytes]:
        rows = await self._all(sql.secrets_of, artifact_id=artifact_id, staged=int(staged))
        return {key: bytes(ciphertext) for key, ciphertext in rows}


class VersionWriter(VersionReader):
    async def insert_version(
        self,
        artifact_id: ArtifactId,
        version: Version,
        *,
        manifest: msgspec.Raw,
        type: str,
    ) -> None:
        await self._change(
            sql.insert_version,
            id=version.id,
            artifact_id=artifact_id,
            label=version.label,
            position=version.position,
            comment=version.comment,
            created_at=version.created_at,
            modified_at=version.created_at,
            file_count=version.file_count,
            size_bytes=version.size_bytes,
            type=type,
            manifest=json_text(manifest),
        )

    async def update_version(
        self,
        version_id: VersionId,
        *,
        manifest: msgspec.Raw,
        type: str,
        comment: str | None = None,
        now: float,
    ) -> None:
        await self._change(
            sql.update_version,
            comment is not None,
            version_id=version_id,
            manifest=json_text(manifest),
            type=type,
            comment=comment,
            modified_at=int(now),
        )

    async def delete_version(self, version_id: VersionId) -> None:
        await self._change(sql.delete_version, version_id=version_id)

    async def put_draft(self, draft: Draft) -> None:
        await self._change(
            sql.put_draft,
            artifact_id=draft.artifact_id,
            intent=draft.intent.value,
            type=draft.type,
            config=json_text(draft.config),
            manifest=json_text(draft.manifest),
        )

    async def delete_draft(self, artifact_id: ArtifactId) -> None:
        await self._change(sql.delete_draft, artifact_id=artifact_id)
        await self._change(sql.delete_staged_files, artifact_id=artifact_id)
        await self._change(sql.delete_secrets, False, artifact_id=artifact_id, staged=1)

    async def put_secrets(
        self,
        artifact_id: ArtifactId,
        secrets: Mapping[str, bytes | None],
        *,
        replace: bool = False,
        staged: bool = False,
    ) -> None:
        gone = [key for key, ciphertext in secrets.items() if ciphertext is None]
        if replace:
            await self._change(sql.delete_secrets, False, artifact_id=artifact_id, staged=int(staged))
        elif gone:
            await self._change(
                sql.delete_secrets, True, artifact_id=artifact_id, staged=int(staged), keys=json_list(gone)
            )
        kept = [
            {"artifact_id": artifact_id, "staged": int(staged), "key": key, "ciphertext": ciphertext}
            for key, ciphertext in secrets.items()
            if ciphertext is not None
        ]
        if kept:
            await self._change_many(sql.put_secret, kept)

    async def publish_secrets(self, artifact_id: ArtifactId) -> None:
        if await self._one(sql.has_staged_secrets, artifact_id=artifact_id) is not None:
            await self._change(sql.delete_secrets, False, artifact_id=artifact_id, staged=0)
            await self._change(sql.unstage_secrets, artifact_id=artifact_id)
