"""Documents of a space: stored from their bytes at once, or made by a job from others.

A document is an artifact with one file. While it is being made it is a draft without a version, and `config.document`
says how far it is; once it has a version it is complete, whoever gave it one.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec

from armarium.core.artifacts import Artifacts
from armarium.core.contents import Content, Contents
from armarium.core.counters import Counters
from armarium.core.jobs import JobPage, Jobs
from armarium.core.lookup import find
from armarium.core.permissions import access_of, require, require_commit, rules_of
from armarium.core.placement import Placement, made_before
from armarium.core.publishing import audit, publish
from armarium.core.schemas import check_manifest
from armarium.core.search import narrowed
from armarium.core.spaces import NEWEST_FIRST, Spaces
from armarium.core.values import Values, new_values
from armarium.domain.artifact import COLLECTION_TYPES, Artifact, Found
from armarium.domain.document import Passage, Recipe, Source, text_format_of
from armarium.domain.errors import Conflict, Invalid, TooLarge
from armarium.domain.file import BlobId, FileEntry, safe_path
from armarium.domain.identifiers import ById, VersionId
from armarium.domain.job import Job, JobError, JobStatus
from armarium.domain.manifest import encode_json
from armarium.domain.principal import Action, Principal
from armarium.domain.query import AllOf, AnyOf, Condition, Cursor, Equals, Field, Lacks, Query, Stage
from armarium.domain.storage_keys import blob_key
from armarium.domain.version import INITIAL_COMMENT, Intent, StagedFile, Version, new_label
from armarium.ports.blobs import Blobs
from armarium.ports.catalog import Catalog, Page, Transaction
from armarium.ports.clock import Clock

GENERATE = "generate"
"""The kind of the jobs that make documents."""
MOST_SOURCES = 50
MOST_INLINE_BYTES = 1 << 20

_STATUS = Field("config", "document.status")


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A document as it stands. content: None until it is complete; error: why it failed."""

    artifact: Artifact
    status: JobStatus
    content: Content | None = None
    error: dict[str, str] | None = None
    job: Job | None = None


