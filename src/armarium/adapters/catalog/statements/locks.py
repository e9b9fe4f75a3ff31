"""Locks on rows, for databases where transactions do not take turns. SQLite, where they do, never runs these.

A lock is a statement of its own: the next one then sees what was committed while it waited.
"""

from typing import Any

from sqlalchemy import Select, bindparam, select

from armarium.adapters.catalog import tables as t
from armarium.adapters.catalog.constructs import InList


def lock_artifact(by_alias: bool, shared: bool) -> Select[Any]:
    """:workspace and :alias, or :id. shared: keeps it from being removed; else also from being locked by another."""
    a = t.artifact.c
    chosen = select(a.id)
    if by_alias:
        chosen = chosen.where(a.workspace == bindparam("workspace"), a.alias == bindparam("alias"))
    else:
        chosen = chosen.where(a.id == bindparam("id"))
    return chosen.with_for_update(key_share=True, read=shared)


def lock_for_removal() -> Select[Any]:
    """The artifacts of :ids, also against those who hold them shared."""
    return select(t.artifact.c.id).where(InList(t.artifact.c.id, "ids")).order_by(t.artifact.c.id).with_for_update()


def lock_slot() -> Select[Any]:
    """The artifact that :slot belongs to, against whoever works on its draft, but not against other slots."""
    source = t.artifact.join(t.draft_file, t.draft_file.c.artifact_id == t.artifact.c.id)
    chosen = select(t.artifact.c.id).select_from(source).where(t.draft_file.c.slot == bindparam("slot"))
    return chosen.with_for_update(read=True, of=t.artifact)


def lock_blobs() -> Select[Any]:
    return select(t.blob.c.id).where(InList(t.blob.c.id, "ids")).order_by(t.blob.c.id).with_for_update()


def lock_workspace(shared: bool) -> Select[Any]:
    chosen = select(t.workspace.c.name).where(t.workspace.c.name == bindparam("name"))
    return chosen.with_for_update(key_share=shared, read=shared)


def lock_user() -> Select[Any]:
    return select(t.user.c.id).where(t.user.c.id == bindparam("user_id")).with_for_update(key_share=True)
