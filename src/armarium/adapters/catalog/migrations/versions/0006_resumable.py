"""Uploads that go on where they were broken off."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "resumable",
        sa.Column("id", WORD, nullable=False),
        sa.Column("artifact_id", WORD, nullable=False),
        sa.Column("path", WORD, nullable=False),
        sa.Column("slot", WORD, nullable=False),
        sa.Column("ending", WORD, nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=True),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("stored", sa.BigInteger(), nullable=True),
        sa.Column("commits", sa.Integer(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("created_by", WORD, nullable=False),
        sa.Column("touched_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_resumable"),
    )
    op.create_index("ix_resumable_artifact", "resumable", ["artifact_id", "commits"])
    op.create_index("ix_resumable_expires", "resumable", ["expires_at"])
    op.create_index("ix_resumable_ending", "resumable", ["ending", "touched_at"])
    op.create_table(
        "segment",
        sa.Column("upload_id", WORD, nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("blob_id", WORD, nullable=False),
        sa.ForeignKeyConstraint(["upload_id"], ["resumable.id"], name="fk_segment_upload_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["blob_id"], ["blob.id"], name="fk_segment_blob_id"),
        sa.PrimaryKeyConstraint("upload_id", "start", name="pk_segment"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_segment_blob", "segment", ["blob_id"])
