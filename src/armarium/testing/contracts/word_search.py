"""Words looked for in any vector index, held against a plain reading of the payloads."""

import json
import math
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from armarium.domain.query import EVERYTHING, Equals, Field
from armarium.domain.vector import Hits, VectorQuery, VectorSpace, Words, checked_words
from armarium.ports.catalog import Catalog
from armarium.ports.vectors import VectorIndex
from armarium.testing.contracts.catalog_fixtures import an_artifact, clock
from armarium.testing.contracts.vectors import an_item

SPACE = VectorSpace(dimension=2)
texts = st.lists(
    st.sampled_from(["tide", "Tide", "tidal wave", "rock-pool", "Straße", "nine\nlines", 'say "so"', "a\\nb", ""]),
    max_size=4,
).map(" ".join)
ids = st.sampled_from([f"v{n}" for n in range(8)])
steps = st.lists(
    st.tuples(st.just("put"), st.lists(st.tuples(ids, texts), min_size=1, max_size=5))
    | st.tuples(st.just("remove"), st.lists(ids, min_size=1, max_size=4)),
    min_size=1,
    max_size=5,
)
wanted = st.lists(
    st.sampled_from(["tide", "TID", "wave", "l w", "strasse", "k-p", "lines", "text", "nothing", '"', "o\\", "é"]),
    min_size=1,
    max_size=3,
)


def plain(text: str) -> str:
    """The JSON of a payload as words are looked for in it."""
    folded = json.dumps({"text": text}, ensure_ascii=False, separators=(",", ":")).casefold()
    return folded.replace("\\\\", "\0").replace("\\n", " ").replace("\0", "\\\\")


def relevance(payloads: dict[str, str], words: Words) -> dict[str, float]:
    """BM25 as the textbooks have it, of what is found."""
    read = {id_: plain(text) for id_, text in payloads.items()}
    lengths = {id_: len(re.findall(r"\w+", text)) for id_, text in read.items()}
    average = max(sum(lengths.values()) / max(len(read), 1), 1)
    scores = {}
    for id_, text in read.items():
        counts = [_count(text, word) for word in words.texts]
        if not (all if words.every else any)(counts):
            continue
        norm = 1.2 * (0.25 + 0.75 * lengths[id_] / average)
        holding = [sum(_count(other, word) > 0 for other in read.values()) for word in words.texts]
        rarity = [math.log(1 + (len(read) - number + 0.5) / (number + 0.5)) for number in holding]
        scores[id_] = sum(
            rare * 2.2 * count / (count + norm) for rare, count in zip(rarity, counts, strict=True) if count
        )
    return scores


def _count(text: str, word: str) -> int:
    """In how many words of a text one is; what is no word, how often it is there."""
    if re.fullmatch(r"\w+", word):
        return sum(word in run for run in re.findall(r"\w+", text))
    return text.count(word)


class WordSearchContract:
    """Needs fixtures `catalog` and `index`, an index of the vectors in it."""

    @settings(
        max_examples=40,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(steps, st.lists(wanted, min_size=1, max_size=3), st.booleans())
    async def test_words_are_found_most_relevant_first(
        self, catalog: Catalog, index: VectorIndex, history: list[Any], asked: list[list[str]], every: bool
    ) -> None:
        artifact_id = await an_artifact(catalog, f"a{clock.new_id()}")
        payloads: dict[str, str] = {}
        for kind, what in history:
            async with catalog.transaction() as tx:
                if kind == "put":
                    await tx.put_vectors(artifact_id, [an_item(id_, text=text) for id_, text in what], update=True)
                    payloads |= dict(what)
                else:
                    await tx.remove_vectors(artifact_id, what)
                    payloads = {id_: text for id_, text in payloads.items() if id_ not in what}
            for texts_asked in asked:
                words = checked_words(texts_asked, every=every)
                assert words is not None
                hits = await index.search(artifact_id, SPACE, VectorQuery(words=words, limit=100))
                self._check(hits, relevance(payloads, words))

    def _check(self, hits: Hits, expected: dict[str, float]) -> None:
        assert hits.total == len(hits.hits) == len(expected)
        assert {hit.id: hit.score for hit in hits.hits} == pytest.approx(expected, rel=1e-4)
        scores = [expected[hit.id] for hit in hits.hits]
        assert scores == pytest.approx(sorted(scores, reverse=True))

    async def test_words_go_with_filters_pages_and_orders(self, catalog: Catalog, index: VectorIndex) -> None:
        artifact_id = await an_artifact(catalog)
        items = [an_item(f"v{n}", 1, n, text="sea " * (n + 1), even=n % 2 == 0, n=-n) for n in range(6)]
        async with catalog.transaction() as tx:
            await tx.put_vectors(artifact_id, [*items, an_item("rock", text="rock")], update=False)
        words = Words(texts=("sea",))
        even = Equals(Field("payload", "even"), True)
        assert await self._found(index, artifact_id, words=words, where=even) == ["v4", "v2", "v0"]
        assert await self._found(index, artifact_id, words=words, offset=1, limit=2) == ["v4", "v3"]
        assert await self._found(index, artifact_id, words=words, order_by="n", limit=2) == ["v5", "v4"]
        assert await self._found(index, artifact_id, words=Words(texts=("rock", "sea"))) == []

    async def test_only_those_asked_among_and_only_what_was_there_till_then(
        self, catalog: Catalog, index: VectorIndex
    ) -> None:
        artifact_id = await an_artifact(catalog)
        for n in range(3):
            async with catalog.transaction() as tx:
                await tx.put_vectors(artifact_id, [an_item(f"v{n}", 1, n, text="sea")], update=False)
        among = frozenset({"v0", "v2", "unknown"})
        assert await self._found(index, artifact_id, among=among) == ["v0", "v2"]
        assert await self._found(index, artifact_id, among=frozenset()) == []
        assert await self._found(index, artifact_id, until=2) == ["v0", "v1"]
        assert await self._found(index, artifact_id, until=1, words=Words(texts=("sea",))) == ["v0"]

    async def _found(self, index: VectorIndex, artifact_id: Any, **more: Any) -> list[str]:
        hits = await index.search(artifact_id, SPACE, VectorQuery(**{"where": EVERYTHING, "limit": 10, **more}))
        return [hit.id for hit in hits.hits]
