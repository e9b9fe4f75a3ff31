"""Vector collections: points with a payload, and what may be asked of them."""

import enum
import math
from array import array
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from armarium.domain.errors import Invalid
from armarium.domain.query import EVERYTHING, Condition

MAX_DIMENSION = 4096
MAX_ID_LENGTH = 256
MAX_WORDS = 16
"""Texts that are looked for at once."""
PLACES = 1 << 32
"""Positions between two revisions."""
VECTOR_COLLECTION = "vector-collection"

_SETTINGS = ("dimension", "distance_metric", "embedding_model")


class Metric(enum.StrEnum):
    """How near two vectors are: by angle, by distance, by inner product."""

    COSINE = "cosine"
    L2 = "l2"
    INNER_PRODUCT = "ip"


class Engine(enum.StrEnum):
    """What is to search a collection, where the server has it."""

    EXACT = "exact"
    PGVECTOR = "pgvector"
    S3VECTOR = "s3vector"


class VectorSpace(msgspec.Struct, frozen=True, kw_only=True):
    """What the vectors of a collection have in common. model: URI of what turns text into them, None where nothing."""

    dimension: int = 384
    metric: Metric = Metric.COSINE
    model: str | None = None
    engine: Engine = Engine.EXACT


class VectorItem(msgspec.Struct, frozen=True, kw_only=True):
    """One vector. vector: float32, little-endian; payload: a JSON object."""

    id: str
    vector: bytes
    payload: msgspec.Raw


class VectorState(msgspec.Struct, frozen=True, kw_only=True):
    """How far a collection has come.

    revision: grows with every change. epoch: grows when what was removed is forgotten, and with it how to catch up.
    """

    item_count: int = 0
    revision: int = 0
    epoch: int = 0


class VectorChange(msgspec.Struct, frozen=True, kw_only=True):
    """What one vector became at a revision. position: its place in the order of arrival; item None: it is gone."""

    id: str
    revision: int
    position: int
    item: VectorItem | None


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """Texts to look for, without case, in the JSON of a payload. every: all of them must be there, not only one."""

    texts: tuple[str, ...]
    every: bool = True


class VectorQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which vectors of a collection, and in which order.

    vector: float32; nearest first. words: only what holds them, most relevant first; not beside a vector.
    order_by: a path of the payload which decides instead, what lacks it comes last.
    Without any of these the order of arrival counts.
    among: no ids but these. until: nothing that arrived after this revision.
    """

    vector: bytes | None = None
    words: Words | None = None
    where: Condition = EVERYTHING
    among: frozenset[str] | None = None
    until: int | None = None
    order_by: str | None = None
    descending: bool = False
    offset: int = 0
    limit: int = 5


class Hit(msgspec.Struct, frozen=True):
    """A vector that was found.

    score: 1 is the same direction (cosine) or place (l2); for words the relevance; None without vector and words.
    """

    id: str
    score: float | None


class Hits(msgspec.Struct, frozen=True):
    """One page of a search. total: how many vectors match in all."""

    hits: list[Hit]
    total: int


def last_position(revision: int) -> int:
    """The last place in the order of arrival at a revision."""
    return (revision + 1) * PLACES - 1


def checked_words(texts: Sequence[str], *, every: bool = True) -> Words | None:
    """Fold texts and leave out empty ones; None where nothing is left. Raises Invalid."""
    folded = tuple(dict.fromkeys(text.casefold() for text in texts if text))
    if len(folded) > MAX_WORDS:
        raise Invalid("keywords", f"Invalid keywords: there can be at most {MAX_WORDS} beside a ranking.")
    return Words(texts=folded, every=every) if folded else None


def completed_config(manifest: Mapping[str, Any], config: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return manifest and config of a new vector collection, with `vector_config` moved and every setting spelled out.

    Raises Invalid.
    """
    manifest, config = dict(manifest), dict(config)
    if config.get("vector_fields") is not None:
        raise Invalid("config", "Invalid config: 'vector_fields' is not supported any more, use 'dimension'.")
    moved = manifest.pop("vector_config", None)
    if moved is not None:
        if not isinstance(moved, Mapping):
            raise Invalid("manifest", "Invalid manifest: 'vector_config' must be an object.")
        config |= {name: moved[name] for name in _SETTINGS if name in moved}
        config["vector_engine"] = moved.get("engine") or config.get("vector_engine")
    space = space_of(config)
    completed = {"dimension": space.dimension, "distance_metric": str(space.metric), "vector_engine": str(space.engine)}
    return manifest, {**config, **completed, "embedding_model": space.model}


def space_of(config: Mapping[str, Any]) -> VectorSpace:
    """Read what the vectors of a collection have in common. Raises Invalid."""
    dimension = config.get("dimension")
    dimension = VectorSpace().dimension if dimension is None else dimension
    if isinstance(dimension, bool) or not isinstance(dimension, int) or not 1 <= dimension <= MAX_DIMENSION:
        raise Invalid("config", f"Invalid dimension: it must be a whole number from 1 to {MAX_DIMENSION}.")
    metric = config.get("distance_metric") or Metric.COSINE
    if metric not in list(Metric):
        raise Invalid("config", f"Invalid distance_metric '{metric}': use one of {', '.join(Metric)}.")
    model = config.get("embedding_model")
    if not isinstance(model, str | None):
        raise Invalid("config", "Invalid embedding_model: it must be a string.")
    engine = config.get("vector_engine") or Engine.EXACT
    if engine not in list(Engine):
        raise Invalid("config", f"Unsupported vector engine type: {engine}. Use one of {', '.join(Engine)}.")
    return VectorSpace(dimension=dimension, metric=Metric(metric), model=model or None, engine=Engine(engine))


def checked_id(given: object) -> str:
    """Return the id of a vector as text: a non-empty string or a whole number."""
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise Invalid("id", "it needs an 'id', a string or a whole number")
    text = str(given)
    if not text or len(text) > MAX_ID_LENGTH or "\x00" in text:
        raise Invalid("id", f"its 'id' must have 1 to {MAX_ID_LENGTH} characters")
    return text


def checked_vector(given: object, dimension: int) -> bytes:
    """Return a list of numbers, or the bytes of float32 numbers, as float32. Raises Invalid."""
    if isinstance(given, bytes | bytearray | memoryview):
        numbers = _from_bytes(bytes(given))
    elif isinstance(given, Sequence) and not isinstance(given, str):
        numbers = _from_numbers(given)
    else:
        raise Invalid("vector", "its 'vector' must be a list of numbers or the bytes of float32 numbers")
    if len(numbers) != dimension:
        raise Invalid("vector", f"its 'vector' has {len(numbers)} numbers where the collection has {dimension}")
    if not math.isfinite(sum(numbers)):
        raise Invalid("vector", "its 'vector' holds a number that is not finite")
    return numbers.tobytes()


def _from_bytes(given: bytes) -> "array[float]":
    if len(given) % 4:
        raise Invalid("vector", "its 'vector' is not the bytes of float32 numbers")
    return array("f", given)


def _from_numbers(given: Sequence[Any]) -> "array[float]":
    try:
        if any(isinstance(number, bool | str) for number in given):
            raise TypeError
        return array("f", given)
    except (TypeError, OverflowError):
        raise Invalid("vector", "its 'vector' holds something that is not a number") from None


def numbers_of(vector: bytes) -> list[float]:
    """A stored vector as numbers."""
    return array("f", vector).tolist()
