"""The functions of the artifact manager around documents in vector collections, and the jobs that add them."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from armarium.core.ingestion import GivenFiles, GivenText, Ingestion
from armarium.core.jobs import Jobs
from armarium.domain.document import TextFormat
from armarium.domain.errors import Invalid
from armarium.domain.job import Job
from armarium.domain.passages import checked_cut
from armarium.faces.hypha.arguments import offset_of
from armarium.faces.hypha.identity import Session
from armarium.faces.hypha.services import AsyncFunction
from armarium.faces.hypha.vector_functions import model_of

_FORMATS = ", ".join(TextFormat)
_TEXTS = ("text", "format", "source", "artifact_id", "path", "manifest")


class DocumentFunctions:
    """Translates, calls the core once and translates back."""

    def __init__(self, ingestion: Ingestion, jobs: Jobs) -> None:
        self._ingestion = ingestion
        self._jobs = jobs

    def calls(self) -> dict[str, AsyncFunction]:
        return {call.__name__: call for call in (self.add_documents, self.get_job)}

    async def add_documents(
        self,
        session: Session,
        artifact_id: str,
        documents: list[Any],
        chunk_size: int = 1000,
        chunk_overlap: int = 200,
        embedding_models: dict[str, str] | str | None = None,
    ) -> dict[str, Any]:
        """Have texts or files cut into passages, embedded and added by a job; returns the job."""
        cut = checked_cut(offset_of("chunk_size", chunk_size), offset_of("chunk_overlap", chunk_overlap))
        given = [_document(index, document, artifact_id) for index, document in enumerate(documents)]
        job = await self._ingestion.add(session.caller, artifact_id, given, cut, model=model_of(embedding_models))
        return _described(job)

    async def get_job(self, session: Session, job_id: str) -> dict[str, Any]:
        """Say how far a job is, what came of it, or why it failed."""
        return _described(await self._jobs.get(session.caller, job_id))


def _document(index: int, given: Any, collection: str) -> GivenText | GivenFiles:
    """A text, `{"text": ...}`, or files as `{"artifact_id": ..., "path": ...}`; without an id, of the collection."""
    if isinstance(given, str):
        given = {"text": given}
    if not isinstance(given, Mapping):
        raise _invalid(index, "it must be a text or an object")
    unknown = next((name for name in given if name not in _TEXTS), None)
    if unknown is not None:
        raise _invalid(index, f"'{unknown}' is not known: use {', '.join(_TEXTS)}")
    for name, value in given.items():
        if value is not None and not isinstance(value, Mapping if name == "manifest" else str):
            raise _invalid(index, f"its '{name}' must be {'an object' if name == 'manifest' else 'a string'}")
    payload = given.get("manifest") or {}
    if given.get("text") is not None:
        return _text(index, given, payload)
    if given.get("artifact_id") is None and given.get("path") is None:
        raise _invalid(index, "it needs a 'text', a 'path' or an 'artifact_id'")
    return GivenFiles(artifact=given.get("artifact_id") or collection, path=given.get("path"), payload=payload)


def _text(index: int, given: Mapping[str, Any], payload: Mapping[str, Any]) -> GivenText:
    text = given["text"]
    if given.get("artifact_id") is not None or given.get("path") is not None:
        raise _invalid(index, "it is either a 'text' or a file")
    text_format = given.get("format") or TextFormat.TEXT
    if text_format not in list(TextFormat):
        raise _invalid(index, f"its 'format' must be one of {_FORMATS}")
    unnamed = "text-" + hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]
    return GivenText(source=given.get("source") or unnamed, text=text, format=TextFormat(text_format), payload=payload)


def _invalid(index: int, reason: str) -> Invalid:
    return Invalid("documents", f"Invalid document {index}: {reason}.")


def _described(job: Job) -> dict[str, Any]:
    return {
        "job_id": job.id,
        "type": job.kind,
        "status": job.status.value,
        "progress": job.progress,
        "attempt": job.attempt,
        "artifact_id": job.artifact_id,
        "result": None if job.result is None else msgspec.json.decode(job.result),
        "error": None if job.error is None else {"code": job.error.code, "message": job.error.message},
    }
