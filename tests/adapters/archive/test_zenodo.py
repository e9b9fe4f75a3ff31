"""The Zenodo adapter against a small Zenodo of ours, which fails in every way we could think of."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator, Iterator

import psutil
import pytest

from armarium.adapters.archive.zenodo import ZenodoArchive
from armarium.adapters.archive.zenodo_http import Patience
from armarium.domain.errors import ArmariumError, Refused, Unavailable
from armarium.ports.archive import Deposit, Description, PublicFile
from tests.adapters.archive.zenodo_server import TOKEN, Zenodo, running_zenodo

QUICK = Patience(attempts=3, pause_seconds=0.01, request_seconds=0.5, stall_seconds=0.5)
ABOUT = Description(title="Tides", text="All of them", type="dataset", creators=("Ada",))
CONTENT = {"a.txt": b"first", "data/deep dir/b#1%.csv": b"x" * 300_000, "empty": b"", "data/\u00e4.bin": b"\x00\xff"}


@pytest.fixture
def zenodo() -> Iterator[Zenodo]:
    with running_zenodo() as served:
        yield served


@pytest.fixture
def archive(zenodo: Zenodo) -> ZenodoArchive:
    return ZenodoArchive(zenodo.url, QUICK)


def a_file(path: str, content: bytes) -> PublicFile:
    async def read() -> AsyncGenerator[bytes, None]:
        for start in range(0, len(content), 65536):
            yield content[start : start + 65536]

    return PublicFile(path=path, size_bytes=len(content), read=read)


FILES = [a_file(path, content) for path, content in CONTENT.items()]


async def published(archive: ZenodoArchive, files: list[PublicFile] = FILES) -> Deposit:
    draft = await archive.reserve(TOKEN)
    await archive.fill(TOKEN, draft, ABOUT, files)
    return await archive.publish(TOKEN, draft)


# the straight way


async def test_files_arrive_whole_in_their_directories(archive: ZenodoArchive, zenodo: Zenodo):
    done = await published(archive)
    assert done.is_published
    assert done.record["doi"] == f"10.5072/zenodo.{done.id}"
    assert zenodo.contents(done.id) == CONTENT
    assert zenodo.depositions[int(done.id)]["metadata"]["title"] == "Tides"


async def test_the_token_is_in_no_url(archive: ZenodoArchive, zenodo: Zenodo):
    await published(archive)
    assert [line for line in zenodo.requests if TOKEN in line] == []


async def test_a_next_version_replaces_adds_and_removes_files_and_sends_only_what_changed(
    archive: ZenodoArchive, zenodo: Zenodo
):
    first = await published(archive)
    draft = await archive.draft_of_next_version(TOKEN, first)
    assert draft is not None
    zenodo.requests.clear()
    changed = {**CONTENT, "a.txt": b"again", "new.txt": b"new"}
    del changed["empty"]
    await archive.fill(TOKEN, draft, ABOUT, [a_file(*item) for item in changed.items()])
    second = await archive.publish(TOKEN, draft)
    assert zenodo.contents(second.id) == changed
    assert zenodo.count("^PUT /api/files") == 2
    assert zenodo.contents(first.id) == CONTENT
    assert second.concept_id == first.concept_id


async def test_a_draft_of_a_next_version_that_is_left_over_is_used(archive: ZenodoArchive, zenodo: Zenodo):
    first = await published(archive)
    once = await archive.draft_of_next_version(TOKEN, first)
    zenodo.forbids_second_draft = True
    again = await archive.draft_of_next_version(TOKEN, first)
    assert once is not None
    assert again is not None
    assert once.id == again.id


async def test_what_is_gone_is_not_found(archive: ZenodoArchive, zenodo: Zenodo):
    draft = await archive.reserve(TOKEN)
    assert await archive.find(TOKEN, draft.record) == await archive.find(TOKEN, {"id": draft.id})
    await archive.discard(TOKEN, draft)
    await archive.discard(TOKEN, draft)
    assert await archive.find(TOKEN, draft.record) is None
    assert await archive.find(TOKEN, {"id": "../../records/1"}) is None
    assert await archive.find(TOKEN, {"id": 1, "links": {"self": "https://zenodo.org/api/deposit/1"}}) is None


# failures


@pytest.mark.parametrize("how", [500, 503, 429, "hang", "cut", "cut-after"])
@pytest.mark.parametrize(
    "where",
    ["POST .*depositions$", "PUT .*depositions/", "GET .*/files$", "PUT /api/files", "POST .*publish$"],
)
async def test_what_fails_twice_succeeds_the_third_time(
    archive: ZenodoArchive, zenodo: Zenodo, where: str, how: int | str
):
    zenodo.fail(where, how, times=2)
    done = await published(archive)
    assert zenodo.contents(done.id) == CONTENT


@pytest.mark.parametrize("how", ["half", "corrupt", "cut"])
async def test_a_file_that_did_not_arrive_whole_is_sent_again_from_its_start(
    archive: ZenodoArchive, zenodo: Zenodo, how: str
):
    zenodo.fail("PUT /api/files/.*csv", how)
    done = await published(archive)
    assert zenodo.contents(done.id) == CONTENT


@pytest.mark.parametrize("how", [500, "hang", "cut", "redirect", 401, 400, 404, "echo"])
@pytest.mark.parametrize("where", ["POST .*depositions$", "PUT .*depositions/", "PUT /api/files", "POST .*publish$"])
async def test_no_failure_tells_the_token(
    archive: ZenodoArchive, zenodo: Zenodo, where: str, how: int | str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    zenodo.fail(where, how, times=99)
    try:
        told = str((await published(archive)).record)
    except ArmariumError as error:
        told = str(error)
        assert any(word in told.lower() for word in ("zenodo", "deposition"))
    assert TOKEN not in told + caplog.text


async def test_a_wrong_token_is_told_without_it(zenodo: Zenodo):
    with pytest.raises(Refused, match="Failed to create a deposition") as caught:
        await ZenodoArchive(zenodo.url, QUICK).reserve("some-other-token")
    assert "some-other-token" not in str(caught.value)


async def test_an_archive_that_is_not_there_is_unavailable():
    with pytest.raises(Unavailable, match="Zenodo could not be reached"):
        await ZenodoArchive("http://127.0.0.1:1", QUICK).reserve(TOKEN)


async def test_what_the_archive_refuses_is_told_field_by_field(archive: ZenodoArchive):
    draft = await archive.reserve(TOKEN)
    nameless = Description(title="", text="x", type="other", creators=())
    with pytest.raises(Refused, match=r"metadata\.title: Missing data.*metadata\.creators"):
        await archive.fill(TOKEN, draft, nameless, [])


async def test_a_refused_publication_says_so(archive: ZenodoArchive, zenodo: Zenodo):
    draft = await archive.reserve(TOKEN)
    with pytest.raises(Refused, match="Failed to publish deposition"):
        await archive.publish(TOKEN, draft)
    assert zenodo.count("publish$") == 1


async def test_a_publication_whose_answer_was_lost_is_found_out(archive: ZenodoArchive, zenodo: Zenodo):
    zenodo.fail("publish$", "cut-after", times=99)
    assert (await published(archive)).is_published


async def test_an_upload_that_stalls_is_given_up(archive: ZenodoArchive, zenodo: Zenodo):
    zenodo.fail("PUT /api/files", "hang", times=99)
    with pytest.raises(Unavailable, match=r"upload of 'a\.txt' failed \(it took too long\)"):
        await published(archive)


# one server and no other


@pytest.mark.parametrize(
    "link", ["http://169.254.169.254/x", "file:///etc/passwd", "{url}.evil.example/x", "{url}@evil/x"]
)
async def test_links_that_lead_elsewhere_are_not_followed(zenodo: Zenodo, archive: ZenodoArchive, link: str):
    described = zenodo.described

    def poisoned(kept: dict[str, object]) -> dict[str, object]:
        record = described(kept)
        record["links"]["bucket"] = record["links"]["latest_draft"] = link.format(url=zenodo.url)
        return record

    zenodo.described = poisoned  # type: ignore[method-assign]
    draft = await archive.reserve(TOKEN)
    with pytest.raises(Refused, match="leads to another server"):
        await archive.fill(TOKEN, draft, ABOUT, FILES)
    zenodo.depositions[int(draft.id)]["submitted"] = True
    with pytest.raises(Refused, match="leads to another server"):
        await archive.draft_of_next_version(TOKEN, draft)


async def test_redirects_are_not_followed(zenodo: Zenodo, archive: ZenodoArchive):
    zenodo.fail("POST .*depositions$", "redirect")
    with pytest.raises(Refused, match="status 302"):
        await archive.reserve(TOKEN)


# large files


async def test_memory_stays_flat_while_a_large_file_is_sent(archive: ZenodoArchive, zenodo: Zenodo):
    piece, pieces = bytes(range(256)) * 4096, 400
    process, seen = psutil.Process(), [0]
    before = process.memory_info().rss

    async def read() -> AsyncGenerator[bytes, None]:
        for _ in range(pieces):
            seen.append(process.memory_info().rss)
            yield piece

    large = PublicFile(path="large.bin", size_bytes=len(piece) * pieces, read=read)
    draft = await archive.reserve(TOKEN)
    patient = ZenodoArchive(zenodo.url, Patience())
    await patient.fill(TOKEN, draft, ABOUT, [large])
    stored = zenodo.files_of(draft.id)["large.bin"]
    assert stored.size == large.size_bytes
    assert stored.md5 == hashlib.md5(piece * pieces).hexdigest()
    assert max(seen) - before < 64 << 20


async def test_the_event_loop_goes_on_while_a_file_is_sent(archive: ZenodoArchive):
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0)

    beating = asyncio.create_task(beat())
    await published(archive, [a_file("big.bin", b"x" * 5_000_000)])
    beating.cancel()
    assert beats > 50