class NotReady(Conflict):
    """A document is still being made."""

    retry_after_seconds = 1.0

    def __init__(self) -> None:
        super().__init__("The artifact is not completed yet.")


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted: manifest and type of a new document, and the name and media type of its file."""

    manifest: Mapping[str, Any]
    type: str
    file_name: str
    media_type: str


class Documents:
    """Use cases around the documents of spaces."""

    def __init__(
        self,
        catalog: Catalog,
        blobs: Blobs,
        clock: Clock,
        counters: Counters,
        spaces: Spaces,
        artifacts: Artifacts,
        contents: Contents,
        jobs: Jobs,
    ) -> None:
        self._catalog = catalog
        self._clock = clock
        self._spaces = spaces
        self._artifacts = artifacts
        self._contents = contents
        self._jobs = jobs
        self._placement = Placement(clock, counters)
        self._keeper = Keeper(blobs, clock)
        jobs.follow(GENERATE, self._follow)

    # made

    async def store(
        self, principal: Principal, space_id: str, order: Order, content: bytes, *, id: str | None = None
    ) -> Document:
        """Add a document of these bytes, complete; what was made under `id` before is returned as it is.

        Raises NotFound (space), Forbidden, Invalid, TooLarge.
        """
        values = self._values(principal, order, JobStatus.COMPLETED)
        await self._spaces.find(principal, space_id)
        entry = await self._keeper.put(order.file_name, order.media_type, _once(content))
        async with self._catalog.transaction() as tx:
            made = await made_before(tx, principal, id)
            if made is None:
                made = await self._place(tx, principal, space_id, values, id=id, stage=False)
                await self._keeper.give(tx, made, values, entry)
                await self._jobs.record(tx, principal, made.artifact, GENERATE)
                await audit(tx, self._clock, principal, made.artifact, "create")
                made = await find(tx, principal, made.artifact.id)
            job = (await tx.newest_jobs([made.artifact.id])).get(made.artifact.id)
        return await self._document(made.artifact, job)

    async def make(
        self, principal: Principal, space_id: str, order: Order, recipe: Recipe, *, id: str | None = None
    ) -> Document:
        """Add a document that a job will make, pending. Raises NotFound (space), Forbidden, Invalid, TooLarge."""
        values = self._values(principal, order, JobStatus.PENDING)
        await self._spaces.find(principal, space_id)
        async with self._catalog.transaction() as tx:
            made = await made_before(tx, principal, id)
            if made is None:
                made = await self._place(tx, principal, space_id, values, id=id, stage=True)
                await tx.put_draft(values.as_draft(made.artifact.id, Intent.NEW_VERSION))
                await self._jobs.enqueue(tx, principal, made.artifact, GENERATE, msgspec.to_builtins(recipe))
                await audit(tx, self._clock, principal, made.artifact, "create")
                made = await find(tx, principal, made.artifact.id)
            job = (await tx.newest_jobs([made.artifact.id])).get(made.artifact.id)
        self._jobs.tell()
        return await self._document(made.artifact, job)

    async def sources(self, principal: Principal, space_id: str, artifact_ids: Sequence[str]) -> tuple[Source, ...]:
        """What the caller may read of artifacts of a space, as material. Raises NotFound, Invalid."""
        if len(artifact_ids) > MOST_SOURCES:
            raise Invalid("source_artifact_ids", f"A document is made from at most {MOST_SOURCES} others.")
        founds = [await self._spaces.find_in(principal, space_id, id_) for id_ in dict.fromkeys(artifact_ids)]
        for found in founds:
            require(principal, Action.GET_FILE, access_of(found))
        contents = await self._catalog.outlines([f.artifact.versions[-1].id for f in founds if f.artifact.versions])
        return tuple(_source_of(found.artifact, contents) for found in founds)

    async def replace(
        self,
        principal: Principal,
        space_id: str,
        artifact_id: str,
        chunks: AsyncIterator[bytes],
        *,
        file_name: str | None,
        media_type: str | None,
        limit_bytes: int | None,
        size_bytes: int | None = None,
    ) -> Document:
        """Give a document other content, as its next version.

        file_name, media_type: None keeps those it has. Raises NotFound, Forbidden, Invalid, TooLarge.
        """
        found = await self._spaces.find_in(principal, space_id, artifact_id)
        for action in (Action.EDIT, Action.PUT_FILE):
            require(principal, action, access_of(found))
        require_commit(principal, found)
        known = await self._only_file(found.artifact)
        name = safe_path(file_name) if file_name else known.path if known else "content"
        type_ = media_type or (known.content_type if known else "application/octet-stream")
        entry = await self._keeper.put(name, type_, chunks, limit_bytes=limit_bytes, size_bytes=size_bytes)
        async with self._catalog.transaction() as tx:
            found = await self._spaces.find_in(principal, space_id, artifact_id, reader=tx)
            await self._keeper.give(tx, found, _with_status(found.artifact, JobStatus.COMPLETED), entry)
            await audit(tx, self._clock, principal, found.artifact, "commit")
            found = await find(tx, principal, artifact_id)
        return await self._document(found.artifact, None)

    async def _only_file(self, artifact: Artifact) -> FileEntry | None:
        latest = [version.id for version in artifact.versions[-1:]]
        outlines = await self._catalog.outlines(latest)
        return outlines[latest[0]].only if outlines else None

    def _values(self, principal: Principal, order: Order, status: JobStatus) -> Values:
        if order.type in COLLECTION_TYPES:
            raise Invalid("type", f"An artifact of type '{order.type}' is no document.")
        config = {"document": {"status": status.value}}
        return new_values(principal, manifest=order.manifest, type=order.type, config=config)

    async def _place(
        self, tx: Transaction, principal: Principal, space_id: str, values: Values, *, id: str | None, stage: bool
    ) -> Found:
        place = await self._placement.find(tx, principal, parent=space_id, workspace=None, stage=False)
        artifact_id = await self._placement.fill(
            tx, principal, place, values, alias=None, stage=stage, overwrite=False, id=id
        )
        return await find(tx, principal, artifact_id)

    # looked at

    async def read(self, principal: Principal, space_id: str, artifact_id: str) -> Document:
        """Return a document. Raises NotFound."""
        found = await self._spaces.find_in(principal, space_id, artifact_id)
        return await self._document(found.artifact, None)

    async def page(
        self,
        principal: Principal,
        space_id: str,
        where: Sequence[Condition],
        statuses: Sequence[JobStatus],
        *,
        after: Cursor | None,
        limit: int,
    ) -> tuple[list[Document], Cursor | None]:
        """A page of the documents of a space, newest first. statuses: only these, unless empty. Raises NotFound."""
        space = await self._spaces.find(principal, space_id)
        require(principal, Action.LIST, access_of(space))
        condition = AllOf((*where, *([_status_is_any(statuses)] if statuses else [])))
        query = Query(
            workspace=space.artifact.workspace,
            parent_id=space.artifact.id,
            stage=Stage.ANY,
            where=narrowed(principal, space, condition),
            order=NEWEST_FIRST,
            after=after,
            limit=limit,
        )
        page: Page = await self._catalog.list_artifacts(query)
        documents = await self._documents(page.artifacts)
        return [doc for doc in documents if not statuses or doc.status in statuses], page.next

    async def open(self, principal: Principal, space_id: str, artifact_id: str) -> Any:
        """Return the one file, or the zip of several. Raises NotFound, NotReady, Conflict when it failed."""
        document = await self.read(principal, space_id, artifact_id)
        if document.status is JobStatus.COMPLETED:
            return await self._contents.open(principal, artifact_id)
        if document.status.is_final:
            reason = document.error["message"] if document.error else "it was cancelled."
            raise Conflict(f"The artifact has no content: {reason}")
        raise NotReady

    async def delete(self, principal: Principal, space_id: str, artifact_id: str) -> None:
        """Remove a document with its jobs. Raises NotFound, Forbidden."""
        await self._spaces.find_in(principal, space_id, artifact_id)
        await self._artifacts.delete(principal, artifact_id, recursive=True)

    async def jobs(
        self, principal: Principal, space_id: str, artifact_id: str, *, before: str | None, limit: int
    ) -> JobPage:
        """The jobs of a document, newest first. Raises NotFound."""
        await self._spaces.find_in(principal, space_id, artifact_id)
        return await self._jobs.of_artifact(principal, artifact_id, before=before, limit=limit)

    async def _follow(self, tx: Transaction, job: Job, status: JobStatus, error: JobError | None) -> None:
        """Let a document that is not complete say how its job is."""
        found = await tx.find_artifact(ById(job.artifact_id)) if job.artifact_id else None
        if found is None or found.artifact.versions:
            return
        told = {"code": error.code, "message": error.message} if error else None
        values = _with_status(found.artifact, status, told)
        await tx.put_draft(values.as_draft(found.artifact.id, Intent.NEW_VERSION))
        await publish(tx, found.artifact, values, now=self._clock.now())

    async def _document(self, artifact: Artifact, job: Job | None) -> Document:
        [document] = await self._documents([artifact])
        return msgspec.structs.replace(document, job=job)

    async def _documents(self, artifacts: Sequence[Artifact]) -> list[Document]:
        contents = await self._contents.of(artifacts)
        return [_as_document(artifact, contents.get(artifact.id)) for artifact in artifacts]


class Keeper:
    """Stores the bytes of a document, and makes them its content in somebody's transaction."""

    def __init__(self, blobs: Blobs, clock: Clock) -> None:
        self._blobs = blobs
        self._clock = clock

    async def put(
        self,
        name: str,
        media_type: str,
        chunks: AsyncIterator[bytes],
        *,
        limit_bytes: int | None = None,
        size_bytes: int | None = None,
    ) -> tuple[FileEntry, int | None]:
        """Return the file nobody refers to yet, and its CRC-32 where it is known."""
        blob_id = BlobId(self._clock.new_id())
        stat = await self._blobs.put(blob_key(blob_id), chunks, size_bytes=size_bytes, limit_bytes=limit_bytes)
        entry = FileEntry(
            path=safe_path(name),
            blob_id=blob_id,
            size_bytes=stat.size_bytes,
            modified_at=self._clock.now(),
            content_type=media_type,
            sha256=stat.sha256,
        )
        return entry, stat.crc32

    async def give(self, tx: Transaction, found: Found, values: Values, stored: tuple[FileEntry, int | None]) -> None:
        """Make a stored file all that the next version of an artifact holds; a draft goes."""
        artifact, (entry, crc32) = found.artifact, stored
        schema = rules_of(found.parent_config).schema
        if schema is not None:
            check_manifest(values.manifest, schema)
        await tx.delete_draft(artifact.id)
        slot = self._clock.new_id()
        await tx.stage_files(artifact.id, [StagedFile(path=entry.path, slot=slot, content_type=entry.content_type)])
        await tx.fill_slot(slot, entry, crc32=crc32)
        version = self._next_version(artifact)
        await tx.insert_version(artifact.id, version, manifest=values.manifest, type=values.type)
        count = await tx.apply_staged_files(artifact.id, version.id)
        await tx.delete_draft(artifact.id)
        await publish(tx, artifact, values, now=self._clock.now(), file_count=count)

    def _next_version(self, artifact: Artifact) -> Version:
        versions = artifact.versions
        return Version(
            id=VersionId(self._clock.new_id()),
            label=new_label(versions, None),
            position=versions[-1].position + 1 if versions else 0,
            comment="" if versions else INITIAL_COMMENT,
            created_at=int(self._clock.now()),
            file_count=0,
            size_bytes=0,
        )


