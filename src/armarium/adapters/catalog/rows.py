"""Rows to values and back. A row's columns stand in the order of the statement that selects them."""

from collections.abc import Iterable
from typing import Any

import msgspec

from armarium.domain.account import Token, User, Workspace
from armarium.domain.archive import ArchiveFolder, ArchiveMember
from armarium.domain.artifact import Artifact, Found
from armarium.domain.aspect import Aspect
from armarium.domain.bucket import Bucket
from armarium.domain.errors import Invalid
from armarium.domain.file import FileEntry
from armarium.domain.job import Job, JobError, JobStatus
from armarium.domain.own_store import SealedStore
from armarium.domain.policy import Reach
from armarium.domain.principal import Role
from armarium.domain.upload import Ending, OpenUpload, Resumable, Segment
from armarium.domain.version import Draft, Intent, Outline, StagedFile, Version

_versions = msgspec.json.Decoder(tuple[Version, ...])
_texts = msgspec.json.Decoder(tuple[str, ...])
_encoder = msgspec.json.Encoder()

ARTIFACT_WIDTH = 16


def artifact_of(row: Any) -> Artifact:
    (
        id_, workspace, alias, parent_id, parent_alias, type_, created_by, created_at, modified_at, view_count,
        download_count, file_count, versions, intent, config, manifest,
    ) = row[:ARTIFACT_WIDTH]  # fmt: skip
    return Artifact(
        id=id_,
        workspace=workspace,
        alias=alias,
        parent_id=parent_id,
        parent_alias=parent_alias,
        type=type_,
        manifest=msgspec.Raw(manifest),
        config=msgspec.Raw(config),
        created_by=created_by,
        created_at=created_at,
        modified_at=modified_at,
        view_count=view_count,
        download_count=download_count,
        file_count=file_count,
        versions=_versions.decode(versions) if versions != "[]" else (),
        intent=Intent(intent) if intent is not None else None,
    )


def found_of(row: Any) -> Found:
    parent_config, role = row[ARTIFACT_WIDTH], row[ARTIFACT_WIDTH + 1]
    return Found(
        artifact=artifact_of(row),
        parent_config=msgspec.Raw(parent_config) if parent_config is not None else None,
        membership=Role(role) if role is not None else None,
        child_count=row[ARTIFACT_WIDTH + 2] if len(row) > ARTIFACT_WIDTH + 2 else 0,
    )


def draft_of(row: Any) -> Draft:
    artifact_id, intent, manifest, config, type_ = row
    return Draft(
        artifact_id=artifact_id,
        intent=Intent(intent),
        manifest=msgspec.Raw(manifest),
        config=msgspec.Raw(config),
        type=type_,
    )


def entry_of(row: Any) -> FileEntry:
    path, blob_id, size_bytes, modified_at, content_type, sha256 = row
    return FileEntry(
        path=path,
        blob_id=blob_id,
        size_bytes=size_bytes,
        modified_at=modified_at,
        content_type=content_type,
        sha256=sha256,
    )


def outline_of(row: Any) -> Outline:
    file_count, size_bytes, name_bytes, modified_at, *only = row
    return Outline(
        file_count=file_count,
        size_bytes=int(size_bytes),
        name_bytes=int(name_bytes),
        modified_at=modified_at,
        only=entry_of(only) if file_count == 1 else None,
    )


def staged_of(row: Any) -> StagedFile:
    path, slot, removed, download_weight, blob_id, size_bytes, modified_at, content_type, sha256 = row
    return StagedFile(
        path=path,
        slot=slot,
        removed=bool(removed),
        download_weight=download_weight,
        blob_id=blob_id,
        size_bytes=size_bytes,
        modified_at=modified_at,
        content_type=content_type,
        sha256=sha256,
    )


def upload_of(row: Any) -> OpenUpload:
    id_, slot, part_count, expires_at, blob_id, store_upload = row
    return OpenUpload(
        id=id_,
        slot=slot,
        part_count=part_count,
        expires_at=expires_at,
        blob_id=blob_id,
        store_upload=store_upload,
    )


def member_of(row: Any) -> ArchiveMember:
    directory, name, offset, compressed_bytes, size_bytes, method, crc32, is_encrypted, modified_at = row
    return ArchiveMember(
        path=directory + name,
        offset=offset,
        compressed_bytes=compressed_bytes,
        size_bytes=size_bytes,
        method=method,
        crc32=crc32,
        is_encrypted=bool(is_encrypted),
        modified_at=modified_at,
    )


