"""Artifacts as files of fsspec, at a running server."""

import os
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import fsspec
import pytest

from armarium.sdk.filesystem import ArmariumFileSystem
from armarium.testing.server import RunningServer
from tests.faces.people import Person

ROWS = b"species,count\nAlca impennis,1\n"


@pytest.fixture(autouse=True)
def registered() -> None:
    """As the entry point does where armarium is installed."""
    fsspec.register_implementation("armarium", ArmariumFileSystem, clobber=True)


@pytest.fixture
def options(armarium_server: RunningServer, ada: Person) -> dict[str, str]:
    return {"url": armarium_server.url, "token": ada.token}


@pytest.fixture
def drafts(options: dict[str, str]) -> ArmariumFileSystem:
    return fsspec.filesystem("armarium", **options, stage=True)


@pytest.fixture
def fs(options: dict[str, str]) -> ArmariumFileSystem:
    return fsspec.filesystem("armarium", **options)


@pytest.fixture
def birds(drafts: ArmariumFileSystem, ada: Person) -> str:
    """A committed artifact with two files."""
    path = f"{ada.workspace}/birds"
    drafts.mkdir(path)
    drafts.pipe({f"{path}/auks.csv": ROWS, f"{path}/photos/2020/a b.bin": bytes(range(256)) * 40})
    drafts.commit(path)
    return path


def test_the_name_is_registered_where_armarium_is_installed(repository: Path):
    (name, value), *others = tomllib.loads((repository / "pyproject.toml").read_text())["project"]["entry-points"][
        "fsspec.specs"
    ].items()
    assert others == []
    assert name == "armarium"
    assert EntryPoint(name, value, "fsspec.specs").load() is ArmariumFileSystem


def test_a_file_opens_by_its_url(options: dict[str, str], birds: str):
    with fsspec.open(f"armarium://{birds}/auks.csv", **options) as file:
        assert file.read() == ROWS
    with fsspec.open(f"armarium://{birds}/auks.csv", "rt", **options) as file:
        assert file.readline() == "species,count\n"


def test_a_workspace_an_artifact_and_its_directories_are_listed(fs: ArmariumFileSystem, birds: str, ada: Person):
    assert fs.ls(ada.workspace, detail=False) == [birds]
    assert fs.ls(f"armarium://{birds}", detail=False) == [f"{birds}/auks.csv", f"{birds}/photos"]
    assert fs.ls(f"{birds}/photos/", detail=False) == [f"{birds}/photos/2020"]
    (file,) = fs.ls(f"{birds}/auks.csv")
    assert (file["type"], file["size"]) == ("file", len(ROWS))
    assert sorted(fs.find(birds)) == [f"{birds}/auks.csv", f"{birds}/photos/2020/a b.bin"]
    assert fs.glob(f"{birds}/**/*.bin") == [f"{birds}/photos/2020/a b.bin"]


def test_what_is_there_is_told_from_what_is_not(fs: ArmariumFileSystem, birds: str):
    assert fs.isfile(f"{birds}/auks.csv")
    assert fs.isdir(birds)
    assert fs.isdir(f"{birds}/photos")
    assert not fs.exists(f"{birds}/gulls.csv")
    assert not fs.exists(f"{birds}-not-there")
    assert fs.size(f"{birds}/photos/2020/a b.bin") == 10_240
    assert fs.modified(f"{birds}/auks.csv").year >= 2024
    for wrong in (f"{birds}/gulls.csv", f"{birds}/photos/x/"):
        with pytest.raises(FileNotFoundError):
            fs.cat(wrong)
        with pytest.raises(FileNotFoundError):
            fs.ls(wrong)


@pytest.mark.parametrize(
    ("start", "end"), [(0, 4), (4, 9), (-5, None), (None, 3), (5, 5), (9, 4), (20, 1000), (1000, 2000)]
)
def test_a_part_of_a_file_is_what_a_slice_would_be(fs: ArmariumFileSystem, birds: str, start: int, end: int):
    assert fs.cat_file(f"{birds}/auks.csv", start=start, end=end) == ROWS[start:end]


def test_an_open_file_is_read_from_anywhere(fs: ArmariumFileSystem, birds: str):
    with fs.open(f"{birds}/photos/2020/a b.bin", block_size=1000) as file:
        file.seek(255)
        assert file.read(2) == b"\xff\x00"
        file.seek(-1, os.SEEK_END)
        assert file.read() == b"\xff"


