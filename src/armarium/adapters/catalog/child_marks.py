"""When a child of a collection with a semantic index changes, the database itself marks it.

However that happens (a version committed or removed, a manifest edited, a move, a deletion with all that is below),
the mark is part of the same transaction, so that no change is ever missed. Artifacts elsewhere cost one look-up.
"""

_INDEXED = "EXISTS (SELECT 1 FROM semantic_index WHERE artifact_id = {collection})"
_MARK = (
    "INSERT INTO semantic_mark (collection_id, artifact_id, stamp) SELECT {collection}, {child}, {stamp} "
    "WHERE " + _INDEXED + " ON CONFLICT (collection_id, artifact_id) DO UPDATE SET stamp = excluded.stamp"
)


def _sqlite(name: str, event: str, when: str, collection: str, child: str) -> str:
    mark = _MARK.format(collection=collection, child=child, stamp="random()")
    return f"CREATE TRIGGER {name} AFTER {event}{when} BEGIN {mark}; END"


_PARENT = "(SELECT parent_id FROM artifact WHERE id = {}.artifact_id)"
_MOVED = " WHEN NEW.parent_id IS NOT NULL AND NEW.parent_id IS NOT OLD.parent_id"

_FORGET = (
    "CREATE TRIGGER forget_marks AFTER DELETE ON semantic_index "
    "BEGIN DELETE FROM semantic_mark WHERE collection_id = OLD.artifact_id; END"
)

CHILD_MARKS = (
    _sqlite("mark_committed", "INSERT ON version", "", _PARENT.format("NEW"), "NEW.artifact_id"),
    _sqlite("mark_withdrawn", "DELETE ON version", "", _PARENT.format("OLD"), "OLD.artifact_id"),
    _sqlite("mark_removed", "DELETE ON artifact", " WHEN OLD.parent_id IS NOT NULL", "OLD.parent_id", "OLD.id"),
    _sqlite(
        "mark_changed", "UPDATE OF manifest, parent_id ON artifact", " WHEN OLD.parent_id IS NOT NULL", "OLD.parent_id",
        "OLD.id",
    ),
    _sqlite("mark_moved", "UPDATE OF parent_id ON artifact", _MOVED, "NEW.parent_id", "NEW.id"),
    _FORGET,
)  # fmt: skip
"""For SQLite, as DDL."""


def _postgres(name: str, event: str, function: str) -> str:
    return f"CREATE TRIGGER {name} AFTER {event} FOR EACH ROW EXECUTE FUNCTION {function}()"


_POSTGRES_MARK = _MARK.format(collection="$1", child="$2", stamp="floor(random() * 9e15)::bigint")

POSTGRES_CHILD_MARKS = (
    f"CREATE FUNCTION armarium_mark(text, text) RETURNS void LANGUAGE sql AS $$ {_POSTGRES_MARK} $$",
    """
CREATE FUNCTION armarium_mark_artifact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.parent_id IS NOT NULL THEN
        PERFORM armarium_mark(OLD.parent_id, OLD.id);
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF NEW.parent_id IS NOT NULL AND NEW.parent_id IS DISTINCT FROM OLD.parent_id THEN
            PERFORM armarium_mark(NEW.parent_id, NEW.id);
        END IF;
    END IF;
    RETURN NULL;
END $$
""",
    """
CREATE FUNCTION armarium_mark_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    child text;
BEGIN
    IF TG_OP = 'INSERT' THEN child := NEW.artifact_id; ELSE child := OLD.artifact_id; END IF;
    PERFORM armarium_mark(parent_id, id) FROM artifact WHERE id = child AND parent_id IS NOT NULL;
    RETURN NULL;
END $$
""",
    """
CREATE FUNCTION armarium_forget_marks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM semantic_mark WHERE collection_id = OLD.artifact_id;
    RETURN NULL;
END $$
""",
    _postgres("mark_version", "INSERT OR DELETE ON version", "armarium_mark_version"),
    _postgres("mark_artifact", "DELETE OR UPDATE OF manifest, parent_id ON artifact", "armarium_mark_artifact"),
    _postgres("forget_marks", "DELETE ON semantic_index", "armarium_forget_marks"),
)
"""For PostgreSQL, as DDL."""
