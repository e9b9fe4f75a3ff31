"""Their words to ours and back: spaces and artifacts, names of files, and what `generate` asks for."""

import base64
import binascii
import mimetypes
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET

from armarium.core.documents import Document, Order, check_inline
from armarium.domain import artifact as domain
from armarium.domain import job as jobs
from armarium.domain.document import Passage, Recipe, Source, Target, TextFormat
from armarium.domain.errors import Invalid, TooLarge
from armarium.domain.file import content_type_of, safe_path
from armarium.faces.aimable import schemas

DOOR = "aimable"
"""What the manifest holds of this door alone."""
WRITTEN_KINDS = frozenset({"summary", "transcript", "report"})
_BYTES = "application/octet-stream"
_PLAIN = "text/plain; charset=utf-8"
_LONGEST_NAME = 150
_SETTINGS = tuple(schemas.Settings.__struct_fields__)
_URL_SAFE = str.maketrans("-_", "+/")
_SPACE = re.compile(r"\s+")


def moment(seconds: float | None) -> str | None:
    """A time as this protocol writes it."""
    return None if seconds is None else _moment(seconds)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


# spaces


def space_manifest(body: schemas.NewSpace) -> dict[str, Any]:
    given = {name: getattr(body, name) for name in _SETTINGS}
    settings = {name: value for name, value in given.items() if value is not None}
    described = {"description": body.description} if body.description is not None else {}
    return {"name": body.name, **described, DOOR: settings}


def space_changes(body: schemas.SpaceChanges) -> dict[str, Any]:
    given: dict[str, Any] = {
        name: value for name in body.__struct_fields__ if (value := getattr(body, name)) is not UNSET
    }
    changes: dict[str, Any] = {name: given.pop(name) for name in ("name", "description") if name in given}
    return {**changes, DOOR: given}


