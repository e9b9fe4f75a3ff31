"""Files that clients bring to a real S3 server themselves."""

import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import requests

from armarium.assembly import open_core
from armarium.core import Core
from armarium.domain.errors import Invalid, NotFound, TooLarge
from armarium.domain.file import BlobId
from armarium.domain.principal import ROOT, Principal, Role
from armarium.domain.storage_keys import blob_key
from armarium.ports.blobs import SignsUrls
from armarium.settings import load
from armarium.testing.s3_server import S3Server, settings_of

ADA = Principal(id="ada", grants={"ws-user-ada": Role.ADMIN})
HOUR = timedelta(hours=1)
MOST = 6 << 20


@pytest.fixture
async def core(tmp_path: Path, s3_server: S3Server) -> AsyncIterator[Core]:
    variables = settings_of(s3_server.make_bucket("arrivals", prefix=str(uuid4())))
    settings = load(environ={**variables, "ARMARIUM_DATA": str(tmp_path), "ARMARIUM_MAX_FILE_BYTES": str(MOST)})
    async with open_core(settings) as opened:
        await opened.accounts.create_user(ROOT, "ada")
        await opened.artifacts.create(ADA, alias="box", manifest={"name": "box"}, stage=True)
        yield opened


async def urls(core: Core, *paths: str) -> list[str]:
    return await core.files.upload_urls(ADA, "box", paths, weights=[0.0] * len(paths), expires_in=HOUR)


def send(url: str, content: bytes) -> requests.Response:
    return requests.put(url, data=content, timeout=30)


async def content_of(core: Core, path: str, *, stage: bool = False) -> bytes:
    return await core.files.read(ADA, "box", path, stage=stage)


async def open_uploads(core: Core) -> Sequence[tuple[str, str]]:
    assert isinstance(core.blobs, SignsUrls)
    return [found async for found in core.blobs.open_uploads(older_than=datetime.now(UTC) + HOUR)]


async def test_a_commit_takes_in_what_clients_brought_and_their_urls_are_dead(core: Core) -> None:
    links = await urls(core, "a.txt", "b/empty")
    assert not any("/-/" in link for link in links)
    assert [send(link, content).status_code for link, content in zip(links, (b"one", b""), strict=True)] == [200, 200]
    await core.versions.commit(ADA, "box")
    assert (await content_of(core, "a.txt"), await content_of(core, "b/empty")) == (b"one", b"")
    assert send(links[0], b"two").status_code == 404
    assert await content_of(core, "a.txt") == b"one"
    assert await open_uploads(core) == []


async def test_a_commit_names_what_never_arrived_and_changes_nothing(core: Core) -> None:
    links = await urls(core, "a.txt", "b.txt")
    send(links[0], b"one")
    with pytest.raises(NotFound, match=r"b\.txt"):
        await core.versions.commit(ADA, "box")
    send(links[1], b"two")
    await core.versions.commit(ADA, "box")
    assert (await content_of(core, "a.txt"), await content_of(core, "b.txt")) == (b"one", b"two")


async def test_a_look_into_the_draft_shows_what_has_arrived(core: Core) -> None:
    links = await urls(core, "a.txt", "b.txt")
    send(links[0], b"one")
    listed = await core.files.list(ADA, "box", stage=True, with_pending=True)
    assert ([file.path for file in listed.files], [file.path for file in listed.pending]) == (["a.txt"], ["b.txt"])
    assert await content_of(core, "a.txt", stage=True) == b"one"
    download = (await core.files.download_urls(ADA, "box", ["a.txt"], expires_in=HOUR, stage=True))[0]
    assert requests.get(download, timeout=30).content == b"one"


async def test_what_arrived_last_counts_wherever_it_came_in(core: Core) -> None:
    first, second = await urls(core, "a.txt", "b.txt")
    again = (await urls(core, "a.txt"))[0]
    send(again, b"through the second URL")
    time.sleep(1.1)  # the store tells by the second which came last
    send(first, b"through the first URL, later")
    send(second, b"straight")
    await core.files.write(ADA, "box", "b.txt", b"through the server, later")
    assert send(second, b"x").status_code == 404
    await core.versions.commit(ADA, "box")
    assert await content_of(core, "a.txt") == b"through the first URL, later"
    assert await content_of(core, "b.txt") == b"through the server, later"
    assert await open_uploads(core) == []


async def test_a_file_is_replaced_by_a_later_url(core: Core) -> None:
    send((await urls(core, "a.txt"))[0], b"one")
    assert await content_of(core, "a.txt", stage=True) == b"one"
    send((await urls(core, "a.txt"))[0], b"two")
    await core.versions.commit(ADA, "box")
    assert await content_of(core, "a.txt") == b"two"


