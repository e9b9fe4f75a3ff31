"""Jobs, and requests that were made before."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "job",
        sa.Column("id", WORD, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("workspace", WORD, nullable=False),
        sa.Column("artifact_id", WORD, nullable=True),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("created_by", WORD, nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.Column("status", WORD, nullable=False),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("most_attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=True),
        sa.Column("lease", WORD, nullable=True),
        sa.Column("started_at", sa.Float(), nullable=True),
        sa.Column("finished_at", sa.Float(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("error_code", WORD, nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["artifact_id"], ["artifact.id"], name="fk_job_artifact_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
    )
    op.create_index("ix_job_due", "job", ["due_at", "id"])
    op.create_index("ix_job_artifact", "job", ["artifact_id", "id"])
    op.create_index("ix_job_status", "job", ["status", "id"])
    op.create_table(
        "idempotency",
        sa.Column("id", WORD, nullable=False),
        sa.Column("fingerprint", WORD, nullable=False),
        sa.Column("claim", WORD, nullable=False),
        sa.Column("resource_id", WORD, nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_idempotency"),
    )
    op.create_index("ix_idempotency_expires", "idempotency", ["expires_at"])
