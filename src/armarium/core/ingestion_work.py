"""Adding documents to a vector collection: the work behind the jobs of `ingestion.py`."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from armarium.core.ingestion import Ingest
from armarium.core.job_runner import Attempt, Effect
from armarium.core.vectors import NewVector, checked_items, require_vectors, space_in
from armarium.domain.artifact import Found
from armarium.domain.document import Passage, Target, TextFormat
from armarium.domain.errors import Conflict, Invalid, NotFound, TooLarge
from armarium.domain.identifiers import ArtifactId, ById
from armarium.domain.passages import Material, spans_of
from armarium.domain.storage_keys import blob_key
from armarium.domain.vector import VectorItem, VectorSpace
from armarium.ports.blobs import Blobs
from armarium.ports.catalog import Catalog, Reader, Transaction
from armarium.ports.documents import Converter
from armarium.ports.vectors import Embedders

MOST_PASSAGES = 20_000
_AT_ONCE = 64
"""Passages embedded in one go."""
_READ, _EMBEDDED = 10, 90
"""Percent of the job done when all texts are read, and when all passages are embedded."""

_ingest = msgspec.json.Decoder(Ingest)


class IngestWork:
    """Implements `Work`. The same job done twice makes the same ids, and all of it is kept at once or not at all."""

    def __init__(self, catalog: Catalog, blobs: Blobs, converter: Converter, embedders: Embedders) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._converter = converter
        self._embedders = embedders

    async def do(self, attempt: Attempt) -> Effect:
        ingest = _ingest.decode(attempt.job.payload)
        found = await _collection(self._catalog, attempt.job.artifact_id)
        space = space_in(found)
        passages = await self._passages(ingest)
        await attempt.report(_READ)
        items: list[VectorItem] = []
        async for batch in self._embedded(space, ingest.model, passages):
            items += checked_items(found, space, batch)
            await attempt.report(_READ + (_EMBEDDED - _READ) * len(items) // len(passages))

        async def effect(tx: Transaction) -> Any:
            locked = await _collection(tx, attempt.job.artifact_id)
            if space_in(locked) != space:
                raise Conflict("The collection was changed meanwhile.")
            before = await tx.vector_ids(found.artifact.id, [f"{material.key}-" for material in ingest.materials])
            await tx.put_vectors(found.artifact.id, items, update=True)
            kept = {item.id for item in items}
            await tx.remove_vectors(found.artifact.id, [id_ for id_ in before if id_ not in kept])
            return {"documents": len(ingest.materials), "passages": len(items)}

        return effect

    async def _passages(self, ingest: Ingest) -> list[NewVector]:
        passages: list[NewVector] = []
        for material in ingest.materials:
            text = await self._text(material)
            for span in spans_of(text, ingest.cut):
                cut_out = text[span.start : span.end]
                where = {"source": material.source, "start": span.start, "end": span.end, "text": cut_out}
                if material.artifact_id:
                    where["artifact_id"] = material.artifact_id
                passages.append(NewVector(material.passage_id(span), cut_out, {**material.payload, **where}))
            if len(passages) > MOST_PASSAGES:
                raise TooLarge(f"The documents have more than {MOST_PASSAGES:,} passages: add them in several parts.")
        return passages

    async def _text(self, material: Material) -> str:
        """A text as it is cut. HTML is read as the Markdown that says the same."""
        text = material.text if material.text is not None else await self._file(material)
        if material.format is not TextFormat.HTML:
            return text
        page = Passage(title=material.source, text=text, format=TextFormat.HTML)
        return (await self._converter.convert(page, Target.MARKDOWN)).decode()

    async def _file(self, material: Material) -> str:
        entries = await self._catalog.find_files(material.version_id, [material.source]) if material.version_id else {}
        if material.source not in entries:
            raise NotFound("file", material.source, f"File '{material.source}' is not there any more.")
        content = await self._blobs.read(blob_key(entries[material.source].blob_id))
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Invalid("documents", f"File '{material.source}' is no UTF-8 text.") from None

    async def _embedded(
        self, space: VectorSpace, model: str | None, passages: Sequence[NewVector]
    ) -> AsyncIterator[list[NewVector]]:
        uri = model or space.model
        if uri is None:
            raise Invalid("embedding_model", "The collection has no embedding model any more.")
        embedder = self._embedders.find(uri)
        for at in range(0, len(passages), _AT_ONCE):
            batch = passages[at : at + _AT_ONCE]
            vectors = await embedder.embed([str(passage.vector) for passage in batch], space.dimension)
            yield [
                msgspec.structs.replace(passage, vector=vector) for passage, vector in zip(batch, vectors, strict=True)
            ]


async def _collection(reader: Reader, artifact_id: ArtifactId | None) -> Found:
    found = await reader.find_artifact(ById(artifact_id)) if artifact_id else None
    if found is None:
        raise NotFound("artifact", str(artifact_id))
    require_vectors(found)
    return found
