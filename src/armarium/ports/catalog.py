"""Records and transactions: what the core needs to remember.

`Catalog` reads committed state, one statement a call. `Catalog.transaction()` gives a `Transaction`,
which reads its own writes and changes things: all of it or nothing, serialised against every other
transaction that touches the same artifact. Leaving the block without an error means: durable.
A method that names an artifact by reference or id returns None when it is not there; no method decides anything.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from armarium.domain.archive import ArchiveFolder, ArchiveMember
from armarium.domain.artifact import Artifact, Found
from armarium.domain.aspect import Aspect, AspectQuery
from armarium.domain.bucket import Bucket
from armarium.domain.errors import Unavailable
from armarium.domain.file import BlobId, FileEntry
from armarium.domain.identifiers import ArtifactId, ArtifactRef, VersionId
from armarium.domain.manifest import IndexedScalar
from armarium.domain.query import Cursor, FacetValue, Field, PlanStep, Query
from armarium.domain.upload import OpenUpload
from armarium.domain.version import Draft, Outline, StagedFile, Version
from armarium.ports.account_secrets import AccountSecretReader, AccountSecretWriter
from armarium.ports.accounts import AccountReader, AccountWriter
from armarium.ports.own_stores import OwnStoreReader, OwnStoreWriter
from armarium.ports.queue import JobReader, JobWriter
from armarium.ports.requests import RequestWriter
from armarium.ports.resumable import ResumableReader, ResumableWriter
from armarium.ports.semantic import SemanticReader, SemanticWriter
from armarium.ports.tables import TableReader, TableWriter
from armarium.ports.vectors import VectorReader, VectorWriter


class Page(msgspec.Struct, frozen=True):
    """A part of a listing. next: where the following page starts, None at the end."""

    artifacts: list[Artifact]
    next: Cursor | None


class BlobRecord(msgspec.Struct, frozen=True):
    """A blob the catalog knows. created_at: seconds since the epoch."""

    id: BlobId
    size_bytes: int
    sha256: str | None
    created_at: float


class StoredBlob(msgspec.Struct, frozen=True):
    """A blob as it should be found in the store. is_needed: whether a version or a draft refers to it."""

    id: BlobId
    size_bytes: int
    sha256: str | None
    crc32: int | None
    is_needed: bool


class BlobUse(msgspec.Struct, frozen=True):
    """A file that needs a blob. version: its label, `stage` for a draft, `upload` for one that is still arriving."""

    workspace: str
    alias: str
    version: str
    path: str


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the audit trail: who did what to which artifact. at: seconds since the epoch."""

    at: float
    workspace: str
    actor: str
    action: str
    artifact_id: str | None = None
    detail: str = ""


class Interrupted(Unavailable):
    """A transaction was taken back so that others could go on; the same work done again goes through."""


