"""A store that was carried into another is the same store, and one that was not is empty."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from armarium.assembly import open_core, open_store, share_key
from armarium.core.relocation import Relocation, RelocationReport
from armarium.domain.errors import ArmariumError, Conflict, Invalid, Unavailable
from armarium.domain.query import Keyword, Query
from armarium.domain.storage_keys import BLOBS
from armarium.settings import Settings
from armarium.testing.postgres import Databases
from armarium.testing.s3_server import S3Server
from tests.killing import ADA, prepare, settings_of
from tests.test_kill import state_of


@pytest.fixture
async def source(tmp_path: Path) -> Settings:
    """A store with versions, drafts, secrets, counts, users, and a child that is older than its parent."""
    settings = settings_of(tmp_path / "source")
    async with open_core(settings) as core:
        await core.accounts.bootstrap()
        await prepare(core)
        await core.artifacts.create(ADA, alias="later", manifest={"name": "Later", "tags": ["x"]}, parent="child")
        older, later = [(await core.artifacts.read(ADA, alias)).artifact.id for alias in ("kept", "later")]
        async with core.catalog.transaction() as tx:
            await tx.set_parent(older, later)
    return settings


async def copy(source: Settings, target: Settings) -> RelocationReport:
    share_key(source, target)
    async with open_store(source) as here, open_store(target) as there:
        return await Relocation(here, there).run()


async def records(settings: Settings) -> dict[str, Any]:
    async with open_store(settings) as store:
        catalog = store.catalog
        return {table: await catalog.table_rows(table, after=None, limit=1000) for table in catalog.table_names()}


def a_blob_of(settings: Settings) -> Path:
    return next(path for path in sorted((settings.data / "files" / BLOBS).rglob("*")) if path.is_file())


@pytest.fixture
def target(tmp_path: Path) -> Settings:
    return settings_of(tmp_path / "target")


@pytest.fixture
def at_scale(tmp_path: Path, postgres: Databases, s3_server: S3Server) -> Settings:
    """PostgreSQL and S3."""
    bucket = s3_server.make_bucket("moved")
    return msgspec.structs.replace(
        settings_of(tmp_path / "at-scale"),
        database=postgres.fresh(),
        blobs=f"s3://{bucket.name}/files",
        s3_endpoint=s3_server.endpoint,
        s3_access_key_id=s3_server.access_key.id,
        s3_secret_access_key=s3_server.access_key.secret,
    )


async def test_a_store_goes_to_postgres_and_s3_and_comes_back(source: Settings, at_scale: Settings, target: Settings):
    there = await copy(source, at_scale)
    assert (await copy(source, at_scale)).was_there
    back = await copy(at_scale, target)
    assert back.tables == there.tables
    assert await records(target) == await records(at_scale) == await records(source)
    async with open_core(source) as before, open_core(at_scale) as moved, open_core(target) as after:
        assert await state_of(moved) == await state_of(after) == await state_of(before)
        for core in (moved, after):
            assert (await core.check.run(read_data=True)).is_good
            await core.artifacts.create(ADA, alias="new", manifest={"name": "New"})
            found = (await core.search.workspace(ADA, "ws-user-ada", Query(where=Keyword("later")))).views
            assert [view.artifact.alias for view in found] == ["later"]


async def test_a_copy_is_the_same_and_lives_on(source: Settings, target: Settings):
    report = await copy(source, target)
    assert (report.was_there, report.found_blobs) == (
        False,
        report.blobs,
    )  # the second look finds what the first copied
    assert report.tables["artifact"] == 4
    assert await records(target) == await records(source)
    async with open_core(source) as before, open_core(target) as after:
        assert await state_of(after) == await state_of(before)
        assert (await after.check.run(read_data=True)).is_good
        await after.artifacts.create(ADA, alias="new", manifest={"name": "New"})
        found = (await after.search.workspace(ADA, "ws-user-ada", Query(where=Keyword("later")))).views
        assert [view.artifact.alias for view in found] == ["later"]


async def test_a_copy_that_is_done_again_does_nothing(source: Settings, target: Settings):
    first = await copy(source, target)
    again = await copy(source, target)
    assert (again.was_there, again.blobs, again.found_blobs) == (True, 0, first.blobs)
    assert again.tables == first.tables


async def test_a_copy_that_was_interrupted_leaves_an_empty_target_and_is_begun_again(
    source: Settings, target: Settings
):
    damaged = a_blob_of(source)
    content = damaged.read_bytes()
    damaged.chmod(0o600)
    damaged.write_bytes(content[:-1])
    with pytest.raises(ExceptionGroup) as caught:
        await copy(source, target)
    assert caught.group_contains(Unavailable, match="armarium check")
    assert not any((await records(target)).values())
    damaged.write_bytes(content)
    report = await copy(source, target)
    assert report.blobs + report.found_blobs > 0
    assert await records(target) == await records(source)


async def test_nothing_is_copied_over_another_store(source: Settings, target: Settings):
    share_key(source, target)
    async with open_core(target) as core:
        await core.accounts.bootstrap()
    before = await records(target)
    with pytest.raises(Conflict, match="Copy into an empty target"):
        await copy(source, target)
    assert await records(target) == before


async def test_a_target_with_another_key_is_refused(source: Settings, target: Settings):
    other = msgspec.structs.replace(target, secret_key="some other key than that of the source")
    with pytest.raises(Invalid, match="another secret key"):
        share_key(source, other)
    share_key(
        source, msgspec.structs.replace(other, previous_secret_keys=((source.data / "master.key").read_text().strip(),))
    )


async def test_what_fails_at_the_last_moment_leaves_an_empty_target(
    source: Settings, target: Settings, monkeypatch: pytest.MonkeyPatch
):
    async def refuse(self: Relocation, *readers: object) -> dict[str, int]:
        raise Conflict("differs")

    monkeypatch.setattr(Relocation, "_require_equal", refuse)
    with pytest.raises(ArmariumError):
        await copy(source, target)
    assert not any((await records(target)).values())
