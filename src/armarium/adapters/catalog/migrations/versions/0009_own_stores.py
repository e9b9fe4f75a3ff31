"""Buckets that artifacts bring with them."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "own_store",
        sa.Column("id", WORD, nullable=False),
        sa.Column("artifact_id", WORD, nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_own_store"),
    )
    op.create_index("ix_own_store_artifact", "own_store", ["artifact_id", "id"])