class Reader(
    AccountReader,
    ResumableReader,
    JobReader,
    TableReader,
    VectorReader,
    SemanticReader,
    OwnStoreReader,
    AccountSecretReader,
    Protocol,
):
    """Questions, each answered by one statement."""

    # artifacts
    async def find_artifact(
        self, ref: ArtifactRef, *, viewer: str | None = None, count_children: bool = False, shared: bool = False
    ) -> Found | None:
        """viewer: the user whose membership in the artifact's workspace is reported; shared: see `Transaction`."""
        ...

    async def find_artifacts(self, ids: Sequence[ArtifactId]) -> dict[ArtifactId, Artifact]:
        """Those of the artifacts that are there."""
        ...

    async def list_artifacts(self, query: Query) -> Page:
        """One page of those that match, in the order asked for."""
        ...

    async def artifact_ids(self, query: Query) -> list[ArtifactId]:
        """At most `query.limit` of what matches, by id alone, in no order."""
        ...

    async def count_artifacts(self, query: Query) -> int:
        """How many artifacts match, whatever offset, limit and cursor say."""
        ...

    async def facets(self, query: Query, fields: Sequence[Field], *, most: int) -> dict[Field, list[FacetValue]]:
        """What stands in fields of the manifest or config of all artifacts that match: the most frequent values first.

        Equally frequent ones in the order a listing would have. most: values of each field.
        """
        ...

    async def explain_artifacts(self, query: Query) -> list[PlanStep]:
        """How a listing is answered; it is, to find out."""
        ...

    async def child_ids(self, parent_id: ArtifactId) -> list[ArtifactId]:
        """All direct children, staged ones included, oldest first."""
        ...

    async def child_counts(self, parent_ids: Sequence[ArtifactId]) -> dict[ArtifactId, int]:
        """How many direct children each has, staged ones included; who has none is left out."""
        ...

    async def family_counts(self, ids: Sequence[ArtifactId]) -> dict[ArtifactId, tuple[int, int]]:
        """How many direct children are collections, and how many other artifacts are children or grandchildren."""
        ...

    async def child_values(self, parent_id: ArtifactId, field: Field) -> list[str]:
        """The texts that stand in a field of the children, as its value or an item of it; sorted, each once."""
        ...

    async def child_paths(self, parent_id: ArtifactId, prefix: Field) -> list[str]:
        """The paths at which children have values that begin with a prefix; sorted, each once."""
        ...

    async def manifest_of(self, version_id: VersionId) -> tuple[msgspec.Raw, str] | None:
        """The manifest and type a version was committed with."""
        ...

    # drafts
    async def find_draft(self, artifact_id: ArtifactId) -> Draft | None:
        """What is drafted beside the published values; None where nothing is staged."""
        ...

    async def staged_files(self, artifact_ids: Sequence[ArtifactId]) -> dict[ArtifactId, tuple[StagedFile, ...]]:
        """Every staged path of each artifact, sorted by path; an artifact with none is left out."""
        ...

    async def find_slot(self, slot: str) -> tuple[ArtifactId, StagedFile] | None:
        """The artifact and the staged path that a slot belongs to."""
        ...

    async def find_upload(self, upload_id: str) -> OpenUpload | None: ...

    async def whole_uploads(self, artifact_id: ArtifactId) -> list[tuple[OpenUpload, StagedFile]]:
        """Files on their way to the store, whole, and the staged paths they are for; the oldest first."""
        ...

    async def expired_uploads(self, *, expired_before: float, limit: int, whole: bool = False) -> list[OpenUpload]:
        """Uploads whose URLs have expired: those in parts, or (whole) the files sent whole to the store."""
        ...

    # files of versions
    async def find_files(self, version_id: VersionId, paths: Sequence[str]) -> dict[str, FileEntry]:
        """The entries of these paths; one that is not there is left out."""
        ...

    async def list_files(
        self, version_id: VersionId, *, prefix: str = "", after: str = "", limit: int | None = None
    ) -> list[FileEntry]:
        """All files whose path begins with a prefix, at any depth, sorted by path, behind `after`."""
        ...

    async def list_directory(
        self, version_id: VersionId, directory: str, *, limit: int | None = None
    ) -> tuple[list[FileEntry], list[str]]:
        """The files directly in a directory (`""` or `a/b/`), and the names of its subdirectories, both sorted."""
        ...

    async def outlines(self, version_ids: Sequence[VersionId]) -> dict[VersionId, Outline]:
        """What the files of each version add up to; a version without files is left out."""
        ...

    # archives
    async def is_indexed(self, blob_id: BlobId) -> bool:
        """Whether all members of an archive have been added."""
        ...

    async def find_member(self, blob_id: BlobId, path: str) -> ArchiveMember | None: ...

    async def list_archive(self, blob_id: BlobId, directory: str) -> tuple[list[ArchiveMember], list[ArchiveFolder]]:
        """The files and the folders directly in a directory (`""` or `a/b/`) of an archive, both sorted."""
        ...

    # buckets
    async def find_bucket(self, workspace: str, bucket_id: str) -> Bucket | None: ...

    async def list_buckets(self, workspace: str) -> list[Bucket]:
        """Oldest first."""
        ...

    # secrets
    async def secrets_of(self, artifact_id: ArtifactId, *, staged: bool = False) -> dict[str, bytes]:
        """Ciphertexts by key: of what is published, or (staged) of the draft."""
        ...

    # aspects
    async def find_aspect(self, aspect_id: str) -> Aspect | None: ...

    async def list_aspects(self, query: AspectQuery) -> list[Aspect]:
        """At most `query.limit` of those that match, in order."""
        ...

    # events
    async def list_events(
        self, *, workspace: str | None = None, artifact_id: str | None = None, limit: int = 100
    ) -> list[Event]:
        """Newest first."""
        ...

    # blobs
    async def unreferenced_blobs(self, *, released_before: float, limit: int) -> list[BlobRecord]:
        """Blobs nothing has needed since before a moment, longest first, condemned ones included."""
        ...

    async def list_blobs(self, *, after: BlobId, limit: int) -> list[StoredBlob]:
        """All blobs that are not condemned, by id, behind `after`."""
        ...

    async def uses_of_blobs(self, ids: Sequence[BlobId], *, limit: int) -> dict[BlobId, list[BlobUse]]:
        """At most so many files for each blob, by workspace, alias, version and path; one that has none is left out."""
        ...

    async def known_blobs(self, ids: Sequence[BlobId]) -> set[BlobId]:
        """Which of these are recorded, or will be when an upload under way ends."""
        ...

    async def checksums(self, ids: Sequence[BlobId]) -> dict[BlobId, int]:
        """The CRC-32 of blobs; one whose sum nobody has computed yet is left out."""
        ...


