"""Documents added to vector collections through the unmodified Hypha client."""

import asyncio
from typing import Any

import pytest

from tests.faces.hypha.wire import an_artifact, refusal

SPACE = {"dimension": 256, "embedding_model": "hashing:"}
TIDE = "The tide is high today. " * 20
FILES = {
    "notes.txt": b"Engines need oil, and oil needs engines.",
    "docs/guide.md": b"# Sailing\n\nReef the sail before the storm comes.",
    "page.html": b"<html><script>evil()</script><body><h1>Birds</h1><p>A heron waits.</p></body></html>",
    "table.csv": b"city,country\nLisbon,Portugal\n",
    "facts.json": b'{"volcano": "Etna"}',
    "image.png": b"\x89PNG",
}


async def ended(store: Any, job: Any) -> Any:
    while job["status"] in ("pending", "processing"):
        await asyncio.sleep(0.05)
        job = await store.get_job(job["job_id"])
    return job


@pytest.fixture
async def library(store: Any) -> str:
    made = await store.create(alias="library", type="vector-collection", manifest={"name": "Library"}, config=SPACE)
    return made["id"]


async def test_texts_become_passages_that_say_where_they_are_from(store, library):
    documents = [{"text": TIDE, "source": "tide", "manifest": {"year": 1999}}, "A bird in the hand."]
    job = await ended(store, await store.add_documents(library, documents, chunk_size=100, chunk_overlap=20))
    assert (job["status"], job["progress"], job["result"]["documents"]) == ("completed", 100, 2)
    found = await store.search_vectors(library, query="high tide", limit=100, filters={"source": "tide"})
    assert len(found) == job["result"]["passages"] - 1 > 4
    for hit in found:
        assert hit["text"] == TIDE[hit["start"] : hit["end"]]
        assert hit["year"] == 1999
    assert (await store.search_vectors(library, query="bird hand", limit=1))[0]["text"] == "A bird in the hand."


async def test_files_of_an_artifact_are_read_by_their_kind(store, library):
    await an_artifact(store, "box", FILES)
    job = await ended(store, await store.add_documents(library, [{"artifact_id": "box"}]))
    assert (job["status"], job["result"]) == ("completed", {"documents": 5, "passages": 5})
    for query, source in {
        "oil engines": "notes.txt",
        "reef sail storm": "docs/guide.md",
        "heron": "page.html",
        "Lisbon Portugal": "table.csv",
        "volcano Etna": "facts.json",
    }.items():
        hit = (await store.search_vectors(library, query=query, limit=1))[0]
        assert hit["source"] == source
        assert "evil" not in hit["text"]
    again = await ended(store, await store.add_documents(library, [{"artifact_id": "box", "path": "notes.txt"}]))
    assert again["status"] == "completed"
    assert (await store.read(library))["config"]["vector_count"] == 5


async def test_a_failure_is_told_by_the_job(store, library):
    await an_artifact(store, "latin", {"latin.txt": "caf\xe9".encode("latin-1")})
    job = await ended(store, await store.add_documents(library, [{"artifact_id": "latin", "path": "latin.txt"}]))
    assert job["status"] == "failed"
    assert "'latin.txt' is no UTF-8 text" in job["error"]["message"]


@pytest.mark.parametrize(
    ("documents", "said"),
    [
        ([], "no documents"),
        ([3], "document 0.*a text or an object"),
        (["x", {"format": "text"}], "document 1.*needs a 'text'"),
        ([{"text": "x", "format": "doc"}], "format"),
        ([{"text": "x", "path": "a"}], "either"),
        ([{"text": "x", "manifest": "y"}], "object"),
        ([{"txt": "x"}], "'txt' is not known"),
        ([{"artifact_id": "box", "path": "../etc/passwd"}], "ath"),
        ([{"artifact_id": "box", "path": "missing.txt"}], "does not exist"),
        ([{"artifact_id": "box", "path": "image.png"}], "not a text"),
        (["x" * (1 << 20 | 1)], "1 MiB"),
    ],
)
async def test_documents_that_make_no_sense_are_refused(store, library, documents, said):
    await an_artifact(store, "box", {"image.png": b"\x89PNG"})
    with refusal(said):
        await store.add_documents(library, documents)


async def test_a_collection_without_a_model_takes_no_documents(store):
    name = (await store.create(type="vector-collection", manifest={"name": "x"}, config={"dimension": 4}))["id"]
    with refusal("no embedding model"):
        await store.add_documents(name, ["text"])
    job = await ended(store, await store.add_documents(name, ["text"], embedding_models={"text": "hashing:"}))
    assert job["status"] == "completed"


async def test_rights_are_those_of_the_collection_and_of_the_files(store, bobs_store, strangers_store):
    shared = {**SPACE, "permissions": {"@": "r+", "*": "r"}}
    made = await store.create(alias="shared", type="vector-collection", manifest={"name": "Shared"}, config=shared)
    await an_artifact(store, "private", {"a.txt": b"secret"})
    with refusal("PermissionError"):
        await strangers_store.add_documents(made["id"], ["text"])
    with refusal("PermissionError"):
        await bobs_store.add_documents(made["id"], [{"artifact_id": f"{made['workspace']}/private"}])
    job = await bobs_store.add_documents(made["id"], ["text"])
    assert (await ended(bobs_store, job))["status"] == "completed"
