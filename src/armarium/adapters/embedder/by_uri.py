"""Embedders by name: `hashing:`, `openai:<model>`, `fastembed:<model>`, `sentence-transformers:<model>`."""

from collections.abc import Callable

from armarium.adapters.embedder.hashing import HashingEmbedder
from armarium.adapters.embedder.installed import InstalledEmbedder, load_fastembed, load_sentence_transformer
from armarium.domain.errors import Invalid, Unsupported
from armarium.ports.vectors import Embedder

_MOST_KEPT = 16


class EmbeddersByUri:
    """The `Embedders` port; what was found once is kept, since a model takes long to load.

    url, key: of the service behind `openai:`; None where the operator named none.
    """

    def __init__(self, url: str | None, key: str | None) -> None:
        self._url = url
        self._key = key
        self._found: dict[str, Embedder] = {}
        self._makers: dict[str, Callable[[str], Embedder]] = {
            "hashing": lambda _: HashingEmbedder(),
            "openai": self._remote,
            "fastembed": lambda model: InstalledEmbedder(model, load_fastembed),
            "sentence-transformers": lambda model: InstalledEmbedder(model, load_sentence_transformer),
        }

    def find(self, uri: str) -> Embedder:
        """`<org>/<model>` without a scheme is a fastembed model. Raises Invalid, Unsupported."""
        scheme, colon, model = uri.partition(":")
        if not colon and "/" in uri:
            scheme, model = "fastembed", uri
        maker = self._makers.get(scheme)
        if maker is None or not (model if scheme != "hashing" else colon):
            known = ", ".join(f"{name}:" for name in self._makers)
            raise Invalid("embedding_model", f"Unsupported embedding model '{uri}': begin with one of {known}.")
        key = f"{scheme}:{model}"
        if key not in self._found:
            if len(self._found) >= _MOST_KEPT:
                self._found.clear()
            self._found[key] = maker(model)
        return self._found[key]

    def _remote(self, model: str) -> Embedder:
        if self._url is None:
            raise Unsupported("The embedding model 'openai:...' needs a service, which this server was not told of.")
        from armarium.adapters.embedder.remote import RemoteEmbedder  # noqa: PLC0415 - its HTTP client loads slowly

        return RemoteEmbedder(self._url, self._key, model)
