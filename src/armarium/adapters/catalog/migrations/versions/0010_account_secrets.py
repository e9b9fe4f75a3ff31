"""Secrets of accounts."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "account_secret",
        sa.Column("workspace", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("kind", WORD, nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace"], ["workspace.name"], name="fk_account_secret_workspace", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace", "name", name="pk_account_secret"),
        sqlite_with_rowid=False,
    )
