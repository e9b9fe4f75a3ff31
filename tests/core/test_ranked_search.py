"""Hybrid search over artifacts on both databases, held against a plain reading of its definition."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from armarium.adapters.embedder.by_uri import EmbeddersByUri
from armarium.assembly import Parts, assemble, open_store, running, share_key
from armarium.core import Core
from armarium.core.ranked_search import MOST_AMONG, RankedSearch, Wanted
from armarium.core.relocation import Relocation
from armarium.core.semantic_index import INDEX
from armarium.core.versions import Changes
from armarium.domain.errors import Conflict, Forbidden
from armarium.domain.job import JobStatus
from armarium.domain.principal import Principal, Role
from armarium.domain.query import Between, Field, Query
from armarium.domain.ranking import CONSTANT
from armarium.domain.vector import VectorQuery, VectorSpace, Words
from armarium.settings import Settings

ADA = Principal(id="ada", grants={"ws-user-ada": Role.ADMIN})
BOB = Principal(id="bob", grants={"ws-user-bob": Role.ADMIN})
SETTING = {"embedding_model": "hashing:", "dimension": 32}
VOCABULARY = ["sea", "tide", "wave", "storm", "rock", "bird", "gull", "nest", "moon", "sand"]
NUMBERS = Field("manifest", "n")


@pytest.fixture(params=["sqlite", "postgres"])
async def parts(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Parts]:
    where = {}
    if request.param == "postgres":
        where["database"] = request.getfixturevalue("postgres").fresh()
    parts = assemble(Settings(data=tmp_path, **where), "http://x")
    async with running(parts) as core:
        for person in (ADA, BOB):
            await core.accounts.ensure_home(person.id)
        yield parts


async def follow(parts: Parts) -> None:
    """Let the index catch up."""
    await parts.index_feed.run()
    while await parts.runner.run_one():
        await parts.index_feed.run()


async def a_collection(core: Core, alias: str, setting: Any = SETTING, **config: Any) -> str:
    config = {"semantic_search": setting, **config}
    made = await core.artifacts.create(ADA, manifest={"name": alias}, alias=alias, type="collection", config=config)
    return made.artifact.id


async def fill(core: Core, parent: str, number: int, seed: int) -> dict[str, dict[str, Any]]:
    """Children with random texts; their manifests by id."""
    chance = random.Random(seed)
    made = {}
    for n in range(number):
        words = chance.choices(VOCABULARY, k=chance.randint(1, 9))
        manifest = {"name": " ".join(words), "n": n, "tags": [f"t{n % 3}"]}
        made[(await core.artifacts.create(ADA, manifest=manifest, parent=parent)).artifact.id] = manifest
    return made


def ids(listing: Any) -> list[str]:
    return [view.artifact.id for view in listing.views]


async def defined(
    core: Core, spaces: dict[str, VectorSpace], wanted: Wanted, matches: Callable[[str], bool], among: Any = None
) -> dict[str, float]:
    """The scores by the definition: rankings of everything, what does not match left out, `1 / (60 + rank)` each."""
    index = core.ranked_search._index
    words = wanted.words or Words(texts=tuple(dict.fromkeys(wanted.text.split())), every=False)
    questions = [(VectorQuery(words=words, among=among, limit=10**6), list(spaces))]
    for space in dict.fromkeys(spaces.values()):
        vector = (await EmbeddersByUri(None, None).find("hashing:").embed([wanted.text], space.dimension))[0]
        questions.append((VectorQuery(vector=vector, limit=10**6), [c for c in spaces if spaces[c] == space]))
    scores: dict[str, float] = {}
    for query, collections in questions:
        hits = [hit for c in collections for hit in (await index.search(c, spaces[c], query)).hits]
        ranked = [hit.id for hit in sorted(hits, key=lambda hit: -hit.score) if matches(hit.id)]
        for rank, id_ in enumerate(ranked, start=1):
            scores[id_] = scores.get(id_, 0.0) + 1 / (CONSTANT + rank)
    return scores


def check(listing: Any, expected: dict[str, float]) -> None:
    assert dict(zip(ids(listing), listing.scores, strict=True)) == pytest.approx(expected)
    assert listing.scores == sorted(listing.scores, reverse=True)
    assert listing.total == len(expected)


@pytest.mark.parametrize("most_among", [MOST_AMONG, 0], ids=["few match", "many match"])
async def test_answers_are_those_of_the_definition(parts, most_among):
    core = parts.core
    ranked = RankedSearch(
        core.catalog, core.search, core.counters, core.ranked_search._index, core.ranked_search._embedders,
        most_among=most_among,
    )  # fmt: skip
    small = await a_collection(core, "small")
    other = await a_collection(core, "other", {"embedding_model": "hashing:", "dimension": 64, "fields": ["name"]})
    await core.artifacts.create(ADA, manifest={"name": "sea"}, alias="plain", type="collection")
    of_small, of_other = await fill(core, small, 40, 1), await fill(core, other, 25, 2)
    everything = {**of_small, **of_other}
    await follow(parts)
    spaces = {
        collection: VectorSpace(dimension=dimension, model="hashing:")
        for collection, dimension in ((small, 32), (other, 64))
    }
    some = Between(NUMBERS, 5, 18)
    for text in ("sea storm", "gull nest moon", "sand"):
        for words in (None, Words(texts=("tide",)), Words(texts=("sea", "rock"), every=True)):
            plain = Wanted(text=text, words=words)
            narrow = msgspec.structs.replace(plain, where=some)
            matching = {id_ for id_, manifest in everything.items() if 5 <= manifest["n"] <= 18}
            among = frozenset(matching) if most_among else None
            check(
                await ranked.workspace(ADA, "ws-user-ada", plain),
                await defined(core, spaces, plain, lambda _: True),
            )
            check(
                await ranked.workspace(ADA, "ws-user-ada", narrow),
                await defined(core, spaces, narrow, lambda id_, m=matching: id_ in m, among),
            )
            check(
                await ranked.children(ADA, small, plain),
                await defined(core, {small: spaces[small]}, plain, lambda _: True),
            )


@pytest.mark.parametrize("parts", ["sqlite"], indirect=True)
async def test_what_matches_is_found_however_much_is_nearer(parts):
    core = parts.core
    ranked = RankedSearch(
        core.catalog, core.search, core.counters, core.ranked_search._index, core.ranked_search._embedders,
        most_among=0,
    )  # fmt: skip
    collection = await a_collection(core, "c")
    near = [core.artifacts.create(ADA, manifest={"name": "sea", "n": 0}, parent=collection) for _ in range(1010)]
    await asyncio.gather(*near)
    far = [core.artifacts.create(ADA, manifest={"name": "a rock", "n": 1}, parent=collection) for _ in range(5)]
    wanted = {view.artifact.id for view in await asyncio.gather(*far)}
    await follow(parts)
    found = await ranked.children(ADA, collection, Wanted(text="sea", where=Between(NUMBERS, 1, None)))
    assert set(ids(found)) == wanted


async def test_what_the_index_does_not_know_yet_changes_no_verdict(parts):
    core = parts.core
    collection, elsewhere = await a_collection(core, "here"), await a_collection(core, "there")
    made = list(await fill(core, collection, 6, 3))
    await follow(parts)
    await core.artifacts.delete(ADA, made[0])
    await core.copies.move(ADA, made[1], elsewhere)
    await core.copies.move(ADA, made[2], None)
    await core.versions.remove(ADA, made[3], "v0")
    found = await core.ranked_search.children(ADA, collection, Wanted(text="sea"))
    assert set(ids(found)) == set(made[4:])
    assert found.total == 2
    await follow(parts)
    assert set(await core.catalog.find_vectors(collection, made)) == set(made[4:])
    assert set(await core.catalog.find_vectors(elsewhere, made)) == {made[1]}


async def test_nobody_is_shown_what_they_may_not_list(parts):
    core = parts.core
    closed, open_ = await a_collection(core, "closed"), await a_collection(core, "open", permissions={"bob": "l"})
    inside = await core.artifacts.create(
        ADA, manifest={"name": "inner"}, parent=open_, type="collection", config={"semantic_search": SETTING}
    )
    barred = await core.artifacts.create(
        ADA,
        manifest={"name": "barred"},
        parent=open_,
        type="collection",
        config={"semantic_search": SETTING, "permissions": {"bob": "n"}},
    )
    inbox = await a_collection(core, "inbox", permissions={"bob": "l"}, private_children=True, recipient_field="to")
    made = {}
    for collection in (closed, open_, inside.artifact.id, barred.artifact.id, inbox):
        made[collection] = set(await fill(core, collection, 3, 4))
    await follow(parts)
    found = await core.ranked_search.workspace(BOB, "ws-user-ada", Wanted(text="sea"))
    collections = {inside.artifact.id, barred.artifact.id}
    assert set(ids(found)) == made[open_] | made[inside.artifact.id] | collections
    assert found.total == 8
    listed = await core.search.children(BOB, open_, Query(limit=100))
    assert {view.artifact.id for view in listed.views} == made[open_] | collections
    assert ids(await core.ranked_search.children(BOB, inbox, Wanted(text="sea"))) == []
    with pytest.raises(Forbidden):
        await core.ranked_search.children(BOB, closed, Wanted(text="sea"))
    theirs = await core.ranked_search.workspace(ADA, "ws-user-ada", Wanted(text="sea"))
    assert theirs.total == 5 * 3 + 2
    limited = Principal(id="ada", grants=ADA.grants, scopes=("artifact:other:read",))
    assert (await core.ranked_search.workspace(limited, "ws-user-ada", Wanted(text="sea"))).total == 0


async def test_pages_of_one_ranking_make_it_whole_though_more_is_added(parts):
    core = parts.core
    collection = await a_collection(core, "c")
    made = await fill(core, collection, 23, 5)
    await follow(parts)
    whole = await core.ranked_search.children(ADA, collection, Wanted(text="sea storm"))
    seen, after = [], None
    for turn in range(5):
        page = await core.ranked_search.children(
            ADA, collection, Wanted(text="sea storm", limit=5, after=after, wants_next=True)
        )
        assert page.total == len(made)
        seen += ids(page)
        after = page.next
        await fill(core, collection, 3, 10 + turn)
        await follow(parts)
    assert after is None
    assert seen == ids(whole)


async def test_settings_that_change_begin_anew(parts):
    core = parts.core
    collection = await a_collection(core, "c")
    made = set(await fill(core, collection, 5, 6))
    await follow(parts)
    before = await core.catalog.vector_state(collection)
    larger = {**SETTING, "dimension": 48}
    await core.versions.edit(ADA, collection, Changes(config={"semantic_search": larger}))
    assert (await core.catalog.vector_state(collection)).item_count == 0
    assert (await core.ranked_search.children(ADA, collection, Wanted(text="sea"))).total == 0
    await follow(parts)
    assert set(ids(await core.ranked_search.children(ADA, collection, Wanted(text="sea")))) == made
    assert (await core.catalog.vector_state(collection)).epoch > before.epoch
    await core.versions.edit(ADA, collection, Changes(config={}))
    await follow(parts)
    assert (await core.catalog.vector_state(collection)).item_count == 0
    assert await core.catalog.find_semantic_index(collection, most_marks=1) is None


async def test_what_says_nothing_new_is_not_embedded_again(parts):
    core = parts.core
    collection = await a_collection(core, "c")
    first, second = await fill(core, collection, 2, 7)
    await follow(parts)
    before = (await core.catalog.vector_state(collection)).revision
    manifest = msgspec.json.decode((await core.artifacts.read(ADA, first)).artifact.manifest)
    await core.versions.edit(ADA, first, Changes(manifest={**manifest, "unrelated": 1}))
    await follow(parts)
    assert (await core.catalog.vector_state(collection)).revision == before
    await core.versions.edit(ADA, second, Changes(manifest={"name": "quite another text"}))
    await follow(parts)
    assert (await core.catalog.vector_state(collection)).revision == before + 1


async def test_one_job_follows_a_collection_and_says_why_it_cannot(parts):
    core = parts.core
    collection = await a_collection(core, "c", {"embedding_model": "sentence-transformers:none", "dimension": 8})
    await fill(core, collection, 1, 8)
    await follow(parts)
    (job,) = (await core.jobs.of_artifact(ADA, collection)).jobs
    assert (job.kind, job.status) == (INDEX, JobStatus.FAILED)
    assert job.error is not None
    assert "sentence-transformers" in job.error.message
    await core.versions.edit(ADA, collection, Changes(config={"semantic_search": SETTING}))
    await follow(parts)
    await fill(core, collection, 1, 9)
    await follow(parts)
    jobs = (await core.jobs.of_artifact(ADA, collection)).jobs
    assert [job.status for job in jobs] == [JobStatus.COMPLETED, JobStatus.FAILED]
    with pytest.raises(Conflict):
        await core.jobs.cancel(ADA, jobs[0].id)


async def test_a_copied_store_is_searched_and_what_waited_waits_there(tmp_path, postgres):
    here = Settings(data=tmp_path / "here")
    there = Settings(data=tmp_path / "there", database=postgres.fresh())
    parts = assemble(here, "http://x")
    async with running(parts) as core:
        await core.accounts.ensure_home("ada")
        collection = await a_collection(core, "c")
        first, second = await fill(core, collection, 2, 11)
        await follow(parts)
        await core.versions.edit(ADA, first, Changes(manifest={"name": "volcano"}))
    share_key(here, there)
    async with open_store(here) as source, open_store(there) as target:
        await Relocation(source, target).run()
    parts = assemble(there, "http://x")
    async with running(parts) as core:
        found = await core.ranked_search.children(ADA, collection, Wanted(text="sea"))
        assert set(ids(found)) == {first, second}
        await follow(parts)
        assert bytes((await core.catalog.find_vectors(collection, [first]))[first].payload) == b'{"":["volcano"]}'
