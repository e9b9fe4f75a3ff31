"""Vector collections."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "vector_space",
        sa.Column("artifact_id", WORD, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("item_count", sa.BigInteger(), nullable=False),
        sa.Column("removed_count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["artifact_id"], ["artifact.id"], name="fk_vector_space_artifact_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("artifact_id", name="pk_vector_space"),
    )
    op.create_table(
        "vector",
        sa.Column("artifact_id", WORD, nullable=False),
        sa.Column("id", WORD, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["artifact_id"], ["artifact.id"], name="fk_vector_artifact_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("artifact_id", "id", name="pk_vector"),
    )
    op.create_index("ix_vector_revision", "vector", ["artifact_id", "revision", "id"])
    op.create_index("ix_vector_position", "vector", ["artifact_id", "position"])
