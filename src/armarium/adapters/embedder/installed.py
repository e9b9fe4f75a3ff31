"""`fastembed:<model>` and `sentence-transformers:<model>` - models that run here, where their package is installed.

A model is taken from where its package keeps them; nothing is ever downloaded by a request.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from armarium.domain.errors import Invalid, Unsupported

Encode = Callable[[list[str]], Any]


class InstalledEmbedder:
    """Loads its model when it is first asked, and works in a thread."""

    def __init__(self, name: str, load: Callable[[str], Encode]) -> None:
        self._name = name
        self._load = load
        self._encode: Encode | None = None
        self._loading = asyncio.Lock()

    async def embed(self, texts: Sequence[str], dimension: int) -> list[bytes]:
        """Raises Unsupported, naming what is missing, when package or model are not there."""
        async with self._loading:
            if self._encode is None:
                self._encode = await asyncio.to_thread(self._load, self._name)
        return await asyncio.to_thread(self._vectors, self._encode, list(texts), dimension)

    @staticmethod
    def _vectors(encode: Encode, texts: list[str], dimension: int) -> list[bytes]:
        import numpy as np  # noqa: PLC0415 - both packages bring it

        vectors = [np.asarray(vector, np.dtype("<f4")) for vector in encode(texts)]
        wrong = next((len(vector) for vector in vectors if len(vector) != dimension), None)
        if wrong is not None:
            raise Invalid(
                "embedding_model", f"The model makes vectors of {wrong} numbers where the collection has {dimension}."
            )
        return [vector.tobytes() for vector in vectors]


def load_fastembed(name: str) -> Encode:
    try:
        from fastembed import TextEmbedding  # noqa: PLC0415 - optional
    except ImportError:
        raise Unsupported(
            "The embedding model 'fastembed:...' needs the package 'fastembed' on the server: pip install fastembed."
        ) from None
    try:
        model = TextEmbedding(name, local_files_only=True)
    except Exception:  # noqa: BLE001 - whatever the package cannot do, the model cannot be used
        raise _not_there(name) from None
    encode: Encode = model.embed
    return encode


def load_sentence_transformer(name: str) -> Encode:
    try:
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - optional
    except ImportError:
        raise Unsupported(
            "The embedding model 'sentence-transformers:...' needs the package 'sentence-transformers' on the server: "
            "pip install sentence-transformers."
        ) from None
    try:
        model = SentenceTransformer(name, local_files_only=True)
    except Exception:  # noqa: BLE001 - whatever the package cannot do, the model cannot be used
        raise _not_there(name) from None
    return lambda texts: model.encode(texts, normalize_embeddings=True)


def _not_there(name: str) -> Unsupported:
    return Unsupported(f"The embedding model '{name}' is not on the server: an operator has to download it first.")
