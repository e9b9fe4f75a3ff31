"""When a blob loses its last reference, the database itself writes down the moment.

However a row goes (a version removed, a draft discarded, a whole artifact with a cascade), its blob's `released_at`
is set in the same transaction. The sweeper counts its grace period from there, so deleting something old does
not make its bytes sweepable at once.
"""

_NOW = "(julianday('now') - 2440587.5) * 86400.0"
_NEEDED = "EXISTS (SELECT 1 FROM file WHERE blob_id = OLD.blob_id)"
_STAGED = "EXISTS (SELECT 1 FROM draft_file WHERE blob_id = OLD.blob_id)"


def _release(name: str, event: str, table: str) -> str:
    return (  # every part is a constant of this module
        f"CREATE TRIGGER {name} AFTER {event} ON {table} "  # noqa: S608
        f"WHEN OLD.blob_id IS NOT NULL AND NOT {_NEEDED} AND NOT {_STAGED} "
        f"BEGIN UPDATE blob SET released_at = {_NOW} WHERE id = OLD.blob_id; END"
    )


TRIGGERS = (
    _release("release_file", "DELETE", "file"),
    _release("release_file_replaced", "UPDATE OF blob_id", "file"),
    _release("release_draft_file", "DELETE", "draft_file"),
    _release("release_draft_file_replaced", "UPDATE OF blob_id", "draft_file"),
)
"""For SQLite, as DDL."""
