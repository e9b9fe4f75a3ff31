"""`openai:<model>` - any service that speaks the OpenAI embeddings API, at the address the operator set."""

from array import array
from collections.abc import Sequence

import aiohttp
import msgspec

from armarium.domain.errors import Invalid, Refused, Unavailable

_TEXTS_AT_ONCE = 256
_MAX_ANSWER_BYTES = 64 << 20
_TIMEOUT = aiohttp.ClientTimeout(total=60, connect=10)


class _Embedding(msgspec.Struct):
    index: int
    embedding: list[float]


class _Answer(msgspec.Struct):
    data: list[_Embedding]


class RemoteEmbedder:
    """Sends texts in batches. url: without `/embeddings`; the key never leaves this object but to that address."""

    def __init__(self, url: str, key: str | None, model: str) -> None:
        self._url = f"{url.rstrip('/')}/embeddings"
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._model = model

    async def embed(self, texts: Sequence[str], dimension: int) -> list[bytes]:
        """Raises Unavailable when the service cannot be reached, Refused when it answers anything but vectors."""
        vectors: list[bytes] = []
        try:
            async with aiohttp.ClientSession(timeout=_TIMEOUT, headers=self._headers) as session:
                for first in range(0, len(texts), _TEXTS_AT_ONCE):
                    batch = list(texts[first : first + _TEXTS_AT_ONCE])
                    vectors += await self._batch(session, batch, dimension)
        except (aiohttp.ClientError, TimeoutError):
            raise Unavailable("The embedding service cannot be reached.") from None
        return vectors

    async def _batch(self, session: aiohttp.ClientSession, texts: list[str], dimension: int) -> list[bytes]:
        asked = {"model": self._model, "input": texts, "encoding_format": "float"}
        async with session.post(self._url, json=asked, allow_redirects=False) as response:
            body = await response.content.read(_MAX_ANSWER_BYTES)
            if response.status >= 500 or response.status == 429:
                raise Unavailable("The embedding service is busy.")
            if response.status != 200:
                raise Refused(f"The embedding service refused the text (status {response.status}).")
        return _read(body, len(texts), dimension)


def _read(body: bytes, count: int, dimension: int) -> list[bytes]:
    try:
        data = sorted(msgspec.json.decode(body, type=_Answer).data, key=lambda item: item.index)
    except msgspec.DecodeError:
        raise Refused("The embedding service gave an answer nobody can read.") from None
    if [item.index for item in data] != list(range(count)):
        raise Refused("The embedding service left texts out.")
    found = {len(item.embedding) for item in data}
    if found - {dimension}:
        raise Invalid(
            "embedding_model", f"The model makes vectors of {min(found)} numbers where the collection has {dimension}."
        )
    return [array("f", item.embedding).tobytes() for item in data]
