"""Workspaces by UUID, and the buckets they have the keys of."""

import sqlalchemy as sa
from alembic import op

from armarium.domain.identifiers import workspace_uuid

revision = "0003"
down_revision = "0002"

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("workspace", sa.Column("uuid", WORD, nullable=True))
    _fill_uuids()
    op.create_index("ix_workspace_uuid", "workspace", ["uuid"], unique=True)
    op.create_table(
        "bucket",
        sa.Column("id", WORD, nullable=False),
        sa.Column("workspace", WORD, nullable=False),
        sa.Column("endpoint", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["workspace"], ["workspace.name"], name="fk_bucket_workspace", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_bucket"),
        sa.UniqueConstraint("workspace", "name", "endpoint", name="uq_bucket_name"),
    )


def _fill_uuids() -> None:
    connection = op.get_bind()
    workspace = sa.table("workspace", sa.column("name"), sa.column("uuid"))
    named = [name for (name,) in connection.execute(sa.select(workspace.c.name))]
    change = sa.update(workspace).where(workspace.c.name == sa.bindparam("of")).values(uuid=sa.bindparam("uuid"))
    if named:
        connection.execute(change, [{"of": name, "uuid": workspace_uuid(name)} for name in named])
