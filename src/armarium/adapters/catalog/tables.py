"""The tables of the catalog, in column types every database has.

    workspace, member, user, token, revocation     who
    workspace -> bucket                            stores elsewhere that a workspace has the keys of
    artifact -> version -> file -> blob            what is committed
    artifact -> draft, draft_file -> blob          what is staged
    resumable -> segment -> blob                   what is still arriving
    blob -> archive, archive_member, archive_folder  what is inside a zip, once somebody has asked
    artifact -> secret, stat_day, event, job       what hangs on it
    aspect, aspect_turn                            dated statements about anything with a URN
    artifact -> vector_space, vector_item          what a vector collection holds
    artifact -> semantic_index, semantic_mark      collections searched by meaning, and their children that changed
    field                                          scalars of manifests and configs, for filters and orders
    text_doc, text_pending                         SQLite: which manifests the text index knows, and which not yet
    text_body                                      PostgreSQL: the folded manifests a text index is over

Ids are UUIDv7 texts, times seconds since the epoch, JSON is text as it was given.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)

PASSING = "passing"
"""Key of a table's `info`: its rows stand for something under way in one store, and are not carried into another."""

WORD = Text().with_variant(Text(collation="C"), "postgresql")
"""Text compared by code point, which SQLite does anyway."""

ONLY = "only"
"""Key of a table's `info`: the one dialect that has it."""


def _owner(column: str, target: str, *, primary_key: bool = False) -> Column[str]:
    return Column(column, WORD, ForeignKey(target, ondelete="CASCADE"), primary_key=primary_key, nullable=False)


