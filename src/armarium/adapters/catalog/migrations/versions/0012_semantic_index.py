"""Collections that are searched by meaning, and marks on their children that changed."""

import sqlalchemy as sa
from alembic import op

from armarium.adapters.catalog.child_marks import CHILD_MARKS, POSTGRES_CHILD_MARKS

revision = "0012"
down_revision = "0011"

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "semantic_index",
        sa.Column("artifact_id", WORD, nullable=False),
        sa.Column("scanned", WORD, nullable=True),
        sa.Column("job_id", WORD, nullable=True),
        sa.ForeignKeyConstraint(
            ["artifact_id"], ["artifact.id"], name="fk_semantic_index_artifact_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("artifact_id", name="pk_semantic_index"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "semantic_mark",
        sa.Column("collection_id", WORD, nullable=False),
        sa.Column("artifact_id", WORD, nullable=False),
        sa.Column("stamp", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("collection_id", "artifact_id", name="pk_semantic_mark"),
        sqlite_with_rowid=False,
    )
    for trigger in CHILD_MARKS if op.get_bind().dialect.name == "sqlite" else POSTGRES_CHILD_MARKS:
        op.execute(trigger)
