"""Vectors in a table of another name: in PostgreSQL a table is a type, and pgvector has one that is called `vector`."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NAMES = "artifact_id, id, revision, position, vector, payload"


def upgrade() -> None:
    op.create_table(
        "vector_item",
        sa.Column("artifact_id", WORD, nullable=False),
        sa.Column("id", WORD, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["artifact_id"], ["artifact.id"], name="fk_vector_item_artifact_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("artifact_id", "id", name="pk_vector_item"),
    )
    op.execute(f"INSERT INTO vector_item ({NAMES}) SELECT {NAMES} FROM vector")  # noqa: S608
    op.drop_table("vector")
    op.create_index("ix_vector_item_revision", "vector_item", ["artifact_id", "revision", "id"])
    op.create_index("ix_vector_item_position", "vector_item", ["artifact_id", "position"])