def test_folders_go_up_and_come_down(drafts: ArmariumFileSystem, ada: Person, tmp_path: Path):
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    (source / "a.txt").write_text("a")
    (source / "deep" / "b.txt").write_text("b" * 100_000)
    place = f"{ada.workspace}/tree"
    drafts.mkdir(place)
    drafts.put(f"{source}/", f"{place}/", recursive=True)
    drafts.get(f"{place}/", f"{tmp_path}/copy/", recursive=True)
    assert (tmp_path / "copy" / "a.txt").read_text() == "a"
    assert (tmp_path / "copy" / "deep" / "b.txt").read_text() == "b" * 100_000


def test_a_large_file_is_written_through_an_open_one(drafts: ArmariumFileSystem, ada: Person):
    place = f"{ada.workspace}/large"
    drafts.mkdir(place)
    block = os.urandom(1_000_000)
    with drafts.open(f"{place}/large.bin", "wb", block_size=1 << 20) as file:
        for _ in range(7):
            file.write(block)
    assert drafts.cat(f"{place}/large.bin") == block * 7
    with drafts.open(f"{place}/empty.bin", "wb"):
        pass
    assert drafts.cat(f"{place}/empty.bin") == b""


def test_what_is_written_is_seen_by_others_when_it_is_committed(
    fs: ArmariumFileSystem, drafts: ArmariumFileSystem, birds: str, options: dict[str, str]
):
    with pytest.raises(OSError, match="staging"):
        drafts.pipe(f"{birds}/auks.csv", b"new")
    drafts.begin(birds, version="new")
    drafts.pipe(f"{birds}/auks.csv", b"new")
    assert drafts.cat(f"{birds}/auks.csv") == b"new"
    assert fs.cat(f"{birds}/auks.csv") == ROWS
    drafts.commit(birds, comment="only auks")
    assert fs.cat(f"{birds}/auks.csv") == b"new"
    assert fs.ls(birds, detail=False) == [f"{birds}/auks.csv"]
    assert fsspec.filesystem("armarium", **options, version="v0").cat(f"{birds}/auks.csv") == ROWS


def test_files_are_taken_out_of_the_draft(fs: ArmariumFileSystem, drafts: ArmariumFileSystem, birds: str):
    drafts.begin(birds)
    drafts.rm(f"{birds}/photos", recursive=True)
    assert drafts.find(birds) == [f"{birds}/auks.csv"]
    assert len(fs.find(birds)) == 2
    drafts.commit(birds)
    assert fs.find(birds) == [f"{birds}/auks.csv"]


def test_a_draft_can_be_forgotten(fs: ArmariumFileSystem, drafts: ArmariumFileSystem, birds: str):
    drafts.begin(birds)
    drafts.pipe(f"{birds}/auks.csv", b"new")
    drafts.discard(birds)
    assert fs.cat(f"{birds}/auks.csv") == ROWS


def test_somebody_else_is_refused(armarium_server: RunningServer, birds: str, bob: Person):
    stranger = fsspec.filesystem("armarium", url=armarium_server.url, token=bob.token)
    with pytest.raises(PermissionError):
        stranger.cat(f"{birds}/auks.csv")
    with pytest.raises(PermissionError):
        stranger.pipe(f"{birds}/auks.csv", b"x")


def test_only_reading_and_writing_whole_files_is_offered(fs: ArmariumFileSystem, birds: str):
    with pytest.raises(ValueError, match="'r' or 'w'"):
        fs.open(f"{birds}/auks.csv", "ab")


async def test_async_programs_use_it_on_their_own_loop(options: dict[str, str], birds: str):
    fs = ArmariumFileSystem(**options, asynchronous=True)
    assert await fs._cat_file(f"{birds}/auks.csv") == ROWS
    assert await fs._find(birds) == [f"{birds}/auks.csv", f"{birds}/photos/2020/a b.bin"]


def test_a_program_ends_quietly(options: dict[str, str], birds: str):
    program = (
        "import sys; from armarium.sdk.filesystem import ArmariumFileSystem\n"
        f"print(len(ArmariumFileSystem(**{options!r}).cat('{birds}/auks.csv')))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert (done.stdout, done.stderr) == (f"{len(ROWS)}\n", "")