def folder_of(row: Any) -> ArchiveFolder:
    directory, name, modified_at = row
    return ArchiveFolder(path=f"{directory}{name}/", modified_at=modified_at)


def aspect_of(row: Any) -> Aspect:
    (
        id_, workspace, entity, schema, content, policy, reach, asserter, valid_from, valid_to, retracter, replaces,
    ) = row  # fmt: skip
    return Aspect(
        id=id_,
        workspace=workspace,
        entity=entity,
        schema=schema,
        content=msgspec.Raw(content),
        policy=policy,
        reach=Reach(reach),
        asserter=asserter,
        valid_from=valid_from,
        valid_to=valid_to,
        retracter=retracter,
        replaces=replaces,
    )


def resumable_of(row: Any) -> Resumable:
    (
        id_, artifact_id, path, slot, ending, length, offset, stored, commits, metadata, created_by, touched_at,
        expires_at,
    ) = row  # fmt: skip
    return Resumable(
        id=id_,
        artifact_id=artifact_id,
        path=path,
        slot=slot,
        ending=Ending(ending),
        length=length,
        offset=offset,
        stored=stored,
        commits=bool(commits),
        metadata=metadata,
        created_by=created_by,
        touched_at=touched_at,
        expires_at=expires_at,
    )


def segment_of(row: Any) -> Segment:
    start, blob_id, size_bytes, sha256, crc32 = row
    return Segment(start=start, blob_id=blob_id, size_bytes=size_bytes, sha256=sha256, crc32=crc32)


def user_of(row: Any) -> User:
    id_, email, roles, created_at = row
    return User(id=id_, email=email, roles=_texts.decode(roles), created_at=created_at)


def workspace_of(row: Any) -> Workspace:
    name, title, description, owner, persistent, created_at, role = row
    return Workspace(
        name=name,
        title=title,
        description=description,
        owner=owner,
        persistent=bool(persistent),
        created_at=created_at,
        membership=Role(role) if role is not None else None,
    )


def bucket_of(row: Any) -> Bucket:
    id_, workspace, endpoint, name, settings, ciphertext, created_at, updated_at = row
    return Bucket(
        id=id_,
        workspace=workspace,
        endpoint=endpoint,
        name=name,
        settings=msgspec.json.decode(settings),
        sealed=bytes(ciphertext),
        created_at=created_at,
        updated_at=updated_at,
    )


def store_of(row: Any) -> SealedStore:
    id_, artifact_id, ciphertext, created_at = row
    return SealedStore(id=id_, artifact_id=artifact_id, sealed=bytes(ciphertext), created_at=created_at)


def token_of(row: Any) -> Token:
    id_, digest, user_id, label, workspace, role, scopes, created_at, expires_at = row
    return Token(
        id=id_,
        digest=bytes(digest),
        user_id=user_id,
        label=label,
        workspace=workspace,
        role=Role(role),
        scopes=_texts.decode(scopes),
        created_at=created_at,
        expires_at=expires_at,
    )


def job_of(row: Any) -> Job:
    (
        id_, kind, workspace, artifact_id, payload, created_by, created_at, updated_at, status, progress, attempt,
        most_attempts, due_at, lease, started_at, finished_at, result, error_code, error_message,
    ) = row  # fmt: skip
    return Job(
        id=id_,
        kind=kind,
        workspace=workspace,
        artifact_id=artifact_id,
        payload=msgspec.Raw(payload),
        created_by=created_by,
        created_at=created_at,
        updated_at=updated_at,
        status=JobStatus(status),
        progress=progress,
        attempt=attempt,
        most_attempts=most_attempts,
        due_at=due_at,
        lease=lease,
        started_at=started_at,
        finished_at=finished_at,
        result=msgspec.Raw(result) if result is not None else None,
        error=JobError(error_code, error_message) if error_code is not None else None,
    )


def json_list(texts: Iterable[str]) -> str:
    """A list of texts as the one parameter `InList` takes."""
    try:
        return _encoder.encode(list(texts)).decode()
    except UnicodeEncodeError:
        raise Invalid("text", "The text is not valid Unicode.") from None


def json_text(raw: msgspec.Raw) -> str:
    """JSON as it is stored."""
    return bytes(raw).decode()