def completed_values(artifact: Artifact) -> Values:
    """What a document says of itself once it is complete."""
    return _with_status(artifact, JobStatus.COMPLETED)


def _with_status(artifact: Artifact, status: JobStatus, error: dict[str, str] | None = None) -> Values:
    config = msgspec.json.decode(artifact.config)
    config["document"] = {"status": status.value} | ({"error": error} if error else {})
    return Values(manifest=artifact.manifest, config=encode_json("config", config), type=artifact.type)


def _as_document(artifact: Artifact, content: Content | None) -> Document:
    if content is not None:
        return Document(artifact=artifact, status=JobStatus.COMPLETED, content=content)
    state = msgspec.json.decode(artifact.config).get("document")
    state = state if isinstance(state, dict) else {}
    try:
        status = JobStatus(state.get("status", "pending"))
    except ValueError:
        status = JobStatus.PENDING
    error = state.get("error")
    return Document(artifact=artifact, status=status, error=error if isinstance(error, dict) else None)


def _status_is_any(statuses: Sequence[JobStatus]) -> Condition:
    """What other doors made does not say how far it is: it is looked at when it was found."""
    said = tuple(Equals(_STATUS, status.value) for status in statuses)
    unsaid = {JobStatus.COMPLETED, JobStatus.PENDING} & set(statuses)
    return AnyOf((*said, *([Lacks(_STATUS)] if unsaid else [])))


def _source_of(artifact: Artifact, contents: Mapping[VersionId, Any]) -> Source:
    name = msgspec.json.decode(artifact.manifest).get("name") or artifact.alias
    outline = contents.get(artifact.versions[-1].id) if artifact.versions else None
    if outline is None or outline.only is None:
        raise Invalid(
            "source_artifact_ids", f"Artifact '{name}' cannot be a source: it is not a single, complete file."
        )
    entry: FileEntry = outline.only
    text_format = text_format_of(entry.content_type)
    if text_format is None:
        raise Invalid(
            "source_artifact_ids", f"Artifact '{name}' cannot be a source: it is {entry.content_type}, no text."
        )
    if entry.size_bytes > MOST_INLINE_BYTES * 8:
        raise TooLarge(f"Artifact '{name}' is too large to be a source.")
    return Source(
        artifact_id=artifact.id,
        version_id=artifact.versions[-1].id,
        path=entry.path,
        title=str(name),
        format=text_format,
    )


def check_inline(passage: Passage) -> Passage:
    """Refuse a text that is too large to wait in the queue."""
    if len(passage.text.encode()) > MOST_INLINE_BYTES:
        raise TooLarge("A text given in the request may have at most 1 MiB: store it first and name it as a source.")
    return passage


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