async def test_a_crash_between_the_store_and_the_record_loses_nothing(core: Core) -> None:
    send((await urls(core, "a.txt"))[0], b"one")
    artifact_id = (await core.artifacts.read(ADA, "box", stage=True)).artifact.id
    upload, _ = (await core.catalog.whole_uploads(artifact_id))[0]
    assert upload.blob_id is not None
    assert upload.store_upload is not None
    assert isinstance(core.blobs, SignsUrls)
    key = blob_key(upload.blob_id)
    await core.blobs.finish_upload(key, upload.store_upload, await core.blobs.arrived_parts(key, upload.store_upload))
    await core.sweeper.sweep()
    await core.versions.commit(ADA, "box")
    assert await content_of(core, "a.txt") == b"one"


async def test_more_than_is_allowed_is_never_committed(core: Core) -> None:
    send((await urls(core, "a.bin"))[0], b"x" * (MOST + 1))
    assert (await core.files.list(ADA, "box", stage=True)).files == []
    with pytest.raises(TooLarge, match=r"a\.bin"):
        await core.versions.commit(ADA, "box")
    send((await urls(core, "a.bin"))[0], b"less")
    await core.files.remove(ADA, "box", "a.bin")
    await core.versions.commit(ADA, "box")


async def test_a_discarded_draft_ends_its_urls(core: Core) -> None:
    link = (await urls(core, "a.txt"))[0]
    await core.versions.discard(ADA, "box")
    assert send(link, b"one").status_code == 404
    assert await open_uploads(core) == []


async def test_parts_go_to_the_store_and_become_one_file(core: Core) -> None:
    begun = await core.uploads.begin(ADA, "box", "big.bin", part_count=2, weight=0.0, expires_in=HOUR)
    contents = [b"x" * (5 << 20), b"the end"]
    sent = [send(url, content) for url, content in zip(begun.part_urls, contents, strict=True)]
    etags = {number: answer.headers["etag"] for number, answer in enumerate(sent, 1)}
    with pytest.raises(Invalid):
        await core.uploads.complete(ADA, "box", begun.upload_id, {1: etags[1], 2: "another"})
    entry = await core.uploads.complete(ADA, "box", begun.upload_id, etags)
    assert entry.size_bytes == sum(map(len, contents))
    await core.versions.commit(ADA, "box")
    found = (await core.files.find(ADA, "box", ["big.bin"]))[0].entry
    assert b"".join([chunk async for chunk in core.blobs.open(blob_key(found.blob_id))]) == b"".join(contents)
    assert await open_uploads(core) == []


async def test_short_parts_are_refused_in_words_and_taken_through_the_server(core: Core) -> None:
    contents = [b"one", b"two"]

    async def sent(path: str, *, direct: bool) -> tuple[str, dict[int, str]]:
        begun = await core.uploads.begin(ADA, "box", path, part_count=2, weight=0.0, expires_in=HOUR, direct=direct)
        if direct:
            answers = [send(url, content) for url, content in zip(begun.part_urls, contents, strict=True)]
            return begun.upload_id, {number: answer.headers["etag"] for number, answer in enumerate(answers, 1)}
        parts = [
            await core.uploads.receive(begun.upload_id, n, _once(content)) for n, content in enumerate(contents, 1)
        ]
        return begun.upload_id, {part.number: part.etag for part in parts}

    with pytest.raises(Invalid, match="5 MiB"):
        await core.uploads.complete(ADA, "box", *await sent("direct.bin", direct=True))
    entry = await core.uploads.complete(ADA, "box", *await sent("through.bin", direct=False))
    assert (await core.blobs.read(blob_key(entry.blob_id))) == b"onetwo"


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def test_the_sweeper_keeps_what_arrived_and_ends_what_never_did(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = await urls(core, "arrived.txt", "never.txt")
    begun = await core.uploads.begin(ADA, "box", "parts.bin", part_count=1, weight=0.0, expires_in=HOUR)
    send(links[0], b"one")
    await core.sweeper.sweep()
    assert len(await open_uploads(core)) == 3
    real = core.clock.now
    monkeypatch.setattr(core.clock, "now", lambda: real() + 2 * HOUR.total_seconds())
    await core.sweeper.sweep()
    assert len(await open_uploads(core)) == 2
    monkeypatch.setattr(core.clock, "now", lambda: real() + 50 * HOUR.total_seconds())
    await core.sweeper.sweep()
    assert await open_uploads(core) == []
    assert [send(url, b"late").status_code for url in (links[1], begun.part_urls[0])] == [404, 404]
    assert await content_of(core, "arrived.txt", stage=True) == b"one"


async def test_the_sweeper_ends_uploads_no_row_knows(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(core.blobs, SignsUrls)
    await core.blobs.begin_upload(blob_key(BlobId(str(uuid4()))))
    real = core.clock.now
    monkeypatch.setattr(core.clock, "now", lambda: real() + 50 * HOUR.total_seconds())
    await core.sweeper.sweep()
    assert await open_uploads(core) == []
