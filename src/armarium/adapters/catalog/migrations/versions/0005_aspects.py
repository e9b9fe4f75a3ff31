"""Dated statements about anything that has a URN."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "aspect",
        sa.Column("id", WORD, nullable=False),
        sa.Column("workspace", WORD, nullable=False),
        sa.Column("entity", WORD, nullable=False),
        sa.Column("schema", WORD, nullable=False),
        sa.Column("policy", WORD, nullable=False),
        sa.Column("reach", sa.Integer(), nullable=False),
        sa.Column("asserter", WORD, nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_to", sa.BigInteger(), nullable=True),
        sa.Column("retracter", WORD, nullable=True),
        sa.Column("replaces", WORD, nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_aspect"),
    )
    op.create_index("ix_aspect_entity", "aspect", ["entity", "schema", "valid_from", "id"])
    op.create_index("ix_aspect_schema", "aspect", ["workspace", "schema", "valid_from", "id"])
    op.create_index("ix_aspect_workspace", "aspect", ["workspace", "valid_from", "id"])
    op.create_table(
        "aspect_turn",
        sa.Column("entity", WORD, nullable=False),
        sa.Column("schema", WORD, nullable=False),
        sa.Column("turns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("entity", "schema", name="pk_aspect_turn"),
        sqlite_with_rowid=False,
    )
