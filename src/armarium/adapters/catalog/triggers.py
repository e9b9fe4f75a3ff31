"""When a blob loses its last reference, the database itself writes down the moment.

However a row goes (a version removed, a draft discarded, a whole artifact with a cascade), its blob's `released_at`
is set in the same transaction. The sweeper counts its grace period from there, so deleting something old does
not make its bytes sweepable at once.
"""

_EVENTS = (
    ("release_file", "DELETE", "file"),
    ("release_file_replaced", "UPDATE OF blob_id", "file"),
    ("release_draft_file", "DELETE", "draft_file"),
    ("release_draft_file_replaced", "UPDATE OF blob_id", "draft_file"),
)

_NOW = "(julianday('now') - 2440587.5) * 86400.0"
_NEEDED = "EXISTS (SELECT 1 FROM file WHERE blob_id = OLD.blob_id)"
_STAGED = "EXISTS (SELECT 1 FROM draft_file WHERE blob_id = OLD.blob_id)"


def _release(name: str, event: str, table: str) -> str:
    return (  # every part is a constant of this module
        f"CREATE TRIGGER {name} AFTER {event} ON {table} "  # noqa: S608
        f"WHEN OLD.blob_id IS NOT NULL AND NOT {_NEEDED} AND NOT {_STAGED} "
        f"BEGIN UPDATE blob SET released_at = {_NOW} WHERE id = OLD.blob_id; END"
    )


TRIGGERS = tuple(_release(*event) for event in _EVENTS)
"""For SQLite, as DDL."""

# Of two transactions that take the last two references, the second must see what the first did: it waits for the
# row of the blob, and looks with a statement that begins after that.
_RELEASE = f"""
CREATE FUNCTION armarium_release() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM blob WHERE id = OLD.blob_id FOR NO KEY UPDATE;
    IF NOT {_NEEDED} AND NOT {_STAGED} THEN
        UPDATE blob SET released_at = extract(epoch FROM clock_timestamp()) WHERE id = OLD.blob_id;
    END IF;
    RETURN NULL;
END $$
"""  # noqa: S608 - every part is a constant of this module

POSTGRES_TRIGGERS = (
    _RELEASE,
    *(
        f"CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW WHEN (OLD.blob_id IS NOT NULL) "
        "EXECUTE FUNCTION armarium_release()"
        for name, event, table in _EVENTS
    ),
)
"""For PostgreSQL, as DDL."""
