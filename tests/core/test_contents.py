from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from armarium.assembly import open_core
from armarium.core import Core
from armarium.core.archives import Content as Zip
from armarium.domain.errors import Forbidden, NotFound
from armarium.domain.file import ByteRange, FileEntry
from armarium.domain.principal import ROOT, Principal, Role
from armarium.settings import Settings

ADA = Principal(id="ada", grants={"ws-user-ada": Role.ADMIN})


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    async with open_core(Settings(data=tmp_path / "data", port=1)) as opened:
        await opened.accounts.create_user(ROOT, "ada")
        yield opened


async def committed(core: Core, alias: str, files: dict[str, bytes]) -> None:
    await core.artifacts.create(ADA, alias=alias, manifest={"name": alias}, stage=True)
    for path, content in files.items():
        await core.files.write(ADA, alias, path, content)
    await core.versions.commit(ADA, alias)


async def read(content: Zip) -> bytes:
    return b"".join([chunk async for chunk in content.open(ByteRange(0, content.size_bytes - 1))])


async def test_one_file_is_the_content(core: Core) -> None:
    await committed(core, "one", {"deep/ä.csv": b"a,b\n"})
    view = await core.artifacts.read(ADA, "one")
    content = (await core.contents.of([view.artifact]))[view.artifact.id]
    assert (content.filename, content.content_type, content.size_bytes) == ("ä.csv", "text/csv", 4)
    assert content.sha256 is not None
    opened = await core.contents.open(ADA, "one")
    assert isinstance(opened, FileEntry)
    assert opened.path == "deep/ä.csv"


@pytest.mark.parametrize("files", [{}, {"a": b"1", "b/ü.txt": b"x" * 70_000, "c": b""}])
async def test_several_files_or_none_are_their_zip_with_its_exact_length(core: Core, files: dict[str, bytes]) -> None:
    await committed(core, "many", files)
    view = await core.artifacts.read(ADA, "many")
    content = (await core.contents.of([view.artifact]))[view.artifact.id]
    opened = await core.contents.open(ADA, "many")
    assert isinstance(opened, Zip)
    assert (content.filename, content.content_type) == ("many.zip", "application/zip")
    assert content.size_bytes == opened.size_bytes == len(await read(opened))


async def test_what_was_never_committed_has_no_content(core: Core) -> None:
    await core.artifacts.create(ADA, alias="draft", manifest={"name": "draft"}, stage=True)
    view = await core.artifacts.read(ADA, "draft")
    assert await core.contents.of([view.artifact]) == {}
    with pytest.raises(NotFound):
        await core.contents.open(ADA, "draft")


async def test_the_content_is_for_those_who_may_get_files(core: Core) -> None:
    await committed(core, "mine", {"a": b"1"})
    with pytest.raises(Forbidden):
        await core.contents.open(Principal(id="eve"), "ws-user-ada/mine")
