"""The first schema."""

import sqlalchemy as sa
from alembic import op

from armarium.adapters.catalog import postgres_functions
from armarium.adapters.catalog.triggers import POSTGRES_TRIGGERS

revision = "0001"
down_revision = None

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

TEXT_INDEX_DDL = (
    "CREATE VIRTUAL TABLE text_index USING fts5(body, content='', detail=none, tokenize='trigram case_sensitive 1')"
)
RELEASES = (
    ("release_file", "DELETE", "file"),
    ("release_file_replaced", "UPDATE OF blob_id", "file"),
    ("release_draft_file", "DELETE", "draft_file"),
    ("release_draft_file_replaced", "UPDATE OF blob_id", "draft_file"),
)


def upgrade() -> None:
    op.create_table(
        "artifact",
        sa.Column("id", WORD, nullable=False),
        sa.Column("workspace", WORD, nullable=False),
        sa.Column("alias", WORD, nullable=False),
        sa.Column("parent_id", WORD, nullable=True),
        sa.Column("type", WORD, nullable=False),
        sa.Column("created_by", WORD, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.Column("view_count", sa.Float(), nullable=False),
        sa.Column("download_count", sa.Float(), nullable=False),
        sa.Column("file_count", sa.BigInteger(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["artifact.id"], name="fk_artifact_parent_id"),
        sa.PrimaryKeyConstraint("id", name="pk_artifact"),
        sa.UniqueConstraint("workspace", "alias", name="uq_artifact_alias"),
    )
    op.create_index(
        "ix_artifact_created", "artifact", ["parent_id", sa.literal_column("created_at DESC"), "id"], unique=False
    )
    op.create_index(
        "ix_artifact_downloads", "artifact", ["parent_id", sa.literal_column("download_count DESC"), "id"], unique=False
    )
    op.create_index(
        "ix_artifact_modified", "artifact", ["parent_id", sa.literal_column("modified_at DESC"), "id"], unique=False
    )
    op.create_index("ix_artifact_parent", "artifact", ["parent_id", "id"], unique=False)
    op.create_index("ix_artifact_scope", "artifact", ["workspace", "parent_id", "id"], unique=False)
    op.create_index(
        "ix_artifact_views", "artifact", ["parent_id", sa.literal_column("view_count DESC"), "id"], unique=False
    )
    op.create_index("ix_artifact_workspace", "artifact", ["workspace", "id"], unique=False)
    op.create_table(
        "blob",
        sa.Column("id", WORD, nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("condemned", sa.Integer(), nullable=False),
        sa.Column("released_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_blob"),
    )
    op.create_index("ix_blob_released", "blob", ["released_at", "id"], unique=False)
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("workspace", WORD, nullable=False),
        sa.Column("actor", WORD, nullable=False),
        sa.Column("action", WORD, nullable=False),
        sa.Column("artifact_id", WORD, nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
    )
    op.create_index("ix_event_artifact", "event", ["artifact_id", "id"], unique=False)
    op.create_index("ix_event_workspace", "event", ["workspace", "id"], unique=False)
    op.create_table(
        "revocation",
        sa.Column("token_id", WORD, nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("token_id", name="pk_revocation"),
    )
    op.create_table(
        "token",
        sa.Column("id", WORD, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", WORD, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("workspace", WORD, nullable=True),
        sa.Column("role", sa.Integer(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_token"),
        sa.UniqueConstraint("digest", name="uq_token_digest"),
    )
    op.create_index("ix_token_user", "token", ["user_id", "id"], unique=False)
    op.create_index("ix_token_workspace", "token", ["workspace"], unique=False)
    op.create_table(
        "user",
        sa.Column("id", WORD, nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_user"),
    )
    op.create_table(
        "workspace",
        sa.Column("name", WORD, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("owner", WORD, nullable=True),
        sa.Column("persistent", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_workspace"),
    )
    op.create_table(
        "draft",
        sa.Column("artifact_id", WORD, nullable=False),
        sa.Column("intent", WORD, nullable=False),
        sa.Column("type", WORD, nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["artifact_id"], ["artifact.id"], name="fk_draft_artifact_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("artifact_id", name="pk_draft"),
    )
    op.create_table(
        "draft_file",
        sa.Column("artifact_id", WORD, nullable=False),
        sa.Column("path", WORD, nullable=False),
        sa.Column("slot", WORD, nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("download_weight", sa.Float(), nullable=False),
        sa.Column("blob_id", WORD, nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("modified_at", sa.Float(), nullable=True),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["artifact_id"], ["artifact.id"], name="fk_draft_file_artifact_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["blob_id"], ["blob.id"], name="fk_draft_file_blob_id"),
        sa.PrimaryKeyConstraint("artifact_id", "path", name="pk_draft_file"),
        sa.UniqueConstraint("slot", name="uq_draft_file_slot"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_draft_file_blob", "draft_file", ["blob_id"], unique=False)
    op.create_table(
        "upload",
        sa.Column("id", WORD, nullable=False),
        sa.Column("slot", WORD, nullable=False),
        sa.Column("part_count", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_upload"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_upload_expires", "upload", ["expires_at"], unique=False)
    op.create_table(
        "field",
        sa.Column("artifact_id", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("value", WORD, nullable=False),
        sa.Column("element", sa.Integer(), nullable=False),
        sa.Column("scope", WORD, nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["artifact_id"], ["artifact.id"], name="fk_field_artifact_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("artifact_id", "name", "value", "element", name="pk_field"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_field_scope", "field", ["scope", "name", "element", "value", "artifact_id"], unique=False)
    op.create_table(
        "member",
        sa.Column("workspace", WORD, nullable=False),
        sa.Column("user_id", WORD, nullable=False),
        sa.Column("role", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["workspace"], ["workspace.name"], name="fk_member_workspace", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("workspace", "user_id", name="pk_member"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_member_user", "member", ["user_id", "workspace"], unique=False)
    op.create_table(
        "secret",
        sa.Column("artifact_id", WORD, nullable=False),
        sa.Column("staged", sa.Integer(), nullable=False),
        sa.Column("key", WORD, nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["artifact_id"], ["artifact.id"], name="fk_secret_artifact_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("artifact_id", "staged", "key", name="pk_secret"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stat_day",
        sa.Column("artifact_id", WORD, nullable=False),
        sa.Column("day", WORD, nullable=False),
        sa.Column("views", sa.Float(), nullable=False),
        sa.Column("downloads", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["artifact_id"], ["artifact.id"], name="fk_stat_day_artifact_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("artifact_id", "day", name="pk_stat_day"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "version",
        sa.Column("id", WORD, nullable=False),
        sa.Column("artifact_id", WORD, nullable=False),
        sa.Column("label", WORD, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.Column("file_count", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("type", WORD, nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["artifact_id"], ["artifact.id"], name="fk_version_artifact_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_version"),
        sa.UniqueConstraint("artifact_id", "label", name="uq_version_label"),
        sa.UniqueConstraint("artifact_id", "position", name="uq_version_position"),
    )
    op.create_table(
        "file",
        sa.Column("version_id", WORD, nullable=False),
        sa.Column("path", WORD, nullable=False),
        sa.Column("directory", WORD, nullable=False),
        sa.Column("blob_id", WORD, nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("modified_at", sa.Float(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["blob_id"], ["blob.id"], name="fk_file_blob_id"),
        sa.ForeignKeyConstraint(["version_id"], ["version.id"], name="fk_file_version_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("version_id", "path", name="pk_file"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_file_blob", "file", ["blob_id"], unique=False)
    op.create_index("ix_file_directory", "file", ["version_id", "directory", "path"], unique=False)
    if op.get_context().dialect.name == "sqlite":
        _only_on_sqlite()
    else:
        _only_on_postgres()


def _only_on_sqlite() -> None:
    op.create_table(
        "text_doc",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("artifact_id", WORD, nullable=False),
        sa.ForeignKeyConstraint(["artifact_id"], ["artifact.id"], name="fk_text_doc_artifact_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_text_doc"),
        sa.UniqueConstraint("artifact_id", name="uq_text_doc_artifact_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "text_pending",
        sa.Column("artifact_id", WORD, nullable=False),
        sa.ForeignKeyConstraint(
            ["artifact_id"], ["artifact.id"], name="fk_text_pending_artifact_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("artifact_id", name="pk_text_pending"),
        sqlite_with_rowid=False,
    )
    op.execute(TEXT_INDEX_DDL)
    for name, event, table in RELEASES:
        op.execute(
            f"CREATE TRIGGER {name} AFTER {event} ON {table} WHEN OLD.blob_id IS NOT NULL "  # noqa: S608
            "AND NOT EXISTS (SELECT 1 FROM file WHERE blob_id = OLD.blob_id) "
            "AND NOT EXISTS (SELECT 1 FROM draft_file WHERE blob_id = OLD.blob_id) "
            "BEGIN UPDATE blob SET released_at = (julianday('now') - 2440587.5) * 86400.0 "
            "WHERE id = OLD.blob_id; END"
        )


def _only_on_postgres() -> None:
    for function in postgres_functions.functions():
        op.execute(function)
    op.create_table(
        "text_body",
        sa.Column("artifact_id", WORD, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["artifact_id"], ["artifact.id"], name="fk_text_body_artifact_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("artifact_id", name="pk_text_body"),
    )
    op.execute(postgres_functions.TEXT_INDEX_DDL)
    for trigger in POSTGRES_TRIGGERS:
        op.execute(trigger)
