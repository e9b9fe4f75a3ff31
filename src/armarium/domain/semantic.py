"""Semantic search of a collection: which texts of its children are embedded, and by what."""

from collections.abc import Mapping
from typing import Any

import msgspec

from armarium.domain.errors import Invalid
from armarium.domain.manifest import value_at
from armarium.domain.vector import VECTOR_COLLECTION, VectorSpace, space_of

SETTING = "semantic_search"
MOST_FIELDS = 16
MOST_CHARACTERS = 20_000
"""So much of what an artifact says is embedded."""
_KNOWN = frozenset({"embedding_model", "dimension", "fields"})
_TEXTS = ""
"""Key of the texts in a payload; it has no letters, so that no word is found in it."""


class SemanticSearch(msgspec.Struct, frozen=True, kw_only=True):
    """How a collection is searched by meaning. fields: paths in the manifests of its children."""

    model: str
    dimension: int
    fields: tuple[str, ...] = ("name", "description", "tags")

    @property
    def space(self) -> VectorSpace:
        return VectorSpace(dimension=self.dimension, model=self.model)


def semantic_search_of(config: Mapping[str, Any], type: str) -> SemanticSearch | None:
    """Read how a collection is searched by meaning, None where it is not. Raises Invalid."""
    given = config.get(SETTING)
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise _invalid("it must be an object or null")
    if type == VECTOR_COLLECTION:
        raise _invalid("a vector collection is searched by its vectors")
    unknown = sorted(set(given) - _KNOWN)
    if unknown:
        raise _invalid(f"there is no setting '{unknown[0]}', only {', '.join(sorted(_KNOWN))}")
    space = space_of(given)
    if space.model is None:
        raise _invalid("it needs an 'embedding_model'")
    fields = given.get("fields")
    if fields is None:
        return SemanticSearch(model=space.model, dimension=space.dimension)
    if not isinstance(fields, list) or not all(isinstance(field, str) and field for field in fields):
        raise _invalid("'fields' must be a list of paths in the manifest")
    if not 1 <= len(fields) <= MOST_FIELDS:
        raise _invalid(f"there must be 1 to {MOST_FIELDS} 'fields'")
    return SemanticSearch(model=space.model, dimension=space.dimension, fields=tuple(dict.fromkeys(fields)))


def _invalid(reason: str) -> Invalid:
    return Invalid("config", f"Invalid {SETTING}: {reason}.")


def texts_of(manifest: Mapping[str, Any], fields: tuple[str, ...]) -> list[str]:
    """What a manifest says in some fields: texts, also those in lists, at most 20,000 characters in all."""
    texts: list[str] = []
    left = MOST_CHARACTERS
    for field in fields:
        held = value_at(manifest, field)
        for item in held if isinstance(held, list) else [held]:
            if isinstance(item, str) and item and left > 0:
                texts.append(item[:left])
                left -= len(texts[-1])
    return texts


def payload_of(texts: list[str]) -> msgspec.Raw:
    """What is kept beside the vector of an artifact: the texts that were embedded, in which words are looked for."""
    return msgspec.Raw(msgspec.json.encode({_TEXTS: texts}))
