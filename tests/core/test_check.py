"""What `armarium check` finds: nothing where all is well, and every kind of damage where it is not."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from armarium.assembly import open_core
from armarium.core import Core
from armarium.domain.storage_keys import blob_key
from armarium.settings import Settings
from tests.killing import ADA, settings_of


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    """A store with a committed, a staged and an abandoned file, without any grace period."""
    settings: Settings = settings_of(tmp_path)
    async with open_core(settings) as core:
        await core.accounts.ensure_home("ada")
        await core.artifacts.create(ADA, alias="box", manifest={"name": "Box"}, type="dataset", stage=True)
        await core.files.write(ADA, "box", "kept.txt", b"committed")
        await core.files.write(ADA, "box", "same.txt", b"committed too")
        await core.versions.commit(ADA, "box")
        await core.artifacts.create(ADA, alias="draft", manifest={"name": "Draft"}, type="dataset", stage=True)
        await core.files.write(ADA, "draft", "staged.txt", b"staged")
        await core.files.write(ADA, "draft", "gone.txt", b"abandoned")
        await core.files.remove(ADA, "draft", "gone.txt")
        yield core


async def blob_file(core: Core, data: Path, alias: str, path: str, version: str) -> Path:
    """Where the bytes of a file lie."""
    artifact = (await core.artifacts.read(ADA, alias, stage=version == "stage", silent=True)).artifact
    if version == "stage":
        staged = (await core.catalog.staged_files([artifact.id]))[artifact.id]
        blob_id = next(file.blob_id for file in staged if file.path == path)
    else:
        entries = await core.catalog.list_files(artifact.versions[-1].id)
        blob_id = next(entry.blob_id for entry in entries if entry.path == path)
    assert blob_id is not None
    return data / "files" / blob_key(blob_id)


async def test_a_sound_store_has_no_problems(core: Core):
    report = await core.check.run(read_data=True)
    assert (report.is_good, report.blobs, report.hashed, report.unused) == (True, 3, 3, 1)
    assert report.size_bytes == len(b"committed" + b"committed too" + b"staged")


async def test_missing_short_and_changed_bytes_are_found_with_the_files_that_need_them(core: Core, tmp_path: Path):
    (await blob_file(core, tmp_path, "box", "kept.txt", "v0")).unlink()
    short = await blob_file(core, tmp_path, "draft", "staged.txt", "stage")
    short.chmod(0o600)
    short.write_bytes(b"stag")
    changed = await blob_file(core, tmp_path, "box", "same.txt", "v0")
    changed.chmod(0o600)
    changed.write_bytes(b"committed 2oo")
    found = {(p.reason, *((use.alias, use.version, use.path) for use in p.uses)) for p in await problems(core)}
    missing_and_short = {
        ("missing", ("box", "v0", "kept.txt")),
        ("4 bytes instead of 6", ("draft", "stage", "staged.txt")),
    }
    assert found == missing_and_short
    found = {p.reason for p in await problems(core, read_data=True)}
    assert found == {
        "missing",
        "4 bytes instead of 6",
        "other bytes than were stored: the SHA-256 differs",
    }


async def problems(core: Core, **options: bool):
    report = await core.check.run(**options)
    assert not report.is_good
    return report.problems


async def test_leftovers_are_counted_and_left_alone(core: Core, tmp_path: Path):
    stray = tmp_path / "files" / blob_key(core.clock.new_id())
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes(b"nobody knows me")
    for _ in range(2):
        report = await core.check.run()
        assert (report.is_good, report.leftovers.unknown, report.leftovers.unreferenced) == (True, 1, 1)
    assert stray.exists()
