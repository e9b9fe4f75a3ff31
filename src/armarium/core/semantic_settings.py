"""How a collection is searched by meaning, and what becomes of its index when that changes."""

import msgspec

from armarium.domain.errors import Invalid
from armarium.domain.identifiers import ArtifactId
from armarium.domain.semantic import SETTING, SemanticSearch, semantic_search_of
from armarium.ports.catalog import Transaction

_MARK = SETTING.encode()


def semantic_settings(config: msgspec.Raw, type: str) -> SemanticSearch | None:
    """None where it is not, and where what an old config says of it means nothing."""
    if _MARK not in bytes(config):
        return None
    try:
        return semantic_search_of(msgspec.json.decode(config), type)
    except Invalid:
        return None


async def follow_settings(
    tx: Transaction, collection_id: ArtifactId, *, before: SemanticSearch | None, after: SemanticSearch | None
) -> None:
    """Open, close or begin anew the index of a collection whose settings change in this transaction."""
    if after == before:
        return
    if before is not None and (after is None or after.space != before.space):
        await tx.clear_vectors(collection_id)
    if after is None:
        await tx.close_semantic_index(collection_id)
    else:
        await tx.open_semantic_index(collection_id)
