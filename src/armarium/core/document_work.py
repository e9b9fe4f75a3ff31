"""Making documents: the work behind the jobs of `documents.py`."""

from collections.abc import Sequence
from typing import Any

import msgspec

from armarium.core.documents import Keeper, completed_values
from armarium.core.job_runner import Attempt, Effect
from armarium.domain.document import Passage, Recipe, Source, Target, TextFormat
from armarium.domain.errors import Invalid, NotFound
from armarium.domain.identifiers import ById
from armarium.domain.storage_keys import blob_key
from armarium.ports.blobs import Blobs
from armarium.ports.catalog import Catalog, Transaction
from armarium.ports.clock import Clock
from armarium.ports.documents import Converter, Writer

_recipe = msgspec.json.Decoder(Recipe)


class GenerateWork:
    """Implements `Work` for documents."""

    def __init__(self, catalog: Catalog, blobs: Blobs, clock: Clock, converter: Converter, writer: Writer) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._converter = converter
        self._writer = writer
        self._keeper = Keeper(blobs, clock)

    async def do(self, attempt: Attempt) -> Effect:
        recipe = _recipe.decode(attempt.job.payload)
        passages = [await self._passage(source) for source in recipe.sources]
        await attempt.report(20)
        passage = await self._written(recipe, passages)
        await attempt.report(60)
        made = await self._converted(passage, recipe.target)
        await attempt.report(80)
        stored = await self._keeper.put(recipe.file_name, recipe.target.media_type, _once(made))

        async def effect(tx: Transaction) -> Any:
            found = await tx.find_artifact(ById(attempt.job.artifact_id)) if attempt.job.artifact_id else None
            if found is None:
                raise NotFound("artifact", str(attempt.job.artifact_id))
            await self._keeper.give(tx, found, completed_values(found.artifact), stored)
            return {"size": stored[0].size_bytes, "sha256": stored[0].sha256}

        return effect

    async def _passage(self, source: Source) -> Passage:
        entries = await self._catalog.find_files(source.version_id, [source.path])
        if source.path not in entries:
            raise NotFound("file", source.path, f"The source '{source.title}' is not there any more.")
        content = await self._blobs.read(blob_key(entries[source.path].blob_id))
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Invalid("source", f"The source '{source.title}' is no UTF-8 text.") from None
        return Passage(title=source.title, text=text, format=source.format)

    async def _written(self, recipe: Recipe, passages: Sequence[Passage]) -> Passage:
        if recipe.kind is not None:
            given = [*passages, *([recipe.text] if recipe.text else [])]
            text = await self._writer.write(recipe.kind, recipe.title, given, recipe.instructions)
            return Passage(title=recipe.title, text=text, format=TextFormat.MARKDOWN)
        passage = recipe.text or passages[0]
        return msgspec.structs.replace(passage, title=recipe.title)

    async def _converted(self, passage: Passage, target: Target) -> bytes:
        if target is Target.MARKDOWN and passage.format is TextFormat.MARKDOWN:
            return f"# {passage.title}\n\n{passage.text}".encode()
        return await self._converter.convert(passage, target)


async def _once(content: bytes) -> Any:
    yield content
