"""What is inside archives, and the checksum a zip needs of every blob."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("blob", sa.Column("crc32", sa.BigInteger(), nullable=True))
    op.create_table(
        "archive",
        sa.Column("blob_id", WORD, nullable=False),
        sa.ForeignKeyConstraint(["blob_id"], ["blob.id"], name="fk_archive_blob_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("blob_id", name="pk_archive"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "archive_member",
        sa.Column("blob_id", WORD, nullable=False),
        sa.Column("directory", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("compressed_bytes", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.Integer(), nullable=False),
        sa.Column("crc32", sa.BigInteger(), nullable=False),
        sa.Column("is_encrypted", sa.Integer(), nullable=False),
        sa.Column("modified_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["blob_id"], ["blob.id"], name="fk_archive_member_blob_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("blob_id", "directory", "name", name="pk_archive_member"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "archive_folder",
        sa.Column("blob_id", WORD, nullable=False),
        sa.Column("directory", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("modified_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["blob_id"], ["blob.id"], name="fk_archive_folder_blob_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("blob_id", "directory", "name", name="pk_archive_folder"),
        sqlite_with_rowid=False,
    )