class Transaction(
    Reader,
    JobWriter,
    RequestWriter,
    TableWriter,
    VectorWriter,
    SemanticWriter,
    OwnStoreWriter,
    AccountSecretWriter,
    AccountWriter,
    ResumableWriter,
    Protocol,
):
    """Changes. Inside a transaction finding an artifact, a workspace or a user also locks it until the end.

    shared: others may find it shared at the same time, but nobody removes it; for those who only refer to it.
    """

    # artifacts
    async def insert_artifact(
        self,
        *,
        id: ArtifactId,
        workspace: str,
        alias: str,
        parent_id: ArtifactId | None,
        type: str,
        manifest: msgspec.Raw,
        config: msgspec.Raw,
        created_by: str,
        now: float,
        fields: Iterable[tuple[str, IndexedScalar]],
    ) -> bool:
        """Add an artifact without versions; False, and nothing added, when its alias is taken.

        fields: (`manifest` or `config`, scalar) pairs a search can look at.
        """
        ...

    async def publish(
        self,
        artifact_id: ArtifactId,
        *,
        type: str,
        manifest: msgspec.Raw,
        config: msgspec.Raw,
        now: float,
        fields: Iterable[tuple[str, IndexedScalar]] | None,
        file_count: int | None = None,
    ) -> None:
        """Replace the published values; what is None (fields, file_count) stays as it was."""
        ...

    async def reset_artifact(self, artifact_id: ArtifactId, *, created_by: str, now: float) -> None:
        """Take away versions, draft, secrets and counters; id, alias and published values stay."""
        ...

    async def set_parent(self, artifact_id: ArtifactId, parent_id: ArtifactId | None) -> None: ...

    async def orphan_children(self, parent_id: ArtifactId) -> None:
        """Make every direct child a root artifact."""
        ...

    async def delete_artifacts(self, artifact_ids: Sequence[ArtifactId]) -> None:
        """Remove artifacts with all that hangs on them; their blobs are left to the sweeper."""
        ...

    # versions
    async def insert_version(
        self,
        artifact_id: ArtifactId,
        version: Version,
        *,
        manifest: msgspec.Raw,
        type: str,
    ) -> None:
        """Add a version without files. manifest, type: what it is committed with."""
        ...

    async def update_version(
        self,
        version_id: VersionId,
        *,
        manifest: msgspec.Raw,
        type: str,
        comment: str | None = None,
        now: float,
    ) -> None:
        """Replace what a version was committed with; comment None keeps the old one."""
        ...

    async def delete_version(self, version_id: VersionId) -> None:
        """Remove a version; its blobs are left to the sweeper."""
        ...

    async def apply_staged_files(self, artifact_id: ArtifactId, version_id: VersionId) -> int:
        """Carry every staged path into a version: additions replace, marks remove. Returns its file count."""
        ...

    # drafts
    async def put_draft(self, draft: Draft) -> None:
        """Add or replace the draft's values; its staged files stay."""
        ...

    async def delete_draft(self, artifact_id: ArtifactId) -> None:
        """Remove the draft with its staged files and staged secrets."""
        ...

    async def stage_files(self, artifact_id: ArtifactId, files: Sequence[StagedFile]) -> list[StagedFile]:
        """Add staged paths, as rows: concurrent calls never lose each other's.

        A path staged already keeps its slot, bytes and weight, so that a URL handed out stays good;
        an addition replaces a removal mark and a mark an addition. Returns the rows as they stand, in the order given.
        A blob_id must name a blob that is recorded (see fill_slot) and not condemned, else Conflict.
        """
        ...

    async def unstage_files(self, artifact_id: ArtifactId, paths: Sequence[str]) -> None:
        """Take paths, or marks of removal, out of the draft."""
        ...

    async def fill_slot(self, slot: str, entry: FileEntry, *, crc32: int | None = None) -> bool:
        """Put arrived bytes behind a staged path, and record the blob; False when the slot is gone.

        crc32: of the bytes, where it is known.
        Raises Conflict when the blob is condemned.
        """
        ...

    async def insert_upload(self, *uploads: OpenUpload) -> None: ...

    async def delete_upload(self, *upload_ids: str) -> None: ...

    async def delete_whole_uploads(self, slots: Sequence[str]) -> list[OpenUpload]:
        """Forget the files sent whole for these slots; returns them."""
        ...

    # secrets
    async def put_secrets(
        self,
        artifact_id: ArtifactId,
        secrets: Mapping[str, bytes | None],
        *,
        replace: bool = False,
        staged: bool = False,
    ) -> None:
        """Set ciphertexts by key, None removes one; replace: whatever is not named goes."""
        ...

    async def publish_secrets(self, artifact_id: ArtifactId) -> None:
        """Replace the secrets by the staged ones, if there are any."""
        ...

    # aspects
    async def insert_aspect(self, aspect: Aspect) -> None: ...

    async def take_turn(self, entity: str, schema: str) -> None:
        """Wait until no other transaction replaces aspects of an entity and schema, and keep others waiting."""
        ...

    async def active_aspects(self, workspace: str, entity: str, schema: str) -> list[Aspect]:
        """Those of a workspace that have not ended, oldest first, at most two of them."""
        ...

    async def end_aspect(self, aspect_id: str, *, ended_at: int, ended_by: str) -> bool:
        """Let an aspect end, once and for all; False when it has ended already. ended_at: as `Aspect.valid_to`."""
        ...

    # buckets
    async def put_bucket(self, bucket: Bucket) -> bool:
        """Add or replace a bucket by its id; False, and nothing changed, when another has its name and endpoint."""
        ...

    async def delete_bucket(self, bucket_id: str) -> None: ...

    # archives
    async def add_members(self, blob_id: BlobId, members: Sequence[ArchiveMember]) -> None:
        """Add members to the index of an archive; of two with one path the later counts."""
        ...

    async def add_archive(self, blob_id: BlobId, folders: Sequence[ArchiveFolder]) -> None:
        """Add the folders and say that the index is complete; it goes when its blob is forgotten."""
        ...

    async def keep_checksum(self, blob_id: BlobId, crc32: int) -> None: ...

    # housekeeping
    async def add_counts(self, counts: Mapping[ArtifactId, tuple[float, float]], *, day: str) -> None:
        """Add (views, downloads) to artifacts and to the statistics of a day (`YYYY-MM-DD`)."""
        ...

    async def reset_counts(self, artifact_id: ArtifactId) -> None:
        """Set views and downloads of an artifact to zero, those of single days too."""
        ...

    async def add_event(self, event: Event) -> None: ...

    async def condemn_blobs(self, ids: Sequence[BlobId]) -> list[BlobId]:
        """Mark blobs that are still unreferenced, so that none can be referenced again; returns those marked."""
        ...

    async def forget_blobs(self, ids: Sequence[BlobId]) -> None:
        """Remove the records of condemned blobs whose bytes are gone."""
        ...


class Catalog(Reader, Protocol):
    """The records of one armarium.

    revisions: of the schema, before `open` (None where there was none) and since.
    """

    revisions: tuple[str | None, str]

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """All or nothing. Raises Unavailable when the database stays locked or away; its kind Interrupted is worth
        doing the same again at once."""
        ...

    async def open(self) -> None:
        """Connect and bring the schema up to date."""
        ...

    async def close(self) -> None: ...