workspace = Table(
    "workspace",
    metadata,
    Column("name", WORD, primary_key=True),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("owner", WORD),
    Column("persistent", Integer, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("uuid", WORD),
    Index("ix_workspace_uuid", "uuid", unique=True),
)

user = Table(
    "user",
    metadata,
    Column("id", WORD, primary_key=True),
    Column("email", Text),
    Column("roles", Text, nullable=False),
    Column("created_at", Float, nullable=False),
)

member = Table(
    "member",
    metadata,
    _owner("workspace", "workspace.name", primary_key=True),
    Column("user_id", WORD, primary_key=True),
    Column("role", Integer, nullable=False),
    Index("ix_member_user", "user_id", "workspace"),
    sqlite_with_rowid=False,
)

token = Table(
    "token",
    metadata,
    Column("id", WORD, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("user_id", WORD, nullable=False),
    Column("label", Text, nullable=False),
    Column("workspace", WORD),
    Column("role", Integer, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Index("ix_token_workspace", "workspace"),
    Index("ix_token_user", "user_id", "id"),
)

revocation = Table(
    "revocation",
    metadata,
    Column("token_id", WORD, primary_key=True),
    Column("expires_at", Float),
)

# Short columns first: SQLite reads a row from its beginning, and manifests may run over many pages.
artifact = Table(
    "artifact",
    metadata,
    Column("id", WORD, primary_key=True),
    Column("workspace", WORD, nullable=False),
    Column("alias", WORD, nullable=False),
    Column("parent_id", WORD, ForeignKey("artifact.id")),
    Column("type", WORD, nullable=False),
    Column("created_by", WORD, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("modified_at", BigInteger, nullable=False),
    Column("view_count", Float, nullable=False),
    Column("download_count", Float, nullable=False),
    Column("file_count", BigInteger, nullable=False),
    Column("config", Text, nullable=False),
    Column("manifest", Text, nullable=False),
    UniqueConstraint("workspace", "alias", name="uq_artifact_alias"),
)
Index("ix_artifact_workspace", artifact.c.workspace, artifact.c.id)
Index("ix_artifact_scope", artifact.c.workspace, artifact.c.parent_id, artifact.c.id)
Index("ix_artifact_parent", artifact.c.parent_id, artifact.c.id)
# Latest and most first is how people look; equal values stay in id order that way round.
Index("ix_artifact_created", artifact.c.parent_id, artifact.c.created_at.desc(), artifact.c.id)
Index("ix_artifact_modified", artifact.c.parent_id, artifact.c.modified_at.desc(), artifact.c.id)
Index("ix_artifact_views", artifact.c.parent_id, artifact.c.view_count.desc(), artifact.c.id)
Index("ix_artifact_downloads", artifact.c.parent_id, artifact.c.download_count.desc(), artifact.c.id)

version = Table(
    "version",
    metadata,
    Column("id", WORD, primary_key=True),
    _owner("artifact_id", "artifact.id"),
    Column("label", WORD, nullable=False),
    Column("position", Integer, nullable=False),
    Column("comment", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("modified_at", BigInteger, nullable=False),
    Column("file_count", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("type", WORD, nullable=False),
    Column("manifest", Text, nullable=False),
    UniqueConstraint("artifact_id", "label", name="uq_version_label"),
    UniqueConstraint("artifact_id", "position", name="uq_version_position"),
)

# condemned: 1 once its bytes may be removed at any moment; such a blob is never referenced again.
# released_at: when a row last stopped referring to the blob; `triggers.py` keeps it.
blob = Table(
    "blob",
    metadata,
    Column("id", WORD, primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", Text),
    Column("created_at", Float, nullable=False),
    Column("condemned", Integer, nullable=False),
    Column("released_at", Float),
    Column("crc32", BigInteger),
    Index("ix_blob_released", "released_at", "id"),
)

# A row says that the directory of an archive has been read to its end.
archive = Table(
    "archive",
    metadata,
    _owner("blob_id", "blob.id", primary_key=True),
    sqlite_with_rowid=False,
)

archive_member = Table(
    "archive_member",
    metadata,
    _owner("blob_id", "blob.id", primary_key=True),
    Column("directory", WORD, primary_key=True),
    Column("name", WORD, primary_key=True),
    Column("offset", BigInteger, nullable=False),
    Column("compressed_bytes", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("method", Integer, nullable=False),
    Column("crc32", BigInteger, nullable=False),
    Column("is_encrypted", Integer, nullable=False),
    Column("modified_at", Float, nullable=False),
    sqlite_with_rowid=False,
)

archive_folder = Table(
    "archive_folder",
    metadata,
    _owner("blob_id", "blob.id", primary_key=True),
    Column("directory", WORD, primary_key=True),
    Column("name", WORD, primary_key=True),
    Column("modified_at", Float),
    sqlite_with_rowid=False,
)

# directory: "" or "a/b/", what stands before the name in the path.
file = Table(
    "file",
    metadata,
    _owner("version_id", "version.id", primary_key=True),
    Column("path", WORD, primary_key=True),
    Column("directory", WORD, nullable=False),
    Column("blob_id", WORD, ForeignKey("blob.id"), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("modified_at", Float, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("sha256", Text),
    Index("ix_file_directory", "version_id", "directory", "path"),
    Index("ix_file_blob", "blob_id"),
    sqlite_with_rowid=False,
)

draft = Table(
    "draft",
    metadata,
    _owner("artifact_id", "artifact.id", primary_key=True),
    Column("intent", WORD, nullable=False),
    Column("type", WORD, nullable=False),
    Column("config", Text, nullable=False),
    Column("manifest", Text, nullable=False),
)

draft_file = Table(
    "draft_file",
    metadata,
    _owner("artifact_id", "artifact.id", primary_key=True),
    Column("path", WORD, primary_key=True),
    Column("slot", WORD, nullable=False, unique=True),
    Column("removed", Integer, nullable=False),
    Column("download_weight", Float, nullable=False),
    Column("blob_id", WORD, ForeignKey("blob.id")),
    Column("size_bytes", BigInteger),
    Column("modified_at", Float),
    Column("content_type", Text, nullable=False),
    Column("sha256", Text),
    Index("ix_draft_file_blob", "blob_id"),
    sqlite_with_rowid=False,
)

upload = Table(
    "upload",
    metadata,
    Column("id", WORD, primary_key=True),
    Column("slot", WORD, nullable=False),
    Column("part_count", Integer, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("blob_id", WORD),
    Column("store_upload", Text),
    Index("ix_upload_expires", "expires_at"),
    Index("ix_upload_slot", "slot"),
    Index("ix_upload_blob", "blob_id"),
    sqlite_with_rowid=False,
    info={PASSING: True},
)

# An upload that may be broken off and go on; nothing points to its artifact, so that deleting one stays quick.
resumable = Table(
    "resumable",
    metadata,
    Column("id", WORD, primary_key=True),
    Column("artifact_id", WORD, nullable=False),
    Column("path", WORD, nullable=False),
    Column("slot", WORD, nullable=False),
    Column("ending", WORD, nullable=False),
    Column("length", BigInteger),
    Column("offset", BigInteger, nullable=False),
    Column("stored", BigInteger),
    Column("commits", Integer, nullable=False),
    Column("metadata", Text, nullable=False),
    Column("created_by", WORD, nullable=False),
    Column("touched_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Index("ix_resumable_artifact", "artifact_id", "commits"),
    Index("ix_resumable_expires", "expires_at"),
    Index("ix_resumable_ending", "ending", "touched_at"),
)

segment = Table(
    "segment",
    metadata,
    _owner("upload_id", "resumable.id", primary_key=True),
    Column("start", BigInteger, primary_key=True),
    Column("blob_id", WORD, ForeignKey("blob.id"), nullable=False),
    Index("ix_segment_blob", "blob_id"),
    sqlite_with_rowid=False,
)

secret = Table(
    "secret",
    metadata,
    _owner("artifact_id", "artifact.id", primary_key=True),
    Column("staged", Integer, primary_key=True),
    Column("key", WORD, primary_key=True),
    Column("ciphertext", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# kind: NULL where nothing was said; expires_at: seconds since the epoch, 0 for never.
account_secret = Table(
    "account_secret",
    metadata,
    _owner("workspace", "workspace.name", primary_key=True),
    Column("name", WORD, primary_key=True),
    Column("kind", WORD),
    Column("expires_at", BigInteger, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# settings: JSON of what may be shown; ciphertext: sealed JSON of the keys.
bucket = Table(
    "bucket",
    metadata,
    Column("id", WORD, primary_key=True),
    _owner("workspace", "workspace.name"),
    Column("endpoint", WORD, nullable=False),
    Column("name", WORD, nullable=False),
    Column("settings", Text, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float),
    UniqueConstraint("workspace", "name", "endpoint", name="uq_bucket_name"),
)

# A bucket an artifact brought with it; outlives the artifact while blobs are there, so nothing points anywhere.
own_store = Table(
    "own_store",
    metadata,
    Column("id", WORD, primary_key=True),
    Column("artifact_id", WORD, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("created_at", Float, nullable=False),
    Index("ix_own_store_artifact", "artifact_id", "id"),
)

stat_day = Table(
    "stat_day",
    metadata,
    _owner("artifact_id", "artifact.id", primary_key=True),
    Column("day", WORD, primary_key=True),
    Column("views", Float, nullable=False),
    Column("downloads", Float, nullable=False),
    sqlite_with_rowid=False,
)

# What is stated about an entity, which may be anything with a URN. Times here are microseconds since the epoch.
# reach: how far it can be heard, see domain/policy.py.
aspect = Table(
    "aspect",
    metadata,
    Column("id", WORD, primary_key=True),
    Column("workspace", WORD, nullable=False),
    Column("entity", WORD, nullable=False),
    Column("schema", WORD, nullable=False),
    Column("policy", WORD, nullable=False),
    Column("reach", Integer, nullable=False),
    Column("asserter", WORD, nullable=False),
    Column("valid_from", BigInteger, nullable=False),
    Column("valid_to", BigInteger),
    Column("retracter", WORD),
    Column("replaces", WORD),
    Column("content", Text, nullable=False),
    Index("ix_aspect_entity", "entity", "schema", "valid_from", "id"),
    Index("ix_aspect_schema", "workspace", "schema", "valid_from", "id"),
    Index("ix_aspect_workspace", "workspace", "valid_from", "id"),
)

# One row for each entity and schema that was ever replaced: whoever replaces takes hold of it first.
aspect_turn = Table(
    "aspect_turn",
    metadata,
    Column("entity", WORD, primary_key=True),
    Column("schema", WORD, primary_key=True),
    Column("turns", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# An event outlives its artifact, so nothing points anywhere.
event = Table(
    "event",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at", Float, nullable=False),
    Column("workspace", WORD, nullable=False),
    Column("actor", WORD, nullable=False),
    Column("action", WORD, nullable=False),
    Column("artifact_id", WORD),
    Column("detail", Text, nullable=False),
    Index("ix_event_workspace", "workspace", "id"),
    Index("ix_event_artifact", "artifact_id", "id"),
)

# revision, epoch: see `domain/vector.py`. removed_count: rows of `vector_item` that only say that a vector is gone.
vector_space = Table(
    "vector_space",
    metadata,
    _owner("artifact_id", "artifact.id", primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("item_count", BigInteger, nullable=False),
    Column("removed_count", BigInteger, nullable=False),
)

# vector, payload: NULL once the vector is removed. In PostgreSQL a table is a type: pgvector has taken `vector`.
vector_item = Table(
    "vector_item",
    metadata,
    _owner("artifact_id", "artifact.id", primary_key=True),
    Column("id", WORD, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("vector", LargeBinary),
    Column("payload", Text),
    Index("ix_vector_item_revision", "artifact_id", "revision", "id"),
    Index("ix_vector_item_position", "artifact_id", "position"),
)

# A collection that is searched by meaning; scanned, and `semantic_mark`: see `ports/semantic.py`. Nothing refers to
# a job, so that whoever marks a child waits for nobody.
semantic_index = Table(
    "semantic_index",
    metadata,
    _owner("artifact_id", "artifact.id", primary_key=True),
    Column("scanned", WORD),
    Column("job_id", WORD),
    sqlite_with_rowid=False,
)

# Marks are not carried into another database: there each child gets one when its versions are added.
semantic_mark = Table(
    "semantic_mark",
    metadata,
    Column("collection_id", WORD, primary_key=True),
    Column("artifact_id", WORD, primary_key=True),
    Column("stamp", BigInteger, nullable=False),
    sqlite_with_rowid=False,
    info={PASSING: True},
)

# due_at: when it can be claimed, NULL once it is over (see `domain/job.py`).
job = Table(
    "job",
    metadata,
    Column("id", WORD, primary_key=True),
    Column("kind", WORD, nullable=False),
    Column("workspace", WORD, nullable=False),
    Column("artifact_id", WORD, ForeignKey("artifact.id", ondelete="CASCADE")),
    Column("payload", Text, nullable=False),
    Column("created_by", WORD, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("status", WORD, nullable=False),
    Column("progress", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("most_attempts", Integer, nullable=False),
    Column("due_at", Float),
    Column("lease", WORD),
    Column("started_at", Float),
    Column("finished_at", Float),
    Column("result", Text),
    Column("error_code", WORD),
    Column("error_message", Text),
    Index("ix_job_due", "due_at", "id"),
    Index("ix_job_artifact", "artifact_id", "id"),
    Index("ix_job_status", "status", "id"),
)

# One row for each Idempotency-Key of each caller and operation. status: NULL while the first request is under way.
idempotency = Table(
    "idempotency",
    metadata,
    Column("id", WORD, primary_key=True),
    Column("fingerprint", WORD, nullable=False),
    Column("claim", WORD, nullable=False),
    Column("resource_id", WORD, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("status", Integer),
    Column("headers", Text),
    Column("body", LargeBinary),
    Index("ix_idempotency_expires", "expires_at"),
)

# scope: the parent's id, or the workspace of a root artifact (see fields.py, also for the other columns).
field = Table(
    "field",
    metadata,
    _owner("artifact_id", "artifact.id", primary_key=True),
    Column("name", WORD, primary_key=True),
    Column("value", WORD, primary_key=True),
    Column("element", Integer, primary_key=True),
    Column("scope", WORD, nullable=False),
    Column("text", Text),
    Index("ix_field_scope", "scope", "name", "element", "value", "artifact_id"),
    sqlite_with_rowid=False,
)

# id: the row of the text index that holds the artifact's manifest; a number is never used twice.
text_doc = Table(
    "text_doc",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("artifact_id", WORD, ForeignKey("artifact.id", ondelete="CASCADE"), nullable=False, unique=True),
    sqlite_autoincrement=True,
    info={ONLY: "sqlite"},
)

text_pending = Table(
    "text_pending",
    metadata,
    _owner("artifact_id", "artifact.id", primary_key=True),
    sqlite_with_rowid=False,
    info={ONLY: "sqlite"},
)

# body: the manifest, folded; `postgres_functions.py` cuts it into what its index holds.
text_body = Table(
    "text_body",
    metadata,
    _owner("artifact_id", "artifact.id", primary_key=True),
    Column("body", Text, nullable=False),
    info={ONLY: "postgresql"},
)


def tables_of(dialect: str) -> list[Table]:
    """The tables a database of a dialect has, each behind those it refers to."""
    return [table for table in metadata.sorted_tables if table.info.get(ONLY, dialect) == dialect]


def lasting_tables() -> list[Table]:
    """The tables whose rows mean the same in every database, each behind those it refers to."""
    return [table for table in metadata.sorted_tables if not table.info.keys() & {ONLY, PASSING}]
