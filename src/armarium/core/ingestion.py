"""Documents for a vector collection: texts and files, which a job cuts into passages, embeds and adds."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from armarium.core.jobs import Jobs
from armarium.core.lookup import find
from armarium.core.permissions import access_of, require
from armarium.core.publishing import audit
from armarium.core.vectors import require_vectors, space_in
from armarium.domain.artifact import Artifact, Found
from armarium.domain.document import TextFormat, text_format_of
from armarium.domain.errors import Invalid, NotFound, TooLarge
from armarium.domain.file import FileEntry, safe_path
from armarium.domain.job import Job
from armarium.domain.passages import Cut, Material
from armarium.domain.principal import Action, Principal
from armarium.ports.catalog import Catalog
from armarium.ports.clock import Clock
from armarium.ports.vectors import Embedders

INGEST = "add_documents"
"""The kind of the jobs that add documents."""
MOST_DOCUMENTS = 1000
MOST_INLINE_BYTES = 1 << 20
MOST_FILE_BYTES = 8 << 20

_FORMAT_OF = {".md": TextFormat.MARKDOWN, ".markdown": TextFormat.MARKDOWN}
"""What not every machine's table of media types knows."""


class GivenText(msgspec.Struct, frozen=True, kw_only=True):
    """A text as somebody gives it. source: a name for it; payload: what its passages say besides."""

    source: str
    text: str
    format: TextFormat = TextFormat.TEXT
    payload: Mapping[str, Any] = {}


class GivenFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Files of the latest version of an artifact. path: one of them, or None for all that are texts."""

    artifact: str
    path: str | None = None
    payload: Mapping[str, Any] = {}


class Ingest(msgspec.Struct, frozen=True, kw_only=True):
    """What one job adds. model: instead of the collection's own."""

    materials: tuple[Material, ...]
    cut: Cut
    model: str | None = None


class Ingestion:
    """Asks for documents to be added; `ingestion_work.py` adds them."""

    def __init__(self, catalog: Catalog, embedders: Embedders, clock: Clock, jobs: Jobs) -> None:
        self._catalog = catalog
        self._embedders = embedders
        self._clock = clock
        self._jobs = jobs

    async def add(
        self,
        principal: Principal,
        name: str,
        documents: Sequence[GivenText | GivenFiles],
        cut: Cut,
        *,
        model: str | None = None,
    ) -> Job:
        """Have documents added to a vector collection, each in place of what was added from the same source before.

        Raises NotFound, Forbidden, Invalid, TooLarge, Unsupported (the embedding model).
        """
        found = await find(self._catalog, principal, name)
        self._require(principal, found, model)
        materials = await self._materials(principal, documents)
        ingest = Ingest(materials=materials, cut=cut, model=model)
        async with self._catalog.transaction() as tx:
            found = await find(tx, principal, found.artifact.id)
            self._require(principal, found, model)
            job = await self._jobs.enqueue(tx, principal, found.artifact, INGEST, msgspec.to_builtins(ingest))
            await audit(tx, self._clock, principal, found.artifact, INGEST, str(len(materials)))
        self._jobs.tell()
        return job

    def _require(self, principal: Principal, found: Found, model: str | None) -> None:
        require(principal, Action.ADD_DOCUMENTS, access_of(found))
        require_vectors(found)
        uri = model or space_in(found).model
        if uri is None:
            raise Invalid("embedding_model", "The collection has no embedding model, so it cannot hold documents.")
        self._embedders.find(uri)

    async def _materials(
        self, principal: Principal, documents: Sequence[GivenText | GivenFiles]
    ) -> tuple[Material, ...]:
        materials: list[Material] = []
        for given in documents:
            materials += [_of_text(given)] if isinstance(given, GivenText) else await self._of_files(principal, given)
            if len(materials) > MOST_DOCUMENTS:
                raise TooLarge(f"At most {MOST_DOCUMENTS:,} documents can be added at once.")
        if not materials:
            raise Invalid("documents", "There are no documents to add.")
        if sum(len((material.text or "").encode(errors="replace")) for material in materials) > MOST_INLINE_BYTES:
            raise TooLarge("Texts given in the request may have at most 1 MiB together: put them into files.")
        return tuple({material.key: material for material in materials}.values())

    async def _of_files(self, principal: Principal, given: GivenFiles) -> list[Material]:
        found = await find(self._catalog, principal, given.artifact)
        artifact = found.artifact
        path = None if given.path is None else safe_path(given.path)
        actions = (Action.GET_FILE,) if path else (Action.GET_FILE, Action.LIST_FILES)
        for action in actions:
            require(principal, action, access_of(found), path=path)
        if not artifact.versions:
            raise NotFound("file", artifact.name, f"Artifact '{artifact.name}' has no committed files.")
        entries = await self._entries(artifact, path)
        return [_of_file(artifact, entry, given.payload) for entry in entries if path or _format_of(entry) is not None]

    async def _entries(self, artifact: Artifact, path: str | None) -> Sequence[FileEntry]:
        version = artifact.versions[-1].id
        if path is None:
            return await self._catalog.list_files(version)
        entries = await self._catalog.find_files(version, [path])
        if path not in entries:
            raise NotFound("file", path, f"File '{path}' does not exist in the artifact.")
        return [entries[path]]


def _of_text(given: GivenText) -> Material:
    return Material(source=given.source, format=given.format, payload=given.payload, text=given.text)


def _of_file(artifact: Artifact, entry: FileEntry, payload: Mapping[str, Any]) -> Material:
    text_format = _format_of(entry)
    if text_format is None:
        raise Invalid("documents", f"File '{entry.path}' is {entry.content_type}, not a text.")
    if entry.size_bytes > MOST_FILE_BYTES:
        raise TooLarge(f"File '{entry.path}' is larger than {MOST_FILE_BYTES >> 20} MiB.")
    return Material(
        source=entry.path,
        format=text_format,
        payload=payload,
        artifact_id=artifact.id,
        version_id=artifact.versions[-1].id,
    )


def _format_of(entry: FileEntry) -> TextFormat | None:
    dot, extension = entry.path.rpartition(".")[1:]
    return text_format_of(entry.content_type) or _FORMAT_OF.get((dot + extension).lower())