def space_of(artifact: domain.Artifact, count: int) -> schemas.Space:
    manifest = msgspec.json.decode(artifact.manifest)
    kept = manifest.get(DOOR)
    try:
        settings = msgspec.convert(kept if isinstance(kept, dict) else {}, schemas.Settings)
    except msgspec.ValidationError:  # another door wrote there
        settings = schemas.Settings()
    return schemas.Space(
        space_id=artifact.id,
        name=_text(manifest.get("name")) or artifact.alias,
        description=_text(manifest.get("description")),
        created_at=_moment(artifact.created_at),
        updated_at=_moment(artifact.modified_at),
        artifact_count=count,
        **{name: getattr(settings, name) for name in _SETTINGS},
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


# artifacts


def artifact_of(document: Document, prefix: str) -> schemas.Artifact:
    """prefix: of the path this request came by."""
    artifact, content = document.artifact, document.content
    manifest = msgspec.json.decode(artifact.manifest)
    kept = manifest.get(DOOR)
    own: Mapping[str, Any] = kept if isinstance(kept, dict) else {}
    path = f"{prefix}/spaces/{artifact.parent_id}/artifacts/{artifact.id}/download"
    metadata = own.get("metadata")
    error = document.error
    return schemas.Artifact(
        id=artifact.id,
        artifact_id=artifact.id,
        space_id=artifact.parent_id or "",
        name=_text(manifest.get("name")),
        type=artifact.type,
        document_type=artifact.type,
        status=document.status.value,
        thread_id=_text(own.get("thread_id")),
        mime_type=content.content_type if content else None,
        file_name=content.filename if content else None,
        size=content.size_bytes if content else None,
        sha256=content.sha256 if content else None,
        error=schemas.Error(str(error.get("code")), str(error.get("message"))) if error else None,
        metadata=metadata if isinstance(metadata, dict) else {},
        download_url=path if content else None,
        created_at=_moment(artifact.created_at),
        updated_at=_moment(artifact.modified_at),
        job_id=document.job.id if document.job else UNSET,
    )


def job_of(job: jobs.Job, space_id: str) -> schemas.Job:
    return schemas.Job(
        id=job.id,
        job_id=job.id,
        artifact_id=job.artifact_id,
        space_id=space_id,
        type=job.kind,
        status=job.status.value,
        progress=job.progress,
        error=schemas.Error(job.error.code, job.error.message) if job.error else None,
        attempt=job.attempt,
        created_at=_moment(job.created_at),
        started_at=moment(job.started_at),
        finished_at=moment(job.finished_at),
        updated_at=_moment(job.updated_at),
    )


# generate


def kind_of(body: schemas.Generate) -> str:
    """The type of a new artifact. Raises Invalid when two are given."""
    if body.type and body.document_type and body.type != body.document_type:
        raise Invalid("document_type", "`type` and `document_type` mean the same: give one, or the same twice.")
    return body.type or body.document_type or "document"


def content_of(body: schemas.Generate, limit_bytes: int) -> bytes | None:
    """The bytes a request brings, None where it brings none. Raises Invalid, TooLarge."""
    if body.content is None:
        return None
    content = body.content.encode() if body.content_encoding == "utf-8" else _from_base64(body.content)
    if len(content) > limit_bytes:
        raise TooLarge(f"The content is larger than the {limit_bytes} bytes allowed here.")
    return content


def _from_base64(text: str) -> bytes:
    """Standard or URL-safe, with or without padding, line breaks allowed."""
    plain = _SPACE.sub("", text).translate(_URL_SAFE).rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("content", "The content is not valid base64.") from None


def stored_order(body: schemas.Generate, content: bytes) -> Order:
    """What to store for a request that brings its bytes."""
    guessed = content_type_of(body.file_name or body.name)
    media_type = body.mime_type or (guessed if guessed != _BYTES else _sniffed(content))
    return _order(body, _named(body.file_name or body.name, media_type), media_type)


def made_order(body: schemas.Generate, target: Target) -> Order:
    """What to store for a request that has something made."""
    stem = re.sub(r"\.[A-Za-z0-9]{1,8}$", "", body.file_name or body.name)
    return _order(body, clean_name(stem) + target.extension, target.media_type)


def _order(body: schemas.Generate, file_name: str, media_type: str) -> Order:
    own = {"thread_id": body.thread_id, "metadata": body.metadata}
    kept = {name: value for name, value in own.items() if value is not None}
    manifest = {"name": body.name, **({DOOR: kept} if kept else {})}
    return Order(manifest=manifest, type=kind_of(body), file_name=file_name, media_type=media_type)


def recipe_of(body: schemas.Generate, target: Target, sources: tuple[Source, ...], content: bytes | None) -> Recipe:
    """How to make what a request asks for. Raises Invalid when there is nothing to make it from, TooLarge."""
    kind = kind_of(body) if kind_of(body) in WRITTEN_KINDS else None
    text = _inline(body, content)
    if text is None and not sources:
        raise Invalid("content", "Give `content`, or a source to make the document from.")
    if kind is None and len(sources) + (text is not None) > 1:
        raise Invalid("source_artifact_ids", f"A '{kind_of(body)}' is converted from one source, not from several.")
    return Recipe(
        title=body.name,
        target=target,
        file_name=made_order(body, target).file_name,
        kind=kind,
        text=text,
        sources=sources,
        instructions=body.instructions or "",
    )


def _inline(body: schemas.Generate, content: bytes | None) -> Passage | None:
    text = body.source
    if text is None and content is not None:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Invalid("content", "A document is made from UTF-8 text, and the content is not.") from None
    if text is None:
        return None
    return check_inline(Passage(title=body.name, text=text, format=TextFormat(body.source_format or "markdown")))


def _sniffed(content: bytes) -> str:
    try:
        text = content[:65536].decode()
    except UnicodeDecodeError as error:
        if error.start < len(content[:65536]) - 3:
            return _BYTES
        text = ""
    return _BYTES if any(char < " " and char not in "\t\n\r\f\x1b" for char in text) else _PLAIN


def _named(name: str, media_type: str) -> str:
    """A name for a file, with the extension of its type where it has none that says a type."""
    cleaned = clean_name(name)
    if content_type_of(cleaned) != _BYTES or media_type == _BYTES:
        return cleaned
    return cleaned + (mimetypes.guess_extension(media_type.partition(";")[0].strip()) or "")


def clean_name(name: str) -> str:
    """A name that can stand in a path: no separators, no control characters, not too long."""
    plain = "".join("_" if char in "/\\:" else char for char in name if unicodedata.category(char)[0] != "C").strip()
    while len(plain.encode()) > _LONGEST_NAME:
        plain = plain[len(plain) // 8 + 1 :]
    try:
        return safe_path(plain)
    except Invalid:
        return "artifact"


def any_of(values: list[str]) -> list[str]:
    """The values of a parameter that may be repeated and may hold lists."""
    return list(dict.fromkeys(part.strip() for value in values for part in value.split(",") if part.strip()))


def statuses_of(values: list[str]) -> list[jobs.JobStatus]:
    try:
        return [jobs.JobStatus(value) for value in any_of(values)]
    except ValueError:
        known = ", ".join(jobs.JobStatus)
        raise Invalid("status", f"Unknown status: it is one of {known}.") from None
