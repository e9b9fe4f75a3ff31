"""Uploads that clients bring to the store themselves: the blob they will be, and what the store calls them."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("upload", sa.Column("blob_id", WORD, nullable=True))
    op.add_column("upload", sa.Column("store_upload", sa.Text(), nullable=True))
    op.create_index("ix_upload_slot", "upload", ["slot"])
    op.create_index("ix_upload_blob", "upload", ["blob_id"])
